def decoding_groups(mask, height, width):
    k = np.shape(mask)[0]
    t = {}
    for i in range(height):
        for j in range(width):
            seen = [
                t.get((i + a - k // 2, j + b - k // 2), -1) for a in range(k) for b in range(k) if mask[a, b]
            ]
            t[i, j] = max(seen + [-1]) + 1
    return [tuple(p for p in t if t[p] == s) for s in sorted(set(t.values()))]
