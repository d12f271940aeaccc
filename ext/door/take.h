// ext/door: the doors of a Python process to itself.
//
// Knows: how to hold the interpreter still for a moment, clone it, watch the clone walk, and what
// to do when that fails. It uses engine/locate and engine/capture, and the interpreter lock. Must
// not know: what is in a snapshot, who reads it.
#ifndef MM_DOOR_TAKE_H
#define MM_DOOR_TAKE_H

#include "compat.h"

#include "base/free/status.h"
#include "capture/capture.h"

/// What is asked for.
typedef struct door_request {
    int fd;                        ///< an empty file to write to; stays the caller's
    bool in_process;               ///< do not clone, walk here and now
    bool keys;                     ///< texts of data keys may be written
    bool census;                   ///< count what the allocators hold besides
    bool still;                    ///< keep the lock: no Python code runs until it is written
    bool kill_child;               ///< for tests: end the child as soon as it is there
    const mm_capture_meta *metas;  ///< more records of META; must stand until door_take() is back
    uint32_t meta_count;
    uint64_t patience_ns;  ///< how long one foreign tp_traverse may take
} door_request;

/// What was done.
typedef struct door_taken {
    const char *door;    ///< "fork" or "in process"
    char fallback[160];  ///< why it was in process though that was not asked for; or empty
    char warning[160];   ///< what locate has to say to the user; or empty
    uint64_t object_count;
    uint64_t reference_count;
    uint64_t unreadable_count;
    uint64_t memory_bytes;  ///< of the walker
    uint64_t file_bytes;
    uint64_t pause_ns;     ///< how long the interpreter stood still, at the last try
    uint64_t duration_ns;  ///< from the call to the whole file
    uint32_t retry_count;  ///< children that crashed or hung before it went well
} door_taken;

/// Take a snapshot of this process into `request->fd`.
/// Answers MM_E_INTERRUPTED with a Python exception set when a signal handler raised one; every
/// other failure sets none. In all cases no child is left. REQUIRES: the lock is held. Without
/// `still` it is released while a child walks: Python code runs elsewhere and in signal handlers.
MM_STATUS door_take(const door_request *request, door_taken *ret, mm_error *err);

#endif
