def picture_bits(network, x):
    prices = [
        -network(one[None].double()).log_softmax(1).gather(1, one[None]).sum() / math.log(2) for one in x
    ]
    return torch.stack(prices)
