def ans_encode(symbols, table_of):
    earlier, steps = [], []
    for s in symbols:
        f = [int(v) for v in table_of(earlier)]
        steps.append((sum(f), f[s], sum(f[:s])))
        earlier = earlier + [s]
    state = 1
    while steps:
        T, f, c = steps.pop()
        state = (state - state % f) // f * T + c + state % f
    return state
