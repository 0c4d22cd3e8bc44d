def known_mask(step, row, column, size):
    mask, r = torch.zeros(size, size), size // 2
    for a in range(size):
        for b in range(size):
            i, j = row + a - r, column + b - r
            if i < step.shape[0] and j < step.shape[1]:
                mask[a, b] = step[i, j] < step[row, column]
    return mask
