def gdn_jacobian(x, beta, gamma):
    C = len(x)
    J = torch.zeros(C, C, dtype=x.dtype)
    for i in range(C):
        e = beta[i] + sum(gamma[i, j] * x[j] ** 2 for j in range(C))
        for k in range(C):
            J[i, k] = (float(i == k) * e - gamma[i, k] * x[i] * x[k]) / e**1.5
    return J
