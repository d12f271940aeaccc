"""Heaps to measure on. Each function builds one and returns what keeps it alive."""

from __future__ import annotations

import ast
import random
import sys
from pathlib import Path


class Node:
    """An instance with a few attributes."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.label = f"n{number}"


def fresh(objects: int) -> list[object]:
    """Instances, ints and strs in the order of their making; half with a real `__dict__`."""
    nodes: list[object] = []
    for number in range(10_000_000, 10_000_000 + objects // 3):
        node = Node(number)
        if number % 2:
            _ = node.__dict__
        nodes.append(node)
    return nodes


def aged(objects: int) -> object:
    """The fresh heap after three rounds of shuffling, dropping half and filling up again."""
    draw = random.Random(1)
    nodes = fresh(objects)
    for _ in range(3):
        draw.shuffle(nodes)
        del nodes[len(nodes) // 2 :]
        nodes.extend(fresh(objects // 2))
    return nodes


def program(objects: int) -> object:
    """Syntax trees of the standard library: many types, four references an object."""
    trees: list[object] = []
    count = 0
    sources = sorted(Path(ast.__file__).parent.glob("**/*.py"))
    while count < objects:
        for source in sources:
            if "test" in source.parts or "site-packages" in source.parts:
                continue
            try:
                tree = ast.parse(source.read_bytes())
            except (SyntaxError, ValueError):
                continue
            trees.append(tree)
            count += sum(1 for _ in ast.walk(tree)) * 3
            if count >= objects:
                return trees
    return trees


def crossed(objects: int) -> object:
    """A long list whose end holds what a registry holds too; twice as many objects as asked for.

    Algorithms that climb a tree of dominators step by step are quadratic on it.
    """
    shared: list[object] = []
    registry = [[shared] for _ in range(objects)]
    chain: list[object] = [*registry]
    for _ in range(objects):
        chain = [chain]
    return [registry, chain]


KINDS = {"fresh": fresh, "aged": aged, "program": program, "crossed": crossed}

if __name__ == "__main__":
    sys.exit("this is a module of bench/run.py")
