def best_table(probabilities, total):
    wanted = np.asarray(probabilities) * (total - len(probabilities))
    f = np.floor(wanted).astype(int)
    for i in np.argsort(f - wanted)[: total - len(f) - f.sum()]:
        f[i] += 1
    return f + 1
