def decoding_groups(mask, height, width):
    mask = np.asarray(mask)
    r = len(mask) // 2
    above, left = bool(mask[:r].any()), bool(mask[r, :r].any())
    t = np.zeros((height, width), int) + (np.arange(width)[None] if left else 0)
    if above:
        t = t + (t.max() + 1) * np.arange(height)[:, None]
    return [[tuple(place) for place in np.argwhere(t == step)] for step in range(t.max() + 1)]
