def picture_bits(network, x):
    with torch.no_grad():
        return -network(x.double()).log_softmax(1).gather(1, x).sum((1, 2, 3)) / math.log(2)
