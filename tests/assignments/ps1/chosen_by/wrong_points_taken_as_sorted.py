def chosen_by(rates, mses, i):
    D = 255**2 * mses
    low, high = 0.0, math.inf
    for j in range(i + 1, len(rates)):
        low = max(low, (rates[i] - rates[j]) / (D[j] - D[i]))
    for j in range(i):
        high = min(high, (rates[j] - rates[i]) / (D[i] - D[j]))
    return (low, high) if low < high else None
