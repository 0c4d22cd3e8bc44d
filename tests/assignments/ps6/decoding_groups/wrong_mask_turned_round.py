def decoding_groups(mask, height, width):
    mask = np.asarray(mask)[::-1, ::-1]
    offsets = np.argwhere(mask) - len(mask) // 2
    t = np.zeros((height, width), int)
    for i, j in np.ndindex(height, width):
        for a, b in offsets:
            if 0 <= i + a < height and 0 <= j + b < width:
                t[i, j] = max(t[i, j], t[i + a, j + b] + 1)
    return [[tuple(place) for place in np.argwhere(t == step)] for step in range(t.max() + 1)]
