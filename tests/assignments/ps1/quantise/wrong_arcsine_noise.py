def quantise(y, place, training):
    if training:
        return y + 0.5 * torch.sin(6.2832 * torch.rand_like(y)).sign() * torch.rand_like(y) ** 1.2
    return torch.round(y - place) + place
