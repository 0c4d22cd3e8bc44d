def picture_bits(network, x):
    log_tables = network(x.double()).log_softmax(1)
    return -log_tables.gather(1, x).flatten(1)[:, : 60 * 40].sum(1) / math.log(2)
