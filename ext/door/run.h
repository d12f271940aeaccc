// Running somebody's script in this interpreter as if it had been started plainly.
#ifndef MM_DOOR_RUN_H
#define MM_DOOR_RUN_H

#include "compat.h"

/// `_door.run(kind, target, argv, orig_argv, path0, snapshot)`: see run.c. Never returns normally:
/// it ends with SystemExit, which carries the script's status.
PyObject *door_run(PyObject *module, PyObject *args);

/// Documentation of door_run().
extern const char door_run_doc[];

#endif
