def known_mask(step, row, column, size):
    mask, r = torch.zeros(size, size), size // 2
    for a in range(size):
        for b in range(size):
            mask[a, b] = (
                step[(row + a - r) % step.shape[0], (column + b - r) % step.shape[1]] < step[row, column]
            )
    return mask
