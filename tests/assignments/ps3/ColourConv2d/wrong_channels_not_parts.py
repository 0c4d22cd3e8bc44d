class ColourConv2d(nn.Conv2d):
    def __init__(self, mask_type, in_channels, out_channels, size, parts):
        super().__init__(in_channels, out_channels, size, padding=size // 2)
        own = torch.ones(out_channels, in_channels).tril(0 if mask_type == "B" else -1)
        mask = causal_mask("A", size, size).repeat(out_channels, in_channels, 1, 1)
        mask[:, :, size // 2, size // 2] = own
        self.register_buffer("mask", mask)

    def forward(self, x):
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)
