def picture_bits(network, x):
    log_tables = network(x.double()).log_softmax(1)
    return -(log_tables.exp() * log_tables).sum((1, 2, 3)) / math.log(2)
