"""Ordinary steps over a package: zope."""

import itertools

import zope.interface
import zope.interface.adapter

N = itertools.count(1).__next__

registry = zope.interface.adapter.AdapterRegistry()


class IThing(zope.interface.Interface):
    pass


@zope.interface.implementer(IThing)
class Thing:
    pass


class Service:
    pass


def _adapted():
    registry.register([IThing], IThing, "", len)
    found = registry.lookup1(zope.interface.providedBy(Thing()), IThing)
    registry.unregister([IThing], IThing, "", len)
    return found


STEPS = """
zope_provides: IThing.providedBy(Thing())
zope_adapter: _adapted()
zope_direct: zope.interface.alsoProvides(Service(), IThing)
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
