def known_mask(step, row, column, size):
    H, W = step.shape
    i = torch.arange(size)[:, None] + row - size // 2
    j = torch.arange(size)[None] + column - size // 2
    inside = (i >= 0) & (i < H) & (j >= 0) & (j < W)
    return torch.where(inside, step[i.clamp(0, H - 1), j.clamp(0, W - 1)] < step[row, column], False).int()
