def picture_bits(network, x):
    return -network(x.double()).gather(1, x).sum((1, 2, 3)) / math.log(2)
