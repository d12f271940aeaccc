// A whole file into private memory.
#ifndef MM_BASE_OS_LOAD_H
#define MM_BASE_OS_LOAD_H

#include "base/free/arena.h"

/// Read the regular file at `path` into the arena, with `slack_bytes` zeros behind it. It is read,
/// not mapped: what happens to the file afterwards changes nothing. Answers MM_E_IO, MM_E_ARGUMENT
/// for what is no regular file, MM_E_NOMEM.
MM_STATUS mm_os_load(const char *path, size_t slack_bytes, mm_arena *arena, uint8_t **ret,
                     size_t *ret_bytes, mm_error *err);

#endif
