def quantise(y, place, training):
    return y + (torch.rand_like(y) - 0.5) / 2 if training else torch.round(y - place) + place
