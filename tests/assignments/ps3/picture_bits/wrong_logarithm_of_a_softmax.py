def picture_bits(network, x):
    return -network(x.double()).softmax(1).log2().gather(1, x).sum((1, 2, 3))
