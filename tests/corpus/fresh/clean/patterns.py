import fnmatch, re
n = 0
def step():
    global n
    n += 1
    re.compile(r"^order-%d-(\d+)$" % n).match("order-%d-77" % n)
    re.sub("x{%d}" % (n % 1000 + 1), "y", "xxxx")
    fnmatch.filter(["a%d.txt" % n, "b.txt"], "a%d.*" % n)
