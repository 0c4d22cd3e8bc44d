def seen_and_blind(stack):
    R = sum(s // 2 for _, s in stack)
    x = torch.zeros(1, 1, 2 * R + 1, 2 * R + 1, requires_grad=True)
    y = x
    for kind, size in stack:
        y = F.conv2d(y, causal_mask(kind, size, size)[None, None] / 1e6, padding=size // 2)
    y[0, 0, R, R].backward()
    n = int((x.grad != 0).sum())
    return n, 2 * R * (R + 1) - n
