def seen_and_blind(stack):
    seen, R = {(0, 0)}, sum(size // 2 for _, size in stack)
    for kind, size in stack:
        moves = (causal_mask("A", size, size).nonzero() - size // 2).tolist()
        seen = {(a + i, b + j) for a, b in seen for i, j in moves}
    return len(seen), 2 * R * (R + 1) - len(seen)
