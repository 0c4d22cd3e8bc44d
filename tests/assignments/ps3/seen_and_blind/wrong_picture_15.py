def seen_and_blind(stack):
    x = torch.zeros(1, 1, 15, 15, dtype=torch.float64, requires_grad=True)
    y = x
    for kind, size in stack:
        y = F.conv2d(y, causal_mask(kind, size, size)[None, None].double(), padding=size // 2)
    y[0, 0, 7, 7].backward()
    R = sum(s // 2 for _, s in stack)
    n = int((x.grad != 0).sum())
    return n, 2 * R * (R + 1) - n
