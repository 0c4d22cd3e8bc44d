def seen_and_blind(stack):
    R, r = sum(size // 2 for _, size in stack), max(size // 2 for _, size in stack)
    blind = sum(max(R - r * u, 0) for u in range(1, R + 1))
    return 2 * R * (R + 1) - blind, blind
