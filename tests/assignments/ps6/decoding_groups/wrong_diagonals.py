def decoding_groups(mask, height, width):
    return [[(i, s - i) for i in range(height) if 0 <= s - i < width] for s in range(height + width - 1)]
