class Report:
    def __init__(self): self.text = ""
    def line(self, what): self.text += what + "\n"
report, n = Report(), 0
def step():
    global n
    n += 1
    report.line("request %d took 3 ms" % n)
