def best_kernel(y, size):
    used = min(size, 5)
    seen = causal_mask("A", used, used).flatten() > 0
    neighbours = F.unfold(y[None, None], used, padding=used // 2)[0, seen].T
    kernel = torch.zeros(used * used, dtype=y.dtype)
    kernel[seen] = torch.linalg.lstsq(neighbours, y.reshape(-1, 1)).solution[:, 0]
    border = (size - used) // 2
    return F.pad(kernel.view(used, used), (border, border, border, border))
