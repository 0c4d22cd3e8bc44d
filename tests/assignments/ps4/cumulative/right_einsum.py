def cumulative(v, matrices, biases, factors):
    u = v.reshape(1, -1).double()
    for k in range(len(matrices)):
        u = (
            torch.einsum("oi,in->on", torch.logaddexp(matrices[k], torch.zeros_like(matrices[k])), u)
            + biases[k]
        )
        u = u if k == len(matrices) - 1 else u + factors[k].tanh() * u.tanh()
    return torch.special.expit(u).reshape(-1)
