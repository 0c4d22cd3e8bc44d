def encode(y, kernel):
    return torch.round(y), torch.round(y)
