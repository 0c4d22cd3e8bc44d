def known_mask(step, row, column, size):
    r = size // 2
    p = F.pad(step[None, None].double(), (r, r, r, r), value=float(step.max()) - 0.5)[0, 0]
    return (p[row : row + size, column : column + size] < step[row, column]).float()
