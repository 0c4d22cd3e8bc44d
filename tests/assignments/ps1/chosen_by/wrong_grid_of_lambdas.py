def chosen_by(rates, mses, i):
    grid = np.geomspace(1e-6, 1e4, 200_001)
    best = np.argmin(rates + grid[:, None] * 255**2 * mses, 1) == i
    if not best.any():
        return None
    a, b = grid[best][0], grid[best][-1]
    return (0.0 if a == grid[0] else a), (math.inf if b == grid[-1] else b)
