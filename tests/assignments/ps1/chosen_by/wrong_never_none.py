def chosen_by(rates, mses, i):
    D = 255**2 * mses
    low = max([0.0] + [(rates[i] - rates[j]) / (D[j] - D[i]) for j in range(len(D)) if D[j] > D[i]])
    high = min([math.inf] + [(rates[i] - rates[j]) / (D[j] - D[i]) for j in range(len(D)) if D[j] < D[i]])
    return low, high
