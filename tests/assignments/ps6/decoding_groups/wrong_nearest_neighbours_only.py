def decoding_groups(mask, height, width):
    t = np.zeros((height, width), int)
    r = len(mask) // 2
    for i, j in np.ndindex(height, width):
        if j > 0 and mask[r][r - 1]:
            t[i, j] = max(t[i, j], t[i, j - 1] + 1)
        for b in range(-1, 2):
            if i > 0 and 0 <= j + b < width and mask[r - 1][r + b]:
                t[i, j] = max(t[i, j], t[i - 1, j + b] + 1)
    return [[tuple(place) for place in np.argwhere(t == step)] for step in range(t.max() + 1)]
