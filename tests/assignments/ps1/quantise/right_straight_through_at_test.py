def quantise(y, place, training):
    noise = torch.rand_like(y) - 1 / 2
    return y + noise if training else round_straight_through(y - place) + place
