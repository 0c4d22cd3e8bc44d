def best_table(probabilities, total):
    p = np.asarray(probabilities)
    f = np.ones(len(p), dtype=int)
    for _ in range(total - len(p)):
        f[np.argmax(p / f)] += 1
    return f
