def ans_decode(x, count, table_of):
    found = []
    for _ in range(count):
        f = table_of(found)
        T = sum(f)
        q, r = divmod(x, T)
        ends = np.cumsum(f)
        s = int(np.searchsorted(ends, r, side="right"))
        x = f[s] * q + r - int(ends[s] - f[s])
        found.append(s)
    if x != 1:
        raise ValueError(f"The file is damaged: the decoder ends at {x % 1000} and not at 1.")
    return np.array(found, dtype=int)
