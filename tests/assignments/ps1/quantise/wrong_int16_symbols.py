def quantise(y, place, training):
    if training:
        return add_uniform_noise(y)
    return torch.round(y - place).to(torch.int16) + place
