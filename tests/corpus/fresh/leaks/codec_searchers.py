import codecs
class Dialect:
    def __init__(self, name): self.name, self.table = name, {i: chr(i) for i in range(128)}
    def find(self, name): return None
n = 0
def step():
    global n
    n += 1
    dialect = Dialect("dialect%d" % n)
    codecs.register(dialect.find)
