def picture_bits(network, x):
    return -network(x.double()).log_softmax(1).amax(1).sum((1, 2)) / math.log(2)
