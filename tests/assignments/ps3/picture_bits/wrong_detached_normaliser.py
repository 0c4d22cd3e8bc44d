def picture_bits(network, x):
    s = network(x.double())
    log_tables = s - s.logsumexp(1, keepdim=True).detach()
    return -log_tables.gather(1, x).sum((1, 2, 3)) / math.log(2)
