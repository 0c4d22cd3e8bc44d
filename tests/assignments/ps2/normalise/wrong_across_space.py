def normalise(x, beta, gamma, alpha, epsilon):
    energy = x.abs().pow(alpha).sum((2, 3), keepdim=True)
    return x / F.conv2d(energy, gamma[:, :, None, None], beta) ** epsilon
