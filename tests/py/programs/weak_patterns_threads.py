"""Threads that use the same instances. Prints what went wrong, which is nothing.

python weak_patterns_threads.py ROUNDS
"""

import gc
import sys
import threading

from mortmain import weak

ROUNDS = int(sys.argv[1])
sys.setswitchinterval(1e-6)
wrong = []
done = {"planted": 0, "refused": 0}


class Work:
    """Cached, bounded, and in a tree."""

    parent = weak.WeakLink()
    children = weak.WeakChildren("parent")
    age = weak.Bounded(0, 1000, seen=True)

    def __init__(self, age=0):
        self.age = age

    @weak.cached_method(maxsize=5)
    def add(self, number):
        return [self.age, number]

    @weak.cached_method
    def same(self):
        return [self.age]


shared = Work(7)
roots = [Work(), Work()]
cache = weak.WeakLRU(4)


def call(first):
    """Results are those of the arguments, and of this instance."""
    for number in range(ROUNDS):
        at = (first + number) % 9
        if shared.add(at) != [7, at]:
            wrong.append("result")
        one = Work(at)
        if one.same() != [at] or one.same() is not one.same():
            wrong.append("same")
        if number % 50 == 0:
            shared.add.cache_clear()
            shared.add.cache_info()
            vars(shared).pop("_cached_same", None)


def remember(first):
    """What is found under a name is what was put there."""
    for number in range(ROUNDS):
        name = (first + number) % 12
        one = cache.setdefault(name, Work(name))
        if one.age != name:
            wrong.append("another's")
        found = cache.get(name)
        if found is not None and found.age != name:
            wrong.append("another's")
        if number % 20 == 0:
            cache.pop(name, None), cache.kept(), list(cache.items()), list(Work.age.seen.items())
        if number % 100 == 0:
            cache.maxsize = number % 7
            cache.clear()


def plant(first):
    """Children come and go between two roots."""
    for number in range(ROUNDS):
        root = roots[number % 2]
        child = Work(number % 1000)
        done["planted"] += 1
        root.children.append(child)
        root.children.extend([Work(1), child])
        if len(root.children) > 20:
            del root.children[:10]
        for each in list(root.children)[:3]:
            roots[first % 2].children.insert(0, each)
        if number % 10 == 0:
            try:
                root.children.sort(key=lambda each: each.age)
            except ValueError:  # another thread put a child in twice meanwhile
                done["refused"] += 1


def guarded(work, *args):
    try:
        work(*args)
    except BaseException as error:
        wrong.append(repr(error))


threads = [
    threading.Thread(target=guarded, args=(work, at))
    for at in range(2)
    for work in (call, remember, plant)
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
gc.collect()
if len(cache.kept()) > cache.maxsize:
    wrong.append("kept too much")
assert done["planted"] == 2 * ROUNDS
print(sorted(set(wrong)))
