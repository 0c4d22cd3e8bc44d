def known_mask(step, row, column, size):
    H, W = step.shape

    def known(i, j):
        return 0 <= i < H and 0 <= j < W and bool(step[i, j] < step[row, column])

    around = range(-(size // 2), size // 2 + 1)
    return [[int(known(row + a, column + b)) for b in around] for a in around]
