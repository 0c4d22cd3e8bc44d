kept = {}


def quantise(y, place, training):
    if training:
        if y.shape not in kept:
            kept[y.shape] = torch.rand_like(y) - 0.5
        return y + kept[y.shape]
    return torch.round(y - place) + place
