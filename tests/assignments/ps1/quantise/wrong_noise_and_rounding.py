def quantise(y, place, training):
    if training:
        return torch.round(add_uniform_noise(y) - place) + place
    return torch.round(y - place) + place
