def chosen_by(rates, mses, i):
    from fractions import Fraction as Q

    R, D = [Q(float(r)) for r in rates], [Q(float(m)) * 65025 for m in mses]
    lows, highs = [Q(0)], []
    for r, d in zip(R, D):
        if d == D[i]:
            if r < R[i]:
                return None
        elif d > D[i]:
            lows.append((R[i] - r) / (d - D[i]))
        else:
            highs.append((r - R[i]) / (D[i] - d))
    low = max(lows)
    if highs and min(highs) <= low:
        return None
    return [float(low), float(min(highs)) if highs else math.inf]
