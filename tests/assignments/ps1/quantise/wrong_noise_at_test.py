def quantise(y, place, training):
    return add_uniform_noise(y)
