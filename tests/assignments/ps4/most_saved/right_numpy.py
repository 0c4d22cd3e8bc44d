def most_saved(scales, shares):
    v = np.arange(-400, 401)
    tables = [
        np.array(
            [
                2.0 ** -float(b)
                for b in gaussian_bits(torch.from_numpy(v).double(), torch.zeros(1), s[None], 0)
            ]
        )
        for s in scales
    ]

    def H(p):
        p = p[p > 0]
        return -(p * np.log2(p)).sum()

    shares = shares.numpy()
    return H(sum(w * t for w, t in zip(shares, tables))) - sum(w * H(t) for w, t in zip(shares, tables))
