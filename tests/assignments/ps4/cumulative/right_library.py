from jahp_lib.factorized import FactorizedPrior


def cumulative(v, matrices, biases, factors):
    prior = FactorizedPrior(1, tuple(len(b) for b in biases[:-1]))
    prior.matrices = nn.ParameterList([m[None] for m in matrices])
    prior.biases = nn.ParameterList([b[None] for b in biases])
    prior.factors = nn.ParameterList([a[None] for a in factors])
    with torch.no_grad():
        return prior.cumulative(v[None, None])[0, 0]
