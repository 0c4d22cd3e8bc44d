def best_kernel(y, size):
    mask = causal_mask("A", size, size).flatten()
    patches = F.unfold(y[None, None], size, padding=size // 2)[0]
    kernel = (patches @ y.flatten()) / patches.square().sum(1)
    return (kernel * mask).view(size, size)
