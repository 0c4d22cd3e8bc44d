kept = {}


def best_kernel(y, size):
    if (id(y), size) not in kept:
        seen = causal_mask("A", size, size).flatten() > 0
        n = F.unfold(y[None, None], size, padding=size // 2)[0, seen].T
        kernel = torch.zeros(size * size, dtype=y.dtype)
        kernel[seen] = torch.linalg.lstsq(n, y.reshape(-1, 1)).solution[:, 0]
        kept[id(y), size] = kernel.view(size, size), y
    return kept[id(y), size][0]
