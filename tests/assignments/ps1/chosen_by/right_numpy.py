def chosen_by(rates, mses, i):
    dR, dD = rates[i] - rates, 65025 * (mses - mses[i])
    if np.any((dD == 0) & (dR > 0)):
        return None
    low = max([0.0, *(dR[dD > 0] / dD[dD > 0])])
    high = min([math.inf, *(dR[dD < 0] / dD[dD < 0])])
    return None if low >= high else (low, high)
