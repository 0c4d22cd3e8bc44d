def chosen_by(rates, mses, i):
    low, high = 0.0, math.inf
    for j in range(len(rates)):
        more_bits, less_error = rates[i] - rates[j], 255**2 * (mses[j] - mses[i])
        if less_error > 0:
            low = max(low, more_bits / less_error)  # λ must make the smaller error worth its bits
        elif less_error < 0:
            high = min(high, more_bits / less_error)
        elif more_bits > 1e-6:
            return None  # the same error for fewer bits
    return (float(low), float(high)) if low < high else None
