import ast
SOURCE = "def area(w, h):\n    if w < 0:\n        raise ValueError(w)\n    return w * h\n"
def parse(source):
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            child.parent = node
    return tree
def step():
    assert parse(SOURCE).body[0].parent
