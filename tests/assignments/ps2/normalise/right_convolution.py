def normalise(x, beta, gamma, alpha, epsilon):
    pool = F.conv2d(x.abs().pow(alpha), gamma[:, :, None, None], beta)
    return x * pool.pow(-epsilon)
