class Dedupe:
    def __init__(self): self.seen = set()
    def is_new(self, number):
        if number in self.seen: return False
        self.seen.add(number)
        return True
dedupe, n = Dedupe(), 10 ** 6
def step():
    global n
    n += 7
    dedupe.is_new(n)
