def encode(y, kernel):
    r = kernel.shape[0] // 2
    y_hat = torch.zeros_like(y)
    while True:
        mu = F.conv2d(y_hat[None, None], kernel[None, None], padding=r)[0, 0]
        symbols = torch.round(y - mu)
        if torch.equal(symbols + mu, y_hat):
            return symbols.long(), y_hat
        y_hat = symbols + mu
