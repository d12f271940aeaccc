"""What `mortmain loop --try-fix` starts: bootstrap_loop.py with one source file replaced.

Arguments: overlay.py, the overlay, then those of bootstrap_loop.py. See overlay.py.
Knows: the arguments. Must not know: anything else.
"""

import _frozen_importlib as b, _imp, sys  # noqa: E401, I001

n: dict = {"__name__": "overlay"}  # type: ignore[type-arg]
with open(sys.argv[1], "rb") as f:  # noqa: PTH123
    exec(compile(f.read(), sys.argv[1], "exec"), n)
n["install"](sys.argv[2])
del f, n
d = _imp.create_dynamic(b.ModuleSpec("mortmain._door", None, origin=sys.argv[3]))
_imp.exec_dynamic(d)
d.loop(*sys.argv[4:])
