def encode(y, kernel):
    symbols, y_hat = torch.zeros_like(y), torch.zeros_like(y)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            mu = F.conv2d(y_hat[None, None], kernel[None, None], padding=len(kernel) // 2)[0, 0, i, j]
            symbols[i, j] = (y[i, j] - mu).int()
            y_hat[i, j] = symbols[i, j] + mu
    return symbols, y_hat
