def picture_bits(network, x):
    return -network(x.double()).log_softmax(1).gather(1, x).mean((1, 2, 3)) / math.log(2)
