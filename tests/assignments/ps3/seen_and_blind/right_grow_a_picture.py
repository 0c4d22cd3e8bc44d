def seen_and_blind(stack):
    R = sum(size // 2 for _, size in stack)
    seen = np.zeros((4 * R + 1, 4 * R + 1), dtype=bool)
    seen[2 * R, 2 * R] = True
    for kind, size in stack[::-1]:
        r, more = size // 2, np.zeros_like(seen)
        for i in range(-r, 1):
            for j in range(-r, r + 1):
                if i < 0 or j < 0 or (j == 0 and kind == "B"):
                    more |= np.roll(seen, (i, j), (0, 1))
        seen = more
    return np.int64(seen.sum()), np.int64(2 * R * R + 2 * R - seen.sum())
