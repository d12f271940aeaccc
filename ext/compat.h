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

// The same for a module whose state is its interpreter's own: each may have its own lock.
#ifdef Py_mod_multiple_interpreters
#define MM_SLOT_OWN_LOCK {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#else
#define MM_SLOT_OWN_LOCK
#endif

// Kinds of members, which moved from a header of their own to Python.h.
#if PY_VERSION_HEX < 0x030C0000
#include <structmember.h>
#define MM_MEMBER_OFFSET T_PYSSIZET
#define MM_MEMBER_OBJECT T_OBJECT
#define MM_MEMBER_READONLY READONLY
#else
#define MM_MEMBER_OFFSET Py_T_PYSSIZET
#define MM_MEMBER_OBJECT _Py_T_OBJECT
#define MM_MEMBER_READONLY Py_READONLY
#endif

// The hash of an object that is its address.
#if PY_VERSION_HEX < 0x030D0000
#define MM_HASH_POINTER(object) _Py_HashPointer(object)
#else
#define MM_HASH_POINTER(object) Py_HashPointer(object)
#endif

// The innermost Python frame of a thread: an opaque pointer that can be taken away and put back, so
// that code run meanwhile finds no caller.
#if PY_VERSION_HEX < 0x030D0000
#define MM_CURRENT_FRAME(thread) ((thread)->cframe->current_frame)
#else
#define MM_CURRENT_FRAME(thread) ((thread)->current_frame)
#endif

// Where an interpreter points to its lock, in bytes from its beginning; 0 = there is no such place,
// or nobody knows it. Until 3.11 one variable says which thread runs, and none does where the lock
// is free; since then that variable is each thread's own.
#if PY_VERSION_HEX < 0x030C0000
#define MM_RUNNING_THREAD_IS_SHARED 1
#define MM_LOCK_PLACE 0
#elif PY_VERSION_HEX < 0x030D0000
#define MM_RUNNING_THREAD_IS_SHARED 0
#define MM_LOCK_PLACE 384
#elif PY_VERSION_HEX < 0x030E0000
#define MM_RUNNING_THREAD_IS_SHARED 0
#define MM_LOCK_PLACE 16
#else
#define MM_RUNNING_THREAD_IS_SHARED 0
#define MM_LOCK_PLACE 0
#endif
#if PY_VERSION_HEX < 0x030D0000
#define MM_RUNNING_THREAD() _PyThreadState_UncheckedGet()
#else
#define MM_RUNNING_THREAD() PyThreadState_GetUnchecked()
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
