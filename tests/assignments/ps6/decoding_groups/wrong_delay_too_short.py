def decoding_groups(mask, height, width):
    delay = len(mask) // 2
    t = np.arange(width)[None] + delay * np.arange(height)[:, None]
    return [[tuple(place) for place in np.argwhere(t == step)] for step in np.unique(t)]
