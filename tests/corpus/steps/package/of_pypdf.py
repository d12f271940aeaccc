"""Ordinary steps over a package: pypdf."""

import io
import itertools

import pypdf

N = itertools.count(1).__next__


def _pdf():
    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100 + N() % 50)
    writer.write(target := io.BytesIO())
    return len(pypdf.PdfReader(target).pages)


STEPS = """
pypdf_write: _pdf()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
