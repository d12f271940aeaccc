// heap/snapshot: an object heap as a .mort file, for `mortmain report`, `why` and `verify`.
//
// Knows: the heap's public header, and how a .mort file is written (engine/format). Must not know:
// what an object looks like inside, how an answer is found or printed.
//
// A library of its own, -lmortmain_snapshot: programs that take no snapshots need none of it.
#ifndef MORTMAIN_SNAPSHOT_H
#define MORTMAIN_SNAPSHOT_H

#include "mortmain.h"

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

enum {
    /// The system refused to make or write the file: errno says why.
    MORT_EIO = -32
};

/// Write every object of `heap` with its type, its count and its named references to `path`. What C
/// holds is the difference between an object's count and the references found, so it is exact.
/// The heap is not changed and nothing of it is called but what looks: no object dies.
///
/// A file that stands at `path` is replaced, in one step, when the new one is whole; on failure it
/// stands there still. Its permissions are 0600: names of types and fields are in it, and no value.
///
/// Fails with MORT_ENOMEM, MORT_EIO, and MORT_EINVAL: no heap or path, or something at `path` that
/// is no regular file. REQUIRES: outside of the heap's hooks. COST: 20 bytes an object while it
/// works, from malloc; some 200 ns an object.
int mort_snapshot(mort_heap *heap, const char *path);

/// As mort_strerror(), for the codes of mort_snapshot() too.
const char *mort_snapshot_strerror(int code);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
