// A whole file into private memory.
#ifndef MM_BASE_OS_LOAD_H
#define MM_BASE_OS_LOAD_H

#include "base/free/arena.h"

enum { MM_OS_LOAD_END_BYTES_MAX = 64 };

/// A look at both ends of a file before it is read, so that a large file of another sort, or a cut
/// one, costs nothing.
typedef struct mm_os_load_ends {
    size_t head_bytes;  ///< at most MM_OS_LOAD_END_BYTES_MAX
    size_t tail_bytes;  ///< as well
    /// Anything but MM_OK ends the loading with that. A file that is shorter than both ends
    /// together is not looked at.
    mm_status (*check)(const uint8_t *head, const uint8_t *tail, size_t size_bytes, mm_error *err);
} mm_os_load_ends;

/// Read the regular file at `path` into the arena, with `slack_bytes` zeros behind it. It is read,
/// not mapped: what happens to the file afterwards changes nothing, and what was looked at before
/// must be looked at again. Answers MM_E_IO, MM_E_ARGUMENT for what is no regular file,
/// MM_E_NOMEM, or what `ends` says (NULL = nothing). COST: one copy out of the page cache, 0.3 ns
/// a byte and the faults of fresh memory.
MM_STATUS mm_os_load(const char *path, size_t slack_bytes, const mm_os_load_ends *ends,
                     mm_arena *arena, uint8_t **ret, size_t *ret_bytes, mm_error *err);

#endif
