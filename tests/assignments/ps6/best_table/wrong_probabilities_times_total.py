def best_table(probabilities, total):
    p = np.maximum(probabilities, 1 / total)
    return p / p.sum() * total
