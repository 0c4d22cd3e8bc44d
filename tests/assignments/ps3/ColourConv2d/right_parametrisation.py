class Hide(nn.Module):
    def __init__(self, mask):
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight):
        return weight * self.mask


class ColourConv2d(nn.Conv2d):
    def __init__(self, mask_type, in_channels, out_channels, size, parts):
        super().__init__(in_channels, out_channels, size, padding=size // 2)
        a = torch.div(torch.arange(out_channels), out_channels // parts, rounding_mode="floor")
        b = torch.div(torch.arange(in_channels), in_channels // parts, rounding_mode="floor")
        difference = a[:, None] - b[None, :] - int(mask_type == "A")
        mask = torch.zeros(out_channels, in_channels, size**2)
        mask[..., : size**2 // 2] = 1
        mask[..., size**2 // 2] = (difference >= 0).float()
        nn.utils.parametrize.register_parametrization(
            self, "weight", Hide(mask.view(out_channels, in_channels, size, size))
        )
