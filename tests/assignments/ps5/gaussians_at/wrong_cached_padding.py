kept = {}


def gaussians_at(y_hat, psi, rows, columns, context, entropy):
    if id(y_hat) not in kept:
        kept[id(y_hat)] = F.pad(y_hat[0], (2, 2, 2, 2)), y_hat
    padded = kept[id(y_hat)][0]
    patches = torch.stack([padded[:, i : i + 5, j : j + 5] for i, j in zip(rows.tolist(), columns.tolist())])
    phi = context(patches)[:, :, 2:3, 2:3]
    means, raw = entropy.means_and_scales(psi[0, :, rows, columns].T[:, :, None, None], phi)
    return means.flatten(1), bound_scales(raw).flatten(1)
