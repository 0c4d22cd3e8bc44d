def picture_bits(network, x):
    log_tables = (network(x.double()).softmax(1) + 1e-12).log()
    return -log_tables.gather(1, x).sum((1, 2, 3)) / math.log(2)
