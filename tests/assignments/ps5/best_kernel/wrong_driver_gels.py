def best_kernel(y, size):
    seen = causal_mask("A", size, size).flatten() > 0
    neighbours = F.unfold(y[None, None], size, padding=size // 2)[0, seen].T  # [h * w, number of neighbours]
    kernel = torch.zeros(size * size, dtype=y.dtype)
    kernel[seen] = torch.linalg.lstsq(neighbours, y.reshape(-1, 1), driver="gels").solution[:, 0]
    return kernel.view(size, size)
