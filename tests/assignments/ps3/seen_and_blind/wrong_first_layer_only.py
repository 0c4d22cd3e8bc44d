def seen_and_blind(stack):
    kind, size = stack[0]
    seen, R = int(causal_mask(kind, size, size).sum()), sum(size // 2 for _, size in stack)
    return seen, 2 * R * (R + 1) - seen
