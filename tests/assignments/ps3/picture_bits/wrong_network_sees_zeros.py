def picture_bits(network, x):
    return -network(torch.zeros_like(x).double()).log_softmax(1).gather(1, x).sum((1, 2, 3)) / math.log(2)
