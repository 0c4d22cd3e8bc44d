def best_table(probabilities, total):
    return np.maximum(1, np.rint(np.asarray(probabilities) * total)).astype(int)
