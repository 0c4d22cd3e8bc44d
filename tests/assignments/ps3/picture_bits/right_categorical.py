def picture_bits(network, x):
    d = torch.distributions.Categorical(logits=network(x.to(torch.double)).permute(0, 2, 3, 1))
    return -d.log_prob(x.squeeze(1)).sum((-1, -2)) / np.log(2.0)
