def chosen_by(rates, mses, i):
    low, high = 0.0, math.inf
    for j in range(len(rates)):
        if mses[j] > mses[i]:
            low = max(low, (rates[i] - rates[j]) / (mses[j] - mses[i]))
        elif mses[j] < mses[i]:
            high = min(high, (rates[i] - rates[j]) / (mses[j] - mses[i]))
    return (low, high) if low < high else None
