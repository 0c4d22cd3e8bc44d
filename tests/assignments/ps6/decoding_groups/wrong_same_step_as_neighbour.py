def decoding_groups(mask, height, width):
    mask = np.asarray(mask)
    offsets = np.argwhere(mask) - len(mask) // 2
    t = np.zeros((height, width), int)
    for i, j in np.ndindex(height, width):
        t[i, j] = sum(t[i + a, j + b] + 1 for a, b in offsets if 0 <= i + a < height and 0 <= j + b < width)
    return [[tuple(place) for place in np.argwhere(t == step)] for step in np.unique(t)]
