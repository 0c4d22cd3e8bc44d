import heapq


def best_table(probabilities, total):
    f = [1] * len(probabilities)
    heap = [(-float(p) * math.log2(2), i) for i, p in enumerate(probabilities)]
    heapq.heapify(heap)
    for _ in range(total - len(f)):
        _, i = heapq.heappop(heap)
        f[i] += 1
        heapq.heappush(heap, (-float(probabilities[i]) * math.log2((f[i] + 1) / f[i]), i))
    return f
