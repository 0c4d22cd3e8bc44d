def best_table(probabilities, total):
    p = np.asarray(probabilities, dtype=float)
    f = np.maximum(1, np.floor(p * total))
    while f.sum() < total:
        f[np.argmax(p * np.log((f + 1) / f))] += 1
    while True:  # move one unit from where it is missed least to where it helps most
        gain = p * np.log((f + 1) / f)
        loss = np.where(f > 1, p * np.log(f / np.maximum(f - 1, 1)), np.inf)
        if f.sum() > total:
            f[np.argmin(loss)] -= 1
        elif gain.max() > loss.min() + 1e-15:
            f[np.argmin(loss)] -= 1
            f[np.argmax(gain)] += 1
        else:
            return tuple(f.astype(int).tolist())
