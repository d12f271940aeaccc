import random
class Node:
    __slots__ = ("next", "word")
    def __init__(self): self.next, self.word = {}, None
root, dice = Node(), random.Random(3)
def remember(word):
    node = root
    for letter in word:
        node = node.next.setdefault(letter, None) or node.next.__setitem__(letter, Node()) or node.next[letter]
    node.word = word
def step():
    remember("".join(dice.choice("abcdef") for _ in range(12)))
