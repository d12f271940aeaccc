"""Ordinary steps over a package: marshmallow."""

import itertools

import marshmallow

N = itertools.count(1).__next__


class Person(marshmallow.Schema):
    name = marshmallow.fields.Str(required=True)
    age = marshmallow.fields.Int(validate=marshmallow.validate.Range(0, 200))


person = Person()

STEPS = """
marshmallow_load: person.load({"name": f"n{N()}", "age": 5})
marshmallow_dump: person.dump({"name": f"n{N()}", "age": 5})
marshmallow_invalid: person.validate({"age": -N()})
marshmallow_many: Person(many=True).load([{"name": str(N())}] * 3)
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
