def seen_and_blind(stack):
    radii = sorted((size // 2 for _, size in stack), reverse=True)
    R = sum(radii)
    blind = sum(R - sum(radii[:u]) for u in range(1, R + 1))
    return 2 * R * (R + 1) - blind, blind
