def best_table(probabilities, total):
    p = np.asarray(probabilities)
    f = np.rint(p * (total - len(p))).astype(int) + 1
    f[np.argmax(f)] += total - f.sum()
    return f
