def quantise(y, place, training):
    if not training:
        return torch.floor(y - place + 0.5) + place
    return y + (torch.rand(y.shape, dtype=y.dtype) - 0.5)
