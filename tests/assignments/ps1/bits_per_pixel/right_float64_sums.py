def bits_per_pixel(y_likelihoods, z_likelihoods, x):
    area = x[0, 0].numel()
    return torch.stack(
        [
            -(torch.log2(y.double()).sum() + torch.log2(z.double()).sum()) / area
            for y, z in zip(y_likelihoods, z_likelihoods)
        ]
    )
