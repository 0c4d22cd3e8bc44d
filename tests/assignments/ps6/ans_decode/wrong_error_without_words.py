def ans_decode(x, count, table_of):
    found = []
    for _ in range(count):
        f = table_of(found)
        r, s = x % sum(f), 0
        while r >= sum(f[: s + 1]):
            s += 1
        x = f[s] * (x // sum(f)) + r - sum(f[:s])
        found.append(s)
    if x != 1:
        raise ValueError
    return found
