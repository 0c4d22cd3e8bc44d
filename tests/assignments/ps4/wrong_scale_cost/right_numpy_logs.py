def wrong_scale_cost(scale, ratio):
    reach = math.ceil(12 * scale) + 2
    v = torch.arange(-reach, reach + 1).double().abs()

    def nats(s):
        a, b = torch.special.log_ndtr((0.5 - v) / s), torch.special.log_ndtr((-0.5 - v) / s)
        return a + torch.log(-torch.expm1(b - a))

    p = nats(scale).exp()
    return np.float64((p * (nats(scale) - nats(ratio * scale))).sum().item() / np.log(2))
