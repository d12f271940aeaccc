"""Runs suites of this interpreter's own test package, with the classes of mortmain.weak or without.

    python weak_suites.py ours|stdlib SUITE... [-- TEST...]

Prints one line of JSON: how many tests ran, and the names of those that failed. With names of tests
only these are run.
"""

import contextlib
import io
import json
import sys
import unittest


def put_in_place() -> None:
    """What is imported from now on finds our classes where the stdlib's were."""
    import _weakrefset
    import weakref

    import mortmain.weak

    for name in ("WeakKeyDictionary", "WeakValueDictionary", "WeakSet", "KeyedRef", "WeakMethod"):
        setattr(weakref, name, getattr(mortmain.weak, name))
    _weakrefset.WeakSet = mortmain.weak.WeakSet
    for module in list(sys.modules.values()):
        for name in ("WeakKeyDictionary", "WeakValueDictionary", "WeakSet", "WeakMethod"):
            if name in vars(module) and not module.__name__.startswith("mortmain"):
                setattr(module, name, getattr(mortmain.weak, name))


def main() -> None:
    whose, *names = sys.argv[1:]
    suites, _, chosen = (
        (names[: names.index("--")], "", names[names.index("--") + 1 :])
        if "--" in names
        else (names, "", [])
    )
    if whose == "ours":
        put_in_place()
    from test import support

    support.use_resources = ["cpu"]
    suite = unittest.defaultTestLoader.loadTestsFromNames(chosen or suites)
    with contextlib.redirect_stdout(io.StringIO()):
        result = unittest.TextTestRunner(stream=io.StringIO(), verbosity=0).run(suite)
    failed = {}
    for case, trace in result.failures + result.errors:
        failed[case.id() if hasattr(case, "id") else str(case)] = trace[-2000:]
    print(json.dumps({"ran": result.testsRun, "failed": failed}), flush=True)


if __name__ == "__main__":
    main()
