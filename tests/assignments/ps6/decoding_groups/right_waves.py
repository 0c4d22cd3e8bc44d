def decoding_groups(mask, height, width):
    r = len(mask) // 2
    offsets = [(a - r, b - r) for a in range(len(mask)) for b in range(len(mask)) if mask[a][b]]
    waiting, done, steps = [(i, j) for i in range(height) for j in range(width)], set(), []
    while waiting:
        inside = lambda i, j: 0 <= i < height and 0 <= j < width
        now = [
            (i, j)
            for i, j in waiting
            if all((i + di, j + dj) in done or not inside(i + di, j + dj) for di, dj in offsets)
        ]
        steps.append(now)
        done.update(now)
        waiting = [place for place in waiting if place not in done]
    return steps
