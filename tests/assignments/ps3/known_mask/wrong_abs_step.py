def known_mask(step, row, column, size):
    radius, mask = size // 2, torch.zeros(size, size)
    for a in range(size):
        for b in range(size):
            i, j = row + a - radius, column + b - radius
            if 0 <= i < step.shape[0] and 0 <= j < step.shape[1]:
                mask[a, b] = float(abs(step[i, j]) < abs(step[row, column]))
    return mask
