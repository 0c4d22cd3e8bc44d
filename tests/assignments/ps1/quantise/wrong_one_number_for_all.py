def quantise(y, place, training):
    return y + (torch.rand(1) - 0.5) if training else torch.round(y - place) + place
