class ColourConv2d(nn.Conv2d):
    def __init__(self, mask_type, in_channels, out_channels, size, parts):
        super().__init__(in_channels, out_channels, size, padding=size // 2)
        self.register_buffer("mask", causal_mask(mask_type, size, size))

    def forward(self, x):
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)
