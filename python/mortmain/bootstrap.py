"""What `mortmain run` starts: loads the door without importing it, and hands over to it.

No frame, no module and no name of this file is left when the script begins. Arguments: the door's
file, kind, target, sys.path[0] or "", snapshot, page of requests or "", how many of the rest are
sys.orig_argv, then both.
Knows: the arguments. Must not know: anything else.
"""

import _frozen_importlib as b, _imp, sys  # noqa: E401, I001

d = _imp.create_dynamic(b.ModuleSpec("mortmain._door", None, origin=sys.argv[1]))
_imp.exec_dynamic(d)
a = sys.argv
n = 8 + int(a[7])
d.run(a[2], a[3], a[n:], a[8:n], a[4] or None, a[5], a[6])
