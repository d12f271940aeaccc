import weakref
class Icon:
    def __init__(self, name): self.name, self.pixels = name, bytearray(300)
icons = weakref.WeakValueDictionary()
toolbar, n = [], 0
def icon(name):
    found = icons.get(name)
    if found is None: found = icons[name] = Icon(name)
    return found
def step():
    global n
    n += 1
    toolbar.append(icon("icon-%d" % (n // 3)))
    if len(toolbar) > 50: del toolbar[:25]
