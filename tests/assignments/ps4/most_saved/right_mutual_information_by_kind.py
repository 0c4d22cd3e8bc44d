def most_saved(scales, shares):
    v = torch.arange(-200.0, 201.0, dtype=torch.float64)
    bits = gaussian_bits(
        v[:, None], torch.zeros(len(scales)).double(), scales
    )  # [401, K], with lesson 4's bound
    joint = shares * 2**-bits
    return entropy(joint.sum(1)) + entropy(shares) - entropy(joint.flatten())
