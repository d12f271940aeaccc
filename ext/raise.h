// The one place where a failure of the engine becomes a Python exception.
#ifndef MM_EXT_RAISE_H
#define MM_EXT_RAISE_H

#include "compat.h"

#include "base/free/status.h"

/// Raise mortmain.errors.MortmainError: one line that says what could not be done ("cannot read"),
/// where (`where`, borrowed, shown by its repr; NULL = nowhere), why, and what to do next. Always
/// NULL. REQUIRES: the lock is held and no exception is set. Imports, so it may run Python code.
PyObject *mm_raise(const char *what, PyObject *where, const mm_error *err);

/// As mm_raise(), with a line that somebody else has worded: UTF-8, `count` bytes. Always NULL.
PyObject *mm_raise_text(const char *text, size_t count);

#endif
