def best_table(probabilities, total):
    p = np.append(probabilities, 0.0)
    f = np.ones(len(p), dtype=int)
    for _ in range(total - len(p)):
        f[np.argmax(p * np.log2((f + 1) / f))] += 1
    return f
