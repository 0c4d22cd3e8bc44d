def bits_per_pixel(y_likelihoods, z_likelihoods, x):
    y, z = y_likelihoods.detach().numpy(), z_likelihoods.detach().numpy()
    bits = [-np.log2(y[k]).sum() - np.log2(z[k]).sum() for k in range(len(x))]
    return torch.tensor(bits) / (x.shape[2] * x.shape[3])
