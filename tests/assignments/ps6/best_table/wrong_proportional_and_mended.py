def best_table(probabilities, total):
    p = np.asarray(probabilities, dtype=np.float64)
    frequencies = np.ones(len(p), dtype=np.int64)
    frequencies = np.maximum(1, np.rint(p * total)).astype(int)
    while frequencies.sum() > total:
        frequencies[np.argmax(frequencies)] -= 1
    while frequencies.sum() < total:
        frequencies[np.argmax(p)] += 1
    return frequencies
    for _ in range(total - len(p)):
        saved = p * np.log2((frequencies + 1) / frequencies)
        frequencies[np.argmax(saved)] += 1
    return frequencies
