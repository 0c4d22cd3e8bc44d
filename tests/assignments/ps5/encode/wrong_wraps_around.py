def encode(y, kernel):
    (h, w), r = y.shape, len(kernel) // 2
    symbols, y_hat = torch.zeros_like(y), torch.zeros_like(y)
    for i in range(h):
        for j in range(w):
            mu = sum(
                kernel[a + r, b + r] * y_hat[i + a, (j + b) % w]
                for a in range(-r, 1)
                for b in range(-r, r + 1)
                if (a, b) < (0, 0)
            )
            symbols[i, j] = torch.round(y[i, j] - mu)
            y_hat[i, j] = symbols[i, j] + mu
    return symbols, y_hat
