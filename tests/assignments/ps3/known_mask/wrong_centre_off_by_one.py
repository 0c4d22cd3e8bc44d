def known_mask(step, row, column, size):
    mask, r = torch.zeros(size, size), (size + 1) // 2
    for a in range(size):
        for b in range(size):
            i, j = row + a - r, column + b - r
            if 0 <= i < step.shape[0] and 0 <= j < step.shape[1]:
                mask[a, b] = float(step[i, j] < step[row, column])
    return mask
