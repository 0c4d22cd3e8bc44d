class ColourConv2d(nn.Conv2d):
    """A parameter that learns nothing does what a buffer does."""

    def __init__(self, mask_type, in_channels, out_channels, size, parts):
        super().__init__(in_channels, out_channels, size, padding=size // 2)
        part_in = np.repeat(np.arange(parts), in_channels // parts)
        part_out = np.repeat(np.arange(parts), out_channels // parts)
        compare = np.less if mask_type == "A" else np.less_equal
        mask = torch.zeros(out_channels, in_channels, size, size)
        mask[..., : size // 2, :] = mask[..., size // 2, : size // 2] = 1
        mask[..., size // 2, size // 2] = torch.from_numpy(compare(part_in[None], part_out[:, None])).float()
        self.mask = nn.Parameter(mask, requires_grad=False)

    def forward(self, x):
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)
