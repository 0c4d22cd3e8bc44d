def best_table(probabilities, total):
    p = np.asarray(probabilities)
    f = np.ones(len(p), dtype=int)
    f[np.argmax(p)] += total - len(p)
    return f
