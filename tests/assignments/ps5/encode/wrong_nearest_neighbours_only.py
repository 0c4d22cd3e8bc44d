def encode(y, kernel):
    (h, w), r = y.shape, len(kernel) // 2
    symbols, y_hat = torch.zeros_like(y), torch.zeros_like(y)
    for i in range(h):
        for j in range(w):
            mu = 0.0
            for a, b in ((-1, -1), (-1, 0), (-1, 1), (0, -1)):
                if i + a >= 0 and 0 <= j + b < w:
                    mu += kernel[r + a, r + b] * y_hat[i + a, j + b]
            symbols[i, j] = torch.round(y[i, j] - mu)
            y_hat[i, j] = symbols[i, j] + mu
    return symbols, y_hat
