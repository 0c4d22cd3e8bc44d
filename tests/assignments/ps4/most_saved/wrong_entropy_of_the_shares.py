def most_saved(scales, shares):
    return entropy(shares)
