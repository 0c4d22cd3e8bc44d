def best_table(probabilities, total):
    p = torch.as_tensor(probabilities, dtype=torch.float64)
    f = torch.ones(len(p), dtype=torch.long)
    while f.sum() < total:
        f[(p * torch.log1p(1 / f)).argmax()] += 1
    return f
