from itertools import accumulate


def put(x, s, f):
    ends = list(accumulate(f))
    return ends[-1] * (x // f[s]) + ends[s] - f[s] + x % f[s]


def ans_encode(symbols, table_of):
    rest, x = list(symbols), 1
    while rest:
        s = rest.pop()
        x = put(x, s, table_of(rest))
    return x
