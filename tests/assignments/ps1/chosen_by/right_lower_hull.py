def chosen_by(rates, mses, i):
    D = 255**2 * np.asarray(mses)
    order = sorted(range(len(D)), key=lambda k: (D[k], rates[k]))
    hull = []
    for k in order:
        if hull and rates[k] >= rates[hull[-1]]:
            continue  # more error and no fewer bits
        while len(hull) > 1:
            a, b = hull[-2:]
            if (rates[a] - rates[b]) / (D[b] - D[a]) <= (rates[a] - rates[k]) / (D[k] - D[a]):
                hull.pop()
            else:
                break
        hull.append(k)
    if i not in hull:
        return None
    at = hull.index(i)

    def slope(a, b):
        return (rates[a] - rates[b]) / (D[b] - D[a])

    low = slope(i, hull[at + 1]) if at + 1 < len(hull) else 0.0
    high = slope(hull[at - 1], i) if at > 0 else math.inf
    return low, high
