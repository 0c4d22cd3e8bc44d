def chosen_by(rates, mses, i):
    D = 255**2 * mses
    lmbdas = np.geomspace(1e-4, 0.2, 50001)
    best = np.argmin(rates + lmbdas[:, None] * D, axis=1)
    mine = lmbdas[best == i]
    return (mine[0], mine[-1]) if len(mine) else None
