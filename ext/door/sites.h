// Where the objects of one round were made.
#ifndef MM_DOOR_SITES_H
#define MM_DOOR_SITES_H

#include "compat.h"

#include "blocks.h"

#include <stdbool.h>
#include <stdint.h>

/// A round that is traced. Zero is one that is not.
typedef struct door_sites {
    bool is_ours;  ///< we began to trace, so we end it; else the program had
    bool is_on;
    door_blocks *blocks;  ///< owned; NULL = none are noted
} door_sites;

/// Begin to note where what is made is made. Where the program traces already, its own notes are
/// used and left alone; where something else of its listens to the making of objects, nothing is
/// begun. `frames`: how many lines to note for each, the one that makes it and its callers. COST:
/// making objects takes 4 to 8 times as long with one line, up to 28 times with 24.
/// REQUIRES: the lock is held, no exception is set.
void door_sites_begin(int frames, door_sites *ret);

/// Begin to trace, but for who traces already or listens to the making of objects: did we? COST and
/// `frames` as for door_sites_begin(). REQUIRES: the lock is held, no exception is set.
bool door_trace_begin(int frames);

/// End what door_trace_begin() began.
void door_trace_end(void);

/// The round is over: what is made from now on is not asked about.
void door_sites_close(const door_sites *sites);

/// What is known of the objects that a question names, 64 bits each: how many addresses of objects,
/// and these; then, as often as there is more, a type's address, how many objects of it somebody
/// sees, and these, ascending: asked is about all others of that type. All must be alive.
///
/// Answers a tuple (lines, numbers, ...), empty where nothing was traced. `lines` is a list of
/// tuples of (file, line), the line that made an object first, then its callers; `numbers`, bytes,
/// has for each object an index into it as 32 bits, UINT32_MAX = not known; numbers of their own
/// follow for each type. NULL with an exception set. Runs no Python code with the collector off.
PyObject *door_sites_find(const door_sites *sites, const uint64_t *question, uint64_t count);

/// The same of a process that traces, whoever began it: the lines of these objects, 64 bits each,
/// as a tuple (lines, numbers); None where nothing is traced. NULL with an exception set.
PyObject *door_sites_here(const uint64_t *addresses, uint64_t count);

/// End what we began. Twice is fine.
void door_sites_end(door_sites *sites);

#endif
