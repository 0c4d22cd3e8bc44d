def picture_bits(network, x):
    tables = network(x.double()).log_softmax(1)
    result = []
    for b in range(len(x)):
        at = torch.stack(
            [tables[b, x[b, 0, i, j], i, j] for i in range(x.shape[2]) for j in range(x.shape[3])]
        )
        result.append(-at.sum() / np.log(2))
    return torch.stack(result)
