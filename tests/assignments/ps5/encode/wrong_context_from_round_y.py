def encode(y, kernel):
    mu = F.conv2d(torch.round(y)[None, None], kernel[None, None], padding=len(kernel) // 2)[0, 0]
    symbols = torch.round(y - mu)
    return symbols, symbols + mu
