def seen_and_blind(stack):
    R = sum(size // 2 for _, size in stack)
    return (2 * R + 1) ** 2, 0
