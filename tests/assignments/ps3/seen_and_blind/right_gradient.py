def seen_and_blind(stack):
    R = sum((size - 1) // 2 for _, size in stack)
    layers = [MaskedConv2d(kind, 1, 1, size, padding=size // 2, bias=False).double() for kind, size in stack]
    for layer in layers:
        nn.init.ones_(layer.weight)
    x = torch.zeros(1, 1, 2 * R + 1, 2 * R + 1, dtype=torch.float64, requires_grad=True)
    nn.Sequential(*layers)(x)[0, 0, R, R].backward()
    seen = (x.grad != 0).sum()
    return seen, 2 * R * (R + 1) - seen
