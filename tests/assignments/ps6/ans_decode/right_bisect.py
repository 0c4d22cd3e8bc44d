import bisect
import itertools


def ans_decode(x, count, table_of):
    out = []
    while len(out) != count:
        f = table_of(tuple(out))
        ends = list(itertools.accumulate(f))
        high, r = divmod(x, ends[-1])
        s = bisect.bisect_right(ends, r)
        x = high * f[s] + r - (ends[s] - f[s])
        out.append(s)
    if x - 1:
        raise ValueError("The state at the end is not 1, so the file is damaged.")
    return out
