// Calling a step in rounds, with a snapshot between them.
#ifndef MM_DOOR_LOOP_H
#define MM_DOOR_LOOP_H

#include "compat.h"

/// `_door.loop(kind, target, name, path0, folder)`: see loop.c. Does not come back: it ends the
/// process, with status 0 when all files are there, else with 2 and a file `error` beside them.
PyObject *door_loop(PyObject *module, PyObject *args);

/// Documentation of door_loop().
extern const char door_loop_doc[];

#endif
