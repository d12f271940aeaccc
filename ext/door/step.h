// What `mortmain loop` calls again and again.
#ifndef MM_DOOR_STEP_H
#define MM_DOOR_STEP_H

#include "compat.h"

#include <stdbool.h>

/// A function, or a statement that was compiled once. Zero is one that was not loaded.
typedef struct door_step {
    PyObject *call;    // owned: what is called, or the statement's code
    PyObject *names;   // owned: a statement's globals, or NULL
    PyObject *runner;  // owned: asyncio.Runner of what answers coroutines, made at the first
} door_step;

/// Load it. Kind 'file': the file `target` is run as a module of its own, as an import would, and
/// `name` is looked up in it. 'module': it is imported. 'code': the text `name` is run once, and
/// the text `target` is what is called. False with an exception set: what the loaded code raised,
/// or an AttributeError or TypeError with the reason as its text and no traceback.
bool door_step_load(const char *kind, PyObject *target, PyObject *name, door_step *ret);

/// Call it once, to the end: a coroutine is run. What it answers is dropped. False with an
/// exception set. Runs any Python code.
bool door_step_call(door_step *step);

/// Let go.
void door_step_clear(door_step *step);

#endif
