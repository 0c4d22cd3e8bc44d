def wrong_scale_cost(scale, ratio):
    v = torch.arange(-200.0, 201.0)
    own, other = [
        gaussian_bits(v, torch.tensor(0.0), torch.tensor(s), likelihood_bound=0)
        for s in (scale, ratio * scale)
    ]
    return (2**-own * (other - own)).sum().item()
