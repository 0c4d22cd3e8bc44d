def encode(y, kernel):
    h, w = y.shape
    r = kernel.shape[0] // 2
    symbols, y_hat = [[0] * w for _ in range(h)], [[0.0] * w for _ in range(h)]
    for i in range(h):
        for j in range(w):
            mu = 0.0
            for a in range(-r, 1):
                for b in range(-r, r + 1):
                    if (a, b) < (0, 0) and i + a >= 0 and 0 <= j + b < w:
                        mu += kernel[a + r, b + r].item() * y_hat[i + a][j + b]
            symbols[i][j] = round(y[i, j].item() - mu)
            y_hat[i][j] = symbols[i][j] + mu
    return torch.tensor(symbols), torch.tensor(y_hat)
