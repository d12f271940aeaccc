"""Ordinary steps over a package: pluggy."""

import itertools

import pluggy

N = itertools.count(1).__next__

spec, impl = pluggy.HookspecMarker("s"), pluggy.HookimplMarker("s")

manager = pluggy.PluginManager("s")


class Spec:
    @spec
    def hear(self, n):
        """Told of a number."""


class Plugin:
    @impl
    def hear(self, n):
        return n


manager.add_hookspecs(Spec)

manager.register(Plugin())


def _plugged():
    name = manager.register(plugin := Plugin())
    manager.hook.hear(n=N())
    manager.unregister(plugin)
    return name


STEPS = """
pluggy_call: manager.hook.hear(n=N())
pluggy_turnover: _plugged()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
