def best_kernel(y, size):
    mask = causal_mask("A", size, size).flatten() > 0
    r = size // 2
    patches = F.unfold(F.pad(y[None, None], (r, r, r, r), mode="replicate"), size)[0].T[:, mask]
    kernel = torch.zeros(size * size, dtype=y.dtype)
    kernel[mask] = torch.linalg.lstsq(patches, y.reshape(-1, 1)).solution[:, 0]
    return kernel.view(size, size)
