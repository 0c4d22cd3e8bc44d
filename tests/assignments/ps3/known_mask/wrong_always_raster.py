def known_mask(step, row, column, size):
    mask, r = causal_mask("A", size, size), size // 2
    for a in range(size):
        for b in range(size):
            if not (0 <= row + a - r < step.shape[0] and 0 <= column + b - r < step.shape[1]):
                mask[a, b] = 0
    return mask
