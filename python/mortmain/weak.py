"""Weak containers in C, and every name of the stdlib's weakref: a drop-in for it.

    import mortmain.weak as weakref

WeakKeyDictionary, WeakValueDictionary and WeakSet are written in C here: look-ups run at the speed
of dict and set, nothing raises when keys die or threads write during an iteration, and the values
of dead keys go at once. WeakIdKeyDictionary tells its keys apart by identity. sweep() frees entries
whose value leads back to the key, find_ephemeron_leaks() names them. The other names are those of
weakref itself. What each guarantees and costs: docs/weak.md.

Knows the C module mortmain._weak; loads nothing else of mortmain.
"""

from weakref import (
    CallableProxyType,
    ProxyType,
    ProxyTypes,
    ReferenceType,
    WeakMethod,
    finalize,
    getweakrefcount,
    getweakrefs,
    proxy,
    ref,
)

from mortmain._weak import (
    KeyedRef,
    WeakIdKeyDictionary,
    WeakKeyDictionary,
    WeakSet,
    WeakValueDictionary,
    find_ephemeron_leaks,
    sweep,
)

__all__ = [
    "CallableProxyType",
    "KeyedRef",
    "ProxyType",
    "ProxyTypes",
    "ReferenceType",
    "WeakIdKeyDictionary",
    "WeakKeyDictionary",
    "WeakMethod",
    "WeakSet",
    "WeakValueDictionary",
    "finalize",
    "find_ephemeron_leaks",
    "getweakrefcount",
    "getweakrefs",
    "proxy",
    "ref",
    "sweep",
]
