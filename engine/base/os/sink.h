// A sink that is a file descriptor.
#ifndef MM_BASE_OS_SINK_H
#define MM_BASE_OS_SINK_H

#include "base/free/env.h"

/// Where the bytes go, and what went wrong. Written by one thread.
typedef struct mm_os_sink {
    int fd;
    int sys_errno;  ///< why the sink failed; 0 = it did not
    uint64_t written_bytes;
} mm_os_sink;

/// Write to `fd`, which stays the caller's.
void mm_os_sink_init(mm_os_sink *sink, int fd);
/// The sink interface. The context is `sink` itself: it must stay where it is. Writing may be done
/// in a cloned child: no lock, no memory, no stdio. A full disk is MM_E_IO, with `sys_errno`.
mm_sink mm_os_sink_view(mm_os_sink *sink);

/// The signal that a write beyond RLIMIT_FSIZE brings, held back while we write in a process that
/// is not ours to end.
typedef struct mm_os_sink_guard {
    bool blocked;  ///< it was blocked already
    bool pending;  ///< it was pending already
} mm_os_sink_guard;
/// Hold it back in this thread: such a write then fails with EFBIG and no more.
void mm_os_sink_guard_begin(mm_os_sink_guard *ret);
/// Take back the one that we caused, and let others through as before. REQUIRES: the same thread.
void mm_os_sink_guard_end(const mm_os_sink_guard *guard);

#endif
