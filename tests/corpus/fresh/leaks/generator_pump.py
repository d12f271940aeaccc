class Decoder:
    def __init__(self):
        self.lines, self.buffer = [], bytearray(1000)
        self.pump = self.run()
        next(self.pump)
    def run(self):
        while True:
            line = yield
            self.lines.append(line.strip())
def step():
    decoder = Decoder()
    decoder.pump.send("one ")
    decoder.pump.send("two ")
