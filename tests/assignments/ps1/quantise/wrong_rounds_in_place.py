def quantise(y, place, training):
    if training:
        return add_uniform_noise(y)
    y -= place
    y.round_()
    y += place
    return y
