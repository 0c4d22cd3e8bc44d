def chosen_by(rates, mses, i):
    D = 255**2 * mses
    crossings = [0.0]
    for a in range(len(D)):
        for b in range(a):
            if D[a] != D[b]:
                lmbda = (rates[a] - rates[b]) / (D[b] - D[a])
                if lmbda > 0:
                    crossings.append(lmbda)
    crossings = sorted(crossings)
    ends = [*crossings, math.inf]
    mine = []
    for low, high in zip(ends[:-1], ends[1:]):
        middle = (low + high) / 2 if high < math.inf else 2 * low + 1
        if high > low and np.argmin(rates + middle * D) == i:
            mine.append((low, high))
    return (mine[0][0], mine[-1][1]) if mine else None
