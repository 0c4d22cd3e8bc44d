def best_kernel(y, size):
    r = size // 2
    y = y.numpy()
    h, w = y.shape
    offsets = [(a, b) for a in range(-r, 1) for b in range(-r, r + 1) if (a, b) < (0, 0)]
    rows = []
    for i in range(h):
        for j in range(w):
            rows.append([y[i + a, j + b] if 0 <= i + a and 0 <= j + b < w else 0.0 for a, b in offsets])
    weights = np.linalg.lstsq(np.array(rows), y.reshape(-1), rcond=None)[0]
    kernel = np.zeros((size, size))
    for (a, b), weight in zip(offsets, weights):
        kernel[a + r, b + r] = weight
    return kernel
