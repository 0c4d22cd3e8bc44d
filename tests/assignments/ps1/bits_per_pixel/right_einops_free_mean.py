def bits_per_pixel(y_likelihoods, z_likelihoods, x):
    B, _, H, W = x.shape
    y = torch.log2(y_likelihoods).mean(dim=(1, 2, 3)) * y_likelihoods[0].numel()
    z = torch.log2(z_likelihoods).mean(dim=(1, 2, 3)) * z_likelihoods[0].numel()
    return -(y + z) / H / W
