def gaussians_at(y_hat, psi, rows, columns, context, entropy):
    n, M = len(rows), y_hat.shape[1]
    P = F.pad(y_hat, (2, 2, 2, 2))
    i = rows.view(-1, 1, 1) + torch.arange(5).view(1, 5, 1)
    j = columns.view(-1, 1, 1) + torch.arange(5).view(1, 1, 5)
    patches = P[0][:, i, j].movedim(1, 0)
    phi = F.conv2d(patches, context.weight * context.mask, context.bias)
    here = psi[0].permute(1, 2, 0)[rows, columns].reshape(n, 2 * M, 1, 1)
    mu, sigma = entropy.means_and_scales(here, phi)
    return mu.view(n, M), bound_scales(sigma.view(n, M))
