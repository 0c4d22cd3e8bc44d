def encode(y, kernel):
    y_hat = torch.zeros_like(y)
    for _ in range(10):
        mu = F.conv2d(y_hat[None, None], kernel[None, None], padding=len(kernel) // 2)[0, 0]
        symbols = torch.round(y - mu)
        y_hat = symbols + mu
    return symbols, y_hat
