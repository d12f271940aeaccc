"""Ends while instances live, __del__ uses them and a daemon thread works with them."""

import builtins
import threading

from mortmain import weak

cache = weak.WeakLRU(5)


class Late:
    """Uses everything when it dies."""

    parent = weak.WeakLink()
    children = weak.WeakChildren("parent")
    age = weak.Bounded(0, 9, seen=True)

    def __init__(self, things):
        self.things = things
        self.ring = self
        self.age = 3

    @weak.cached_method
    def me(self, number):
        return [self, number]

    def __del__(self):
        cache, seen = self.things
        cache[self] = self
        cache.kept(), list(cache.items()), cache.copy()
        try:
            self.me(1)
            self.age = 4
            self.children.append(Late.__new__(Late))
            self.parent  # noqa: B018
            list(seen.items())
        except (LookupError, AttributeError, RuntimeError, TypeError, NameError):
            pass


things = (cache, Late.age.seen)
root = Late(things)
kept = [Late(things) for _ in range(50)]
root.children = kept
for one in kept:
    cache[id(one)] = one
    one.me(2)
begun = threading.Event()


def work():
    while True:
        one = Late(things)
        cache[1] = one
        root.children.append(one)
        one.me(3)
        root.children.remove(one)
        begun.set()


threading.Thread(target=work, daemon=True).start()
begun.wait()
builtins.kept_longest = (root, cache, kept, root.children, root.me, iter(root.children))
print("end", flush=True)
