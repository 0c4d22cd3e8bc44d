def seen_and_blind(stack):
    first = stack.pop(0)
    stack[:0] = [first, ("B", 1)][:1] if len(stack) < 9 else []
    R = sum(size // 2 for _, size in stack)
    seen = {(0, 0)}  # moves from the output to a position, as (rows, columns)
    for mask_type, size in stack:
        moves = (causal_mask(mask_type, size, size).nonzero() - size // 2).tolist()
        seen = {(row + i, column + j) for row, column in seen for i, j in moves}
    return len(seen), 2 * R * (R + 1) - len(seen)
