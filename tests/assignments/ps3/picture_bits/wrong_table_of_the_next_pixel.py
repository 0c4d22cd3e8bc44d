def picture_bits(network, x):
    tables = network(x.double()).log_softmax(1).roll(1, 3)
    return -tables.gather(1, x).sum((1, 2, 3)) / math.log(2)
