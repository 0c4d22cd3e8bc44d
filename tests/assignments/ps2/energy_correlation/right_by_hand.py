def energy_correlation(x):
    e = (x**2).permute(1, 0, 2, 3).reshape(x.shape[1], -1)
    e = e - e.mean(1, keepdim=True)
    covariance = e @ e.T / e.shape[1]
    spread = covariance.diagonal().sqrt()
    return covariance / (spread[:, None] * spread[None, :])
