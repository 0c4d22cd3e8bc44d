def quantise(y, place, training):
    if training:
        return add_uniform_noise(y)
    return torch.round(y.float() - place.float()) + place.float()
