class ColourConv2d(nn.Conv2d):
    def __init__(self, mask_type, in_channels, out_channels, size, parts):
        super().__init__(in_channels, out_channels, size, padding=size // 2)
        part_in = torch.arange(in_channels) * parts // in_channels
        part_out = torch.arange(out_channels) * parts // out_channels
        own = part_in[None] < part_out[:, None] if mask_type == "A" else part_in[None] <= part_out[:, None]
        mask = causal_mask("A", size, size).expand(out_channels, in_channels, size, size).clone()
        mask[:, :, size // 2, size // 2] = own.float()
        self.register_buffer("mask", mask > 0)

    def forward(self, x):
        return F.conv2d(
            x, torch.where(self.mask, self.weight.clamp(-1.5, 1.5), 0.0), self.bias, padding=self.padding
        )
