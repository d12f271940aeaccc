"""Ordinary steps over a package: openpyxl."""

import io
import itertools

import openpyxl

N = itertools.count(1).__next__


def _workbook():
    book = openpyxl.Workbook()
    book.active.append([N(), "a", 2.5])
    book.save(io.BytesIO())


STEPS = """
openpyxl_book: _workbook()
openpyxl_cells: openpyxl.utils.get_column_letter(N() % 700 + 1)
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
