"""Ordinary steps over a package: xlsxwriter."""

import io
import itertools

import xlsxwriter

N = itertools.count(1).__next__


def _xlsx():
    book = xlsxwriter.Workbook(io.BytesIO(), {"in_memory": True})
    book.add_worksheet().write(0, 0, N())
    book.close()


STEPS = """
xlsxwriter_book: _xlsx()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
