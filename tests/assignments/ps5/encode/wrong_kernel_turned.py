def encode(y, kernel):
    (h, w), r = y.shape, len(kernel) // 2
    symbols, y_hat = torch.zeros_like(y), torch.zeros_like(y)
    for i in range(h):
        for j in range(w):
            mu = 0.0
            for a in range(2 * r + 1):
                for b in range(2 * r + 1):
                    if 0 <= i - r + a < h and 0 <= j - r + b < w:
                        mu += kernel[2 * r - a, 2 * r - b] * y_hat[i - r + a, j - r + b]
            symbols[i, j] = torch.round(y[i, j] - mu)
            y_hat[i, j] = symbols[i, j] + mu
    return symbols, y_hat
