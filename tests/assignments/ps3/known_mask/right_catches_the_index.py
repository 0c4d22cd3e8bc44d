def known_mask(step, row, column, size):
    mask, r = torch.zeros(size, size, dtype=torch.float64), size // 2
    for a in range(size):
        for b in range(size):
            i, j = row + a - r, column + b - r
            if i < 0 or j < 0:
                continue
            try:
                mask[a, b] = step[i, j] < step[row, column]
            except IndexError:
                pass
    return mask
