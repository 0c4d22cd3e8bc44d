def photo_rate(x, analysis, hyper_analysis, bits_of_z, bits_of_y):
    rates = []
    for photo in x:
        _, H, W = photo.shape
        padded = F.pad(photo[None], (0, (64 - W % 64) % 64, 0, (64 - H % 64) % 64), mode="replicate")
        y = analysis(padded)
        z_hat = torch.round(hyper_analysis(y))
        rates.append(float((bits_of_z(z_hat).sum() + bits_of_y(torch.round(y), z_hat).sum()) / (H * W)))
    return torch.tensor(rates)
