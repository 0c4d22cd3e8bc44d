def ans_decode(x, count, table_of):
    found = []
    for _ in range(count):
        f = list(table_of(list(found)))
        starts = [sum(f[:k]) for k in range(len(f))]
        r = x % sum(f)
        s = max(k for k, c in enumerate(starts) if c <= r)
        x = x // sum(f) * f[s] + (r - starts[s])
        found += [s]
    if not x == 1:
        raise ValueError("This state was written by no encoder; the file is damaged.")
    return found
