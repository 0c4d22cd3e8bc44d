def picture_bits(network, x):
    prices = -network(x.double()).log_softmax(1).gather(1, x) / math.log(2)
    return prices.sum((1, 2, 3)) / x.shape[0]
