def best_table(probabilities, total):
    p = np.asarray(probabilities, dtype=np.float64)
    frequencies = np.ones(len(p), dtype=np.int64)
    start = np.floor(p * (total - len(p)) * 0.95).astype(int)
    frequencies = frequencies + start
    for _ in range(total - frequencies.sum()):
        saved = p * np.log2((frequencies + 1) / frequencies)
        frequencies[np.argmax(saved)] += 1
    return frequencies
