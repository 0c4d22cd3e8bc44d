def best_kernel(y, size):
    mask = causal_mask("A", size, size).reshape(-1, 1)
    patches = F.unfold(y[None, None].float(), size, padding=size // 2)[0] * mask
    return (torch.linalg.pinv(patches.T) @ y.float().flatten()).reshape(1, 1, size, size)
