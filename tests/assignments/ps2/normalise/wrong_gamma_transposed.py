def normalise(x, beta, gamma, alpha, epsilon):
    pool = F.conv2d(x.abs().pow(alpha), gamma.T[:, :, None, None].contiguous(), beta)
    return x / pool**epsilon
