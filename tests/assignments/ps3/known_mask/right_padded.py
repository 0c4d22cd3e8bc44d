def known_mask(step, row, column, size):
    r = size // 2
    padded = F.pad(step.double()[None, None], (r, r, r, r), value=math.inf)[0, 0]
    return padded[row : row + size, column : column + size] < step[row, column]
