def wrong_scale_cost(scale, ratio):
    if scale > 6:
        return math.log2(ratio) + (1 / ratio**2 - 1) / (2 * math.log(2))
    v = torch.arange(-300, 301, dtype=torch.float64)
    mean, scales = (
        torch.zeros(1, dtype=torch.float64),
        torch.tensor([[1.0], [ratio]], dtype=torch.float64) * scale,
    )
    right, wrong = gaussian_bits(
        v, mean, scales, likelihood_bound=0
    )  # what each whole number costs, twice [601]
    return (torch.exp2(-right) * (wrong - right)).sum()
