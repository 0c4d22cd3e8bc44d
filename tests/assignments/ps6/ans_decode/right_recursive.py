def one(x, f):
    r = x % sum(f)
    s = next(k for k in range(len(f)) if sum(f[:k]) <= r < sum(f[: k + 1]))
    return s, f[s] * (x // sum(f)) + r - sum(f[:s])


def ans_decode(x, count, table_of):
    message = ()
    while len(message) < count:
        s, x = one(x, table_of(message))
        message += (s,)
    if x == 1:
        return message
    raise BitstreamError("The state at the end is not the one that every encoder starts with.")
