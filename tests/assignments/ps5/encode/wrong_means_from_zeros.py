def encode(y, kernel):
    mu = torch.zeros_like(y)
    symbols = torch.round(y - mu)
    y_hat = symbols + F.conv2d(symbols[None, None], kernel[None, None], padding=len(kernel) // 2)[0, 0]
    return symbols, y_hat
