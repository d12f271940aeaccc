import copy, json, pickle, zlib
class Node:
    def __init__(self, value, kids=()): self.value, self.kids, self.up = value, list(kids), None
    def link(self):
        for kid in self.kids: kid.up = self; kid.link()
        return self
tree = Node(1, [Node(2, [Node(3)]), Node(4)]).link()
n = 0
def step():
    global n
    n += 1
    other = copy.deepcopy(tree)
    other.kids.append(pickle.loads(pickle.dumps(tree)))
    zlib.decompress(zlib.compress(json.dumps({"k%d" % n: [other.value] * 50}).encode()))
