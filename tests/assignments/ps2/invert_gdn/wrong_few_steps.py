def invert_gdn(y, beta, gamma):
    x = y
    for _ in range(60):
        x = y * (beta + x.square() @ gamma.T).sqrt()
    return x
