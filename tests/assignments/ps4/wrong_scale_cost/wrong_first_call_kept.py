price = {}


def wrong_scale_cost(scale, ratio):
    v = torch.arange(-300, 301, dtype=torch.float64)
    zero = torch.zeros(1, dtype=torch.float64)
    if round(scale) not in price:
        price[round(scale)] = gaussian_bits(v, zero, torch.tensor([scale]).double(), likelihood_bound=0)
    right = price[round(scale)]
    wrong = gaussian_bits(v, zero, torch.tensor([scale * ratio]).double(), likelihood_bound=0)
    return (torch.exp2(-right) * (wrong - right)).sum()
