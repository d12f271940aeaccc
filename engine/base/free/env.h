// What freestanding code is given by its door: pages, and a place to write to.
#ifndef MM_BASE_FREE_ENV_H
#define MM_BASE_FREE_ENV_H

#include "base/free/status.h"

/// Supplies fresh zeroed memory, page by page. The walker gives nothing back: its door drops it all
/// at once when the snapshot is over (the child exits, or the door unmaps what it handed out).
typedef struct mm_pages {
    /// Map `size_bytes` (a multiple of 4096) of zeroed, 64-byte aligned memory; NULL when there is
    /// none.
    void *(*map)(void *context, size_t size_bytes);
    void *context;
} mm_pages;

/// Takes the bytes of a snapshot, in order.
typedef struct mm_sink {
    /// Take all `count` bytes. Anything but MM_OK ends the snapshot with that status.
    mm_status (*write)(void *context, const void *bytes, size_t count);
    void *context;
} mm_sink;

#endif
