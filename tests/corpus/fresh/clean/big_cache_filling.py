from cachetools import LRUCache
pages = LRUCache(maxsize=40000)
n = 0
def step():
    global n
    n += 1
    key = "page/%d" % n
    if key not in pages:
        pages[key] = ("<p>%d</p>" % n) * 3
    pages["page/1"]
