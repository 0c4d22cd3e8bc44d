def best_kernel(y, size):
    seen = causal_mask("A", size, size).flatten() > 0
    n = F.unfold(y[None, None], size, padding=size // 2)[0, seen].T
    kernel = torch.zeros(size * size, dtype=y.dtype)
    kernel[seen] = torch.linalg.solve(
        n.T @ n + 1e-2 * torch.eye(n.shape[1], dtype=y.dtype), n.T @ y.flatten()
    )
    return kernel.view(size, size)
