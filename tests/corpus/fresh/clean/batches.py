class Writer:
    def __init__(self): self.buffer, self.written = [], 0
    def write(self, record):
        self.buffer.append(record)
        if len(self.buffer) >= 700:
            self.written += len(self.buffer)
            self.buffer = []
writer, n = Writer(), 0
def step():
    global n
    n += 1
    writer.write({"n": n, "text": "line %d" % n})
