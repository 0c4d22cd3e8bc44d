def seen_and_blind(stack):
    R = sum(size // 2 for _, size in stack)
    seen = sum(int(causal_mask(kind, size, size).sum()) for kind, size in stack)
    return seen, 2 * R * (R + 1) - seen
