def quantise(y, place, training):
    return torch.round(y - place) + place if training else add_uniform_noise(y)
