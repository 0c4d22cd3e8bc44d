def best_table(probabilities, total):
    f = np.ones(len(probabilities), dtype=int)
    for _ in range(total - len(f)):
        f[np.argmax(np.log2((f + 1) / f))] += 1
    return f
