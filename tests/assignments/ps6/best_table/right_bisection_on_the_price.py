def best_table(probabilities, total):
    p = [float(v) for v in probabilities]
    units = sorted(
        ((p[i] * math.log2((f + 1) / f), -f, i) for i in range(len(p)) for f in range(1, total - len(p) + 1)),
        reverse=True,
    )
    f = [1] * len(p)
    for _, _, i in units[: total - len(p)]:
        f[i] += 1
    return f
