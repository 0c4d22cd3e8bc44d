def seen_and_blind(stack):
    R = sum(s // 2 for _, s in stack)
    grid = np.zeros((2 * R + 1, 2 * R + 1))
    grid[R, R] = 1
    for kind, size in stack:
        new = np.zeros_like(grid)
        for a, b in causal_mask(kind, size, size).nonzero().tolist():
            for i, j in np.argwhere(grid):
                new[i + a - size // 2, j + b - size // 2] = 1
        grid = new
    seen = int(grid.sum())
    return {"seen": seen, "blind": 2 * R * (R + 1) - seen}.values()
