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

// The innermost Python frame of a thread: an opaque pointer that can be taken away and put back, so
// that code run meanwhile finds no caller.
#if PY_VERSION_HEX < 0x030D0000
#define MM_CURRENT_FRAME(thread) ((thread)->cframe->current_frame)
#else
#define MM_CURRENT_FRAME(thread) ((thread)->current_frame)
#endif

// What is left of the recursion limit, and what a module's frame that calls into C has used of it.
#if PY_VERSION_HEX < 0x030C0000
#define MM_RECURSION_LEFT(thread) ((thread)->recursion_remaining)
enum { MM_RECURSION_OF_CALLER = 2 };
#else
#define MM_RECURSION_LEFT(thread) ((thread)->py_recursion_remaining)
enum { MM_RECURSION_OF_CALLER = 1 };
#endif

// What `__main__` of a script has beside its names.
#define MM_MAIN_HAS_ANNOTATIONS (PY_VERSION_HEX < 0x030E0000)
#define MM_MAIN_HAS_CACHED (PY_VERSION_HEX < 0x030F0000)

#endif
