def invert_gdn(y, beta, gamma):
    return y * (beta + y.square() @ gamma.T).sqrt()
