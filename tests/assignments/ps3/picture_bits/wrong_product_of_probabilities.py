def picture_bits(network, x):
    p = network(x.double()).softmax(1).gather(1, x)
    return -torch.log2(p.flatten(1).prod(1))
