def flatten(tree):
    found, scratch = [], bytearray(3000)
    def visit(node):
        for item in node:
            if isinstance(item, list): visit(item)
            else: found.append(item)
    visit(tree)
    return len(found) + len(scratch)
def step():
    flatten([1, [2, 3, [4]], [5]])
