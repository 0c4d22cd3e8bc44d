def seen_and_blind(stack):
    seen, R = {(0, 0)}, sum(size // 2 for _, size in stack)
    for kind, size in stack:
        moves = (causal_mask(kind, size, size).nonzero() - size // 2).tolist()
        seen = {(a + i, b + j) for a, b in seen for i, j in moves}
    above = sum(a < 0 for a, _ in seen)
    return len(seen), R * (2 * R + 1) - above
