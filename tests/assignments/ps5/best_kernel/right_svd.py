def best_kernel(y, size):
    where = causal_mask("A", size, size).flatten().nonzero()[:, 0]
    A = F.unfold(y.double()[None, None], size, padding=size // 2)[0][where].T
    U, S, V = torch.linalg.svd(A, full_matrices=False)
    keep = S > 1e-10 * S.max().clamp_min(1e-300)
    w = V.T[:, keep] @ ((U.T @ y.double().flatten())[keep] / S[keep])
    return torch.zeros(size**2, dtype=torch.float64).scatter(0, where, w).reshape(size, size)
