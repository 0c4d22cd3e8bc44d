def best_table(probabilities, total):
    p = np.asarray(probabilities, dtype=np.float64)
    frequencies = np.ones(len(p), dtype=np.int64)
    for _ in range(total - len(p)):
        saved = p * np.log2((frequencies + 1.01) / (frequencies + 0.01))
        frequencies[np.argmax(saved)] += 1
    return frequencies
