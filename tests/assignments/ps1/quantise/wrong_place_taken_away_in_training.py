def quantise(y, place, training):
    return add_uniform_noise(y - place) if training else torch.round(y - place) + place
