class Collatz:
    def __init__(self): self.length = {1: 0}
    def of(self, n):
        path = []
        while n not in self.length:
            path.append(n)
            n = n // 2 if n % 2 == 0 else 3 * n + 1
        known = self.length[n]
        for m in reversed(path):
            known += 1
            self.length[m] = known
        return known
table, n = Collatz(), 0
def step():
    global n
    n = n % 700 + 1
    table.of(n)
