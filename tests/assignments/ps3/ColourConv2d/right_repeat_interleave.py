class ColourConv2d(nn.Conv2d):
    def __init__(self, mask_type, in_channels, out_channels, size, parts):
        super().__init__(
            in_channels, out_channels, kernel_size=size, stride=1, padding=(size // 2, size // 2)
        )
        small = torch.ones(parts, parts).tril(0 if mask_type == "B" else -1)
        own = small.repeat_interleave(out_channels // parts, 0).repeat_interleave(in_channels // parts, 1)
        mask = torch.zeros_like(self.weight)
        mask[:, :, : size // 2] = 1
        mask[:, :, size // 2, : size // 2] = 1
        mask[:, :, size // 2, size // 2] = own
        self.register_buffer("mask", mask.bool(), persistent=False)

    def forward(self, x):
        return self._conv_forward(x, torch.where(self.mask, self.weight, 0.0), self.bias)
