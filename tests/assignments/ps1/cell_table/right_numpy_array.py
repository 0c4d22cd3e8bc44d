def cell_table(mean, scale, step, K):
    def F(t):
        return 0.5 * math.erfc(-t / math.sqrt(2))

    b = [F((step * (k + 0.5) - mean) / scale) for k in range(-K, K)]
    return np.array([b[0], *(hi - lo for lo, hi in zip(b, b[1:])), 1 - b[-1]])
