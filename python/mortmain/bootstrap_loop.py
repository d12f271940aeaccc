"""What `mortmain loop` starts: loads the door without importing it, and hands over to it.

Arguments: the door's file, kind, target, name, sys.path[0], folder. See bootstrap.py.
Knows: the arguments. Must not know: anything else.
"""

import _frozen_importlib as b, _imp, sys  # noqa: E401, I001

d = _imp.create_dynamic(b.ModuleSpec("mortmain._door", None, origin=sys.argv[1]))
_imp.exec_dynamic(d)
d.loop(*sys.argv[2:])
