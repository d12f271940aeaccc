import attr
n = 0
def step():
    global n
    n += 1
    Row = attr.make_class("Row", ["id", "col_%d" % n, "text"])
    Row(n, 2, "x")
