def normalise(x, beta, gamma, alpha, epsilon):
    return x * F.conv2d(x.abs().pow(alpha), gamma[:, :, None, None], beta) ** epsilon
