def best_kernel(y, size):
    seen = causal_mask("A", size, size).flatten() > 0
    n = F.unfold(y[None, None], size, padding=size // 2)[0, seen].T
    kernel = torch.zeros(size * size, dtype=y.dtype)
    A = n.T @ n
    kernel[seen] = torch.linalg.solve(
        A + 2e-2 * A.diagonal().mean().clamp_min(1e-30) * torch.eye(len(A), dtype=y.dtype), n.T @ y.flatten()
    )
    return kernel.view(size, size)
