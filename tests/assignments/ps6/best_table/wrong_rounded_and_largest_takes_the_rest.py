def best_table(probabilities, total):
    f = np.maximum(1, np.rint(np.asarray(probabilities) * total)).astype(int)
    f[np.argmax(f)] += total - f.sum()
    return f
