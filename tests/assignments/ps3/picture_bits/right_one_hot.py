def picture_bits(network, x):
    scores = network(x.double())
    log2_tables = (scores - scores.logsumexp(dim=1, keepdim=True)) * math.log2(math.e)
    really_there = F.one_hot(x[:, 0], scores.shape[1]).movedim(-1, 1)
    return -(log2_tables * really_there).sum(dim=(1, 2, 3))
