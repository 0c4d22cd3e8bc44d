def best_table(probabilities, total):
    return np.rint(np.asarray(probabilities) * total).astype(int)
