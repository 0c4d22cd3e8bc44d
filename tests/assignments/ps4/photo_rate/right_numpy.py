def photo_rate(x, analysis, hyper_analysis, bits_of_z, bits_of_y):
    B, _, H, W = x.shape
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (0, -H % 64), (0, -W % 64)), mode="edge")
    y = analysis(torch.from_numpy(padded))
    z_hat = torch.floor(hyper_analysis(y) + 0.5)
    y_hat = torch.floor(y + 0.5)
    return [
        (bits_of_z(z_hat)[b].sum().item() + bits_of_y(y_hat, z_hat)[b].sum().item()) / H / W for b in range(B)
    ]
