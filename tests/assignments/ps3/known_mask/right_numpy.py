def known_mask(step, row, column, size):
    step = step.numpy()
    mask = np.zeros((size, size), dtype=np.uint8)
    for i, j in np.argwhere(step < step[row, column]):
        a, b = i - row + size // 2, j - column + size // 2
        if 0 <= a < size and 0 <= b < size:
            mask[a, b] = 1
    return mask
