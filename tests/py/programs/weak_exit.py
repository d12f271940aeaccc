"""Ends while tables live, __del__ uses them and a daemon thread iterates."""

import threading

from mortmain import weak

table, members, values = weak.WeakKeyDictionary(), weak.WeakSet(), weak.WeakValueDictionary()
hung = weak.EphemeronDict()


class Late:
    """Uses the tables when it dies."""

    def __init__(self, tables):
        self.tables = tables
        self.link = self

    def __del__(self):
        table, members, values = self.tables
        table[self] = len(list(members))
        members.add(self)
        values[1] = self
        list(table.items()), list(values), table.copy(), table.data
        hung[self] = [self, hung]


kept = [Late((table, members, values)) for _ in range(100)]
for one in kept:
    table[one] = one
    members.add(one)
    values[id(one)] = one
    hung[one] = [hung, one]
begun = threading.Event()


def iterate():
    while True:
        for _ in table.items():
            begun.set()
        late = Late((table, members, values))
        table[late] = hung[late] = list(members)


threading.Thread(target=iterate, daemon=True).start()
begun.wait()
suspended = [iter(table), iter(members), values.items()]
for iterator in suspended:
    next(iterator)
import builtins  # noqa: E402

builtins.kept_longest = (table, hung, members, values, kept, suspended)
print("end", flush=True)
