def gaussians_at(y_hat, psi, rows, columns, context, entropy):
    means, raw = entropy.means_and_scales(psi, context(y_hat))
    return means[0][:, rows, columns].T, bound_scales(raw)[0][:, rows, columns].T
