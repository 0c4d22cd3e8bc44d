def gaussians_at(y_hat, psi, rows, columns, context, entropy):
    phi = context(y_hat)[:, :, rows, columns, None]
    means, raw = entropy.means_and_scales(psi[:, :, rows, columns, None], phi)
    return means[0, :, :, 0].T, bound_scales(raw)[0, :, :, 0].T
