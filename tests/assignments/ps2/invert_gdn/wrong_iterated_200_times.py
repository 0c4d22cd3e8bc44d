def invert_gdn(y, beta, gamma):
    x = y.clone()
    for _ in range(200):
        x = y * (beta + x.square() @ gamma.T).sqrt()
    return x
