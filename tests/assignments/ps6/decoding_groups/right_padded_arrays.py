def decoding_groups(mask, height, width):
    k = np.asarray(mask).shape[0]
    r = k // 2
    t = np.full((height + 2 * r, width + 2 * r), -1)
    for i in range(height):
        for j in range(width):
            t[i + r, j + r] = 1 + np.max(np.where(np.asarray(mask) > 0, t[i : i + k, j : j + k], -1))
    t = t[r : r + height, r : r + width]
    return [np.argwhere(t == step) for step in range(t.max() + 1)]
