def normalise(x, beta, gamma, alpha, epsilon):
    a = torch.where(x == 0, torch.zeros_like(x), x.abs().pow(alpha))
    pool = torch.tensordot(gamma, a, dims=([1], [1])).transpose(0, 1) + beta.reshape(1, -1, 1, 1)
    return x * torch.exp(-epsilon * torch.log(pool))
