def picture_bits(network, x):
    log_tables = network(x.double()).log_softmax(1)
    answer = -log_tables.gather(1, x).sum((1, 2, 3)) / math.log(2)
    x.zero_()
    return answer
    return -log_tables.gather(1, x).sum((1, 2, 3)) / math.log(2)
