class ColourConv2d(nn.Conv2d):
    def __init__(self, mask_type, in_channels, out_channels, size, parts):
        super().__init__(in_channels, out_channels, size, padding=size // 2)
        mask = torch.zeros(out_channels, in_channels, size, size)
        for o in range(out_channels):
            for i in range(in_channels):
                before = i // (in_channels // parts) < o // (out_channels // parts)
                same = i // (in_channels // parts) == o // (out_channels // parts)
                mask[o, i] = causal_mask("B" if before or (same and mask_type == "B") else "A", size, size)
        self.register_buffer("visible", mask)

    def forward(self, x):
        return nn.functional.conv2d(
            x, torch.mul(self.visible, self.weight), self.bias, 1, self.kernel_size[0] // 2
        )
