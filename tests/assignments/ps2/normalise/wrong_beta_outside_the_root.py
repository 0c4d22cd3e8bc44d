def normalise(x, beta, gamma, alpha, epsilon):
    return x / (beta[:, None, None] + F.conv2d(x.abs().pow(alpha), gamma[:, :, None, None]) ** epsilon)
