def known_mask(step, row, column, size):
    r = size // 2
    part = step[max(row - r, 0) : row + r + 1, max(column - r, 0) : column + r + 1]
    return (part < step[row, column]).float()
