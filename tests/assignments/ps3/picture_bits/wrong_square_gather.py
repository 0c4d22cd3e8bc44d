def picture_bits(network, x):
    log_tables = network(x.double()).log_softmax(1)
    return -log_tables.gather(1, x if x.shape[2] != x.shape[3] else x.transpose(2, 3)).sum(
        (1, 2, 3)
    ) / math.log(2)
