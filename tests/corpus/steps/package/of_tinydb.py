"""Ordinary steps over a package: tinydb."""

import itertools

import tinydb
import tinydb.storages

N = itertools.count(1).__next__

memory_db = tinydb.TinyDB(storage=tinydb.storages.MemoryStorage)


def _tinydb_rows():
    key = memory_db.insert({"n": N()})
    memory_db.search(tinydb.where("n") > 10)
    memory_db.remove(doc_ids=[key])


STEPS = """
tinydb_rows: _tinydb_rows()
tinydb_query: memory_db.search(tinydb.Query().n == N())
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
