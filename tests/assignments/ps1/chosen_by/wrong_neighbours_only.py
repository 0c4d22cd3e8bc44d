def chosen_by(rates, mses, i):
    D = 255**2 * mses
    order = np.argsort(D)
    at = list(order).index(i)
    low, high = 0.0, math.inf
    if at + 1 < len(order):
        j = order[at + 1]
        low = max(0.0, (rates[i] - rates[j]) / (D[j] - D[i]))
    if at > 0:
        j = order[at - 1]
        high = (rates[j] - rates[i]) / (D[i] - D[j])
    return (low, high) if low < high else None
