def decoding_groups(mask, height, width):
    return [[(i, j)] for i in range(height) for j in range(width)]
