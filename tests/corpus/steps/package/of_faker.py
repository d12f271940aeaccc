"""Ordinary steps over a package: faker."""

import itertools

import faker

N = itertools.count(1).__next__

fake = faker.Faker()

STEPS = """
faker_name: fake.name()
faker_profile: fake.simple_profile()
faker_text: fake.text(80)
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
