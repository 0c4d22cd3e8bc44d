def picture_bits(network, x):
    return -network(x.double()).log_softmax(0).gather(1, x).sum((1, 2, 3)) / math.log(2)
