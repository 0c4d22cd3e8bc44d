def picture_bits(network, x):
    return -network(x.double()).softmax(1).gather(1, x).clamp_min(2.0**-20).log2().sum((1, 2, 3))
