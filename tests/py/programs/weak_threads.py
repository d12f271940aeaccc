"""Threads that write and threads that iterate. Prints what raised, which is nothing.

python weak_threads.py ROUNDS
"""

import gc
import sys
import threading

from mortmain import weak

ROUNDS = int(sys.argv[1])
sys.setswitchinterval(1e-6)


class Key:
    """Hashed in Python, so that threads change in the middle of a look-up."""

    def __init__(self, number):
        self.number = number

    def __hash__(self):
        return self.number % 50

    def __eq__(self, other):
        return self.number == other.number


keys, ids, hung = weak.WeakKeyDictionary(), weak.WeakIdKeyDictionary(), weak.EphemeronDict()
values, members = weak.WeakValueDictionary(), weak.WeakSet()
ages = weak.WeakValueDictionary()
wrong, made = [], []
kept = [Key(number) for number in range(100)]
iterated = 0


def write(first):
    """Put in what dies at once, and what stays."""
    for number in range(ROUNDS):
        key = Key(first + number % 300)
        keys[key] = ids[key] = number
        hung[key] = hung[kept[number % 100]] = [key, hung]
        values[number % 300] = key
        members.add(key)
        one = kept[number % 100]
        keys.setdefault(one, number)
        members.discard(one)
        members.add(one)
        ids.pop(one, None)
        # Who gets an object from the cache gets the one that all get.
        again = ages.setdefault(number % 10, Key(number))
        if ages.get(number % 10, again) is not again:
            wrong.append("setdefault")
        if number % 100 == 0:
            keys.copy(), members | kept, gc.collect(0)


def iterate():
    """All of them, again and again."""
    global iterated
    for _ in range(ROUNDS // 30):
        for table in (keys, ids, hung, values):
            for key, value in table.items():
                if key is None or value is None:
                    wrong.append("dead")
        if any(member is None for member in members):
            wrong.append("dead")
        iterated += 1


def guarded(work, *args):
    try:
        work(*args)
    except BaseException as error:
        wrong.append(repr(error))


threads = [threading.Thread(target=guarded, args=(write, at * 1000)) for at in range(3)]
threads += [threading.Thread(target=guarded, args=(iterate,)) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
gc.collect()
for table in (keys, ids, hung, values, members):
    assert len(table) == len(list(table))
print(sorted(set(wrong)), iterated == 3 * (ROUNDS // 30))
