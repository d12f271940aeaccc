"""Ordinary steps over a package: wtforms."""

import itertools

import wtforms

N = itertools.count(1).__next__


class Form(wtforms.Form):
    name = wtforms.StringField("Name", [wtforms.validators.Length(min=2)])
    count = wtforms.IntegerField("Count", [wtforms.validators.NumberRange(0, 9)])


STEPS = """
wtforms_valid: Form(data={"name": f"n{N()}", "count": 5}).validate()
wtforms_invalid: Form(data={"name": "", "count": N()}).validate()
wtforms_render: str(Form(data={"name": "x"}).name())
wtforms_populate: Form(data={"name": f"n{N()}"}).data
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
