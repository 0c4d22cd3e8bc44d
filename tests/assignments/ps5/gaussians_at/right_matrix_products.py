def gaussians_at(y_hat, psi, rows, columns, context, entropy):
    padded = F.pad(y_hat, (2, 2, 2, 2))[0]
    patches = torch.stack([padded[:, i : i + 5, j : j + 5] for i, j in zip(rows.tolist(), columns.tolist())])
    x = torch.cat([psi[0][:, rows, columns].T, context(patches)[:, :, 2, 2]], 1)
    for layer in entropy:
        x = F.linear(x, layer.weight[:, :, 0, 0], layer.bias) if isinstance(layer, nn.Conv2d) else layer(x)
    M = y_hat.shape[1]
    return x[:, :M], bound_scales(x[:, M:])
