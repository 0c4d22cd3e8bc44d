def energy_correlation(x):
    e = (x * x).movedim(1, 0).flatten(1).double()
    e = F.normalize(e - e.mean(1, keepdim=True), dim=1, eps=0)
    return (e[:, None] * e[None]).sum(-1)
