def chosen_by(rates, mses, i):
    D = 255**2 * mses
    low = min([0.0] + [(rates[j] - rates[i]) / (D[j] - D[i]) for j in range(len(D)) if D[j] > D[i]])
    high = max([-math.inf] + [(rates[j] - rates[i]) / (D[j] - D[i]) for j in range(len(D)) if D[j] < D[i]])
    return (high, low)
