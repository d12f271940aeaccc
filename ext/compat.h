// Every difference between versions of CPython that ext/ has to know, and no other file has any.
#ifndef MM_EXT_COMPAT_H
#define MM_EXT_COMPAT_H

#include <Python.h>

#if PY_VERSION_HEX < 0x030B0000
#error "mortmain needs CPython 3.11 or later"
#endif

// Slots of a module that may be loaded into several interpreters under one lock. An interpreter
// with a lock of its own cannot load it: while it holds its lock the other heaps change.
#ifdef Py_mod_multiple_interpreters
#define MM_SLOT_INTERPRETERS {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_SUPPORTED},
#else
#define MM_SLOT_INTERPRETERS
#endif
#ifdef Py_mod_gil
#define MM_SLOT_LOCK {Py_mod_gil, Py_MOD_GIL_USED},
#else
#define MM_SLOT_LOCK
#endif

#endif
