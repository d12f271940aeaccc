import atexit, functools
class Spool:
    def __init__(self): self.lines = ["started"] * 50
def flush(spool, reason): spool.lines.clear()
def step():
    spool = Spool()
    atexit.register(functools.partial(flush, spool), "exit")
    spool.lines.append("done")
