"""Ordinary steps over a package: peewee."""

import itertools

import peewee

N = itertools.count(1).__next__

small = peewee.SqliteDatabase(":memory:")


class Note(peewee.Model):
    text = peewee.CharField()

    class Meta:
        database = small


small.create_tables([Note])


def _peewee_rows():
    with small.atomic():
        note = Note.create(text=f"n{N()}")
        Note.select().where(Note.text == note.text).get()
        note.delete_instance()


STEPS = """
peewee_rows: _peewee_rows()
peewee_sql: Note.select().where(Note.id << [N(), 2]).sql()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
