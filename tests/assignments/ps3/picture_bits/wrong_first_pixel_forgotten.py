def picture_bits(network, x):
    prices = -network(x.double()).log_softmax(1).gather(1, x) / math.log(2)
    return prices.flatten(1)[:, 1:].sum(1)
