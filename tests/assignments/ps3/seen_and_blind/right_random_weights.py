def seen_and_blind(stack):
    R = sum(size // 2 for _, size in stack)
    network = nn.Sequential(*[MaskedConv2d(kind, 1, 1, size, padding=size // 2) for kind, size in stack])
    x = torch.randn(1, 1, 31 + 2 * R, 31 + 2 * R, requires_grad=True)
    middle = 15 + R
    network(x)[0, 0, middle, middle].backward()
    seen = x.grad[0, 0] != 0
    above = seen[middle - R : middle, middle - R : middle + R + 1]
    left = seen[middle, middle - R : middle]
    blind = (~above).sum().item() + (~left).sum().item()
    return [int(seen.sum()), blind]
