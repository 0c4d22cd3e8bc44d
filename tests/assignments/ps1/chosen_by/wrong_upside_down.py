def chosen_by(rates, mses, i):
    D = 255**2 * mses
    low, high = 0.0, math.inf
    for j in range(len(rates)):
        if rates[j] < rates[i]:
            high = min(high, (D[j] - D[i]) / (rates[i] - rates[j]))
        elif rates[j] > rates[i]:
            low = max(low, (D[i] - D[j]) / (rates[j] - rates[i]))
    return (low, high) if low < high else None
