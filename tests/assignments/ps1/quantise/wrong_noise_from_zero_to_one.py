def quantise(y, place, training):
    return y + torch.rand_like(y) if training else torch.round(y - place) + place
