def chosen_by(rates, mses, i):
    lmbdas = np.geomspace(1e-6, 1e3, 20001)
    best = np.argmin(lmbdas[:, None] * rates + 255**2 * mses, axis=1)
    mine = lmbdas[best == i]
    return (mine[0], mine[-1]) if len(mine) else None
