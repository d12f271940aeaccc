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

// Is the collector one whose passes were read? What it does is tested once more at run time.
#if !defined(Py_GIL_DISABLED) && SIZEOF_VOID_P == 8 && PY_VERSION_HEX < 0x03100000
#define MM_COLLECTOR_IS_KNOWN (Py_Version < 0x030E0000 || Py_Version >= 0x030E0500)
#else
#define MM_COLLECTOR_IS_KNOWN 0
#endif

// Has an argument no other reference than the caller's, who is about to give it up? Later versions
// lend arguments, so that a count of one says nothing.
#if PY_VERSION_HEX < 0x030E0000
#define MM_IS_TEMPORARY(object) (Py_REFCNT(object) == 1)
#else
#define MM_IS_TEMPORARY(object) PyUnstable_Object_IsUniqueReferencedTemporary(object)
#endif

// The hash of an object that is its address.
#if PY_VERSION_HEX < 0x030D0000
#define MM_HASH_POINTER(object) _Py_HashPointer(object)
#else
#define MM_HASH_POINTER(object) Py_HashPointer(object)
#endif

// getattr() that makes no AttributeError: 1 and a new reference, 0, or -1 with an exception set.
#if PY_VERSION_HEX < 0x030D0000
#define MM_LOOK_UP(object, name, ret) _PyObject_LookupAttr(object, name, ret)
#else
#define MM_LOOK_UP(object, name, ret) PyObject_GetOptionalAttr(object, name, ret)
#endif

// The same without a call, where it is known to be that.
#if PY_VERSION_HEX < 0x03100000
static inline Py_hash_t mm_hash_address(const void *object) {
    size_t bits = (size_t)object;
    Py_hash_t hash = (Py_hash_t)(bits >> 4 | bits << (8 * sizeof bits - 4));
    return hash == -1 ? -2 : hash;
}
#else
#define mm_hash_address(object) MM_HASH_POINTER(object)
#endif

// Can objects of a type be weakly referenced? PyType_SUPPORTS_WEAKREFS() without the call.
#if PY_VERSION_HEX < 0x030C0000
#define MM_IS_REFERABLE(type) ((type)->tp_weaklistoffset > 0)
#else
#define MM_IS_REFERABLE(type) ((type)->tp_weaklistoffset != 0)
#endif

// The hash of a str that has one already, or else -1.
#define MM_STR_HASH(str) (((const PyASCIIObject *)(str))->hash)

// Is an int of one digit? Then that is its value, and the hash too, but for -1.
#if PY_VERSION_HEX < 0x030C0000
#define MM_INT_IS_SHORT(number) (Py_SIZE(number) >= -1 && Py_SIZE(number) <= 1)
#define MM_INT_SHORT(number) \
    (Py_SIZE(number) * (Py_ssize_t)((const PyLongObject *)(number))->ob_digit[0])
#else
#define MM_INT_IS_SHORT(number) PyUnstable_Long_IsCompact((const PyLongObject *)(number))
#define MM_INT_SHORT(number) PyUnstable_Long_CompactValue((const PyLongObject *)(number))
#endif

// A tuple that gets other items must forget the hash that it may have kept.
#if PY_VERSION_HEX < 0x030E0000
#define MM_TUPLE_FORGET_HASH(tuple) ((void)(tuple))
#else
#define MM_TUPLE_FORGET_HASH(tuple) ((void)(((PyTupleObject *)(tuple))->ob_hash = -1))
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

// Does a suspended frame show what its stack borrows from its variables as if it had it twice?
#define MM_FRAMES_BORROW (PY_VERSION_HEX >= 0x030E0000)

// What is left of the recursion limit, and what a module's frame that calls into C has used of it.
#if PY_VERSION_HEX < 0x030C0000
#define MM_RECURSION_LEFT(thread) ((thread)->recursion_remaining)
enum { MM_RECURSION_OF_CALLER = 2 };
#else
#define MM_RECURSION_LEFT(thread) ((thread)->py_recursion_remaining)
enum { MM_RECURSION_OF_CALLER = 1 };
#endif

// What listens to the making of objects; from 3.13 on one function can, and whoever begins to takes
// its place.
#if PY_VERSION_HEX < 0x030D0000
typedef int (*mm_listener)(void);
#define MM_LISTENER() ((mm_listener)NULL)
#define MM_LISTENER_REMOVE() ((void)0)
#else
typedef PyRefTracer mm_listener;
#define MM_LISTENER() PyRefTracer_GetTracer(&(void *){NULL})
#define MM_LISTENER_REMOVE() ((void)PyRefTracer_SetTracer(NULL, NULL))
#endif

// What `__main__` of a script has beside its names.
#define MM_MAIN_HAS_ANNOTATIONS (PY_VERSION_HEX < 0x030E0000)
#define MM_MAIN_HAS_CACHED (PY_VERSION_HEX < 0x030F0000)

#endif
