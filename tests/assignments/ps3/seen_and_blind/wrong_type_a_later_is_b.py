def seen_and_blind(stack):
    R = sum(size // 2 for _, size in stack)
    seen = {(0, 0)}  # moves from the output to a position, as (rows, columns)
    for k, (mask_type, size) in enumerate(stack):
        mask_type = "A" if k == 0 else mask_type if k < 2 else "B"
        moves = (causal_mask(mask_type, size, size).nonzero() - size // 2).tolist()
        seen = {(row + i, column + j) for row, column in seen for i, j in moves}
    return len(seen), 2 * R * (R + 1) - len(seen)
