class ColourConv2d(nn.Conv2d):
    def __init__(self, mask_type, in_channels, out_channels, size, parts):
        super().__init__(in_channels, out_channels, size, padding=size // 2)
        hidden = torch.ones(out_channels, in_channels, size, size, dtype=torch.bool)
        for o in range(out_channels):
            for i in range(in_channels):
                g, h = o * parts // out_channels, i * parts // in_channels
                hidden[o, i].view(-1)[: size * size // 2] = False
                hidden[o, i, size // 2, size // 2] = not (h < g or (h == g and mask_type == "B"))
        self.register_buffer("hidden", hidden)

    def forward(self, x):
        return F.conv2d(x, self.weight.masked_fill(self.hidden, 0), self.bias, self.stride, self.padding)
