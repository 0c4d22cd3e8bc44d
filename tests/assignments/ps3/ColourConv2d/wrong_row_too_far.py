class ColourConv2d(nn.Conv2d):
    def __init__(self, mask_type, in_channels, out_channels, size, parts):
        super().__init__(in_channels, out_channels, size, padding=size // 2)
        g_in = torch.arange(in_channels) * parts // in_channels
        g_out = torch.arange(out_channels)[:, None] * parts // out_channels
        mask = causal_mask("A", size, size).repeat(out_channels, in_channels, 1, 1)
        mask[:, :, size // 2 + 1 : size // 2 + 2] = 1
        mask[:, :, size // 2, size // 2] = (g_in < g_out if mask_type == "A" else g_in <= g_out).float()
        self.register_buffer("mask", mask)

    def forward(self, x):
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)
