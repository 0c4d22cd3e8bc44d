def seen_and_blind(stack):
    r, L = stack[0][1] // 2, len(stack)
    R = sum(size // 2 for _, size in stack)
    blind = sum(max(R - r * min(u, L), 0) for u in range(1, R + 1))
    return 2 * R * (R + 1) - blind, blind
