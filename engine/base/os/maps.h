// What is mapped in a process, and reading its memory without trusting an address.
#ifndef MM_BASE_OS_MAPS_H
#define MM_BASE_OS_MAPS_H

#include "base/free/arena.h"
#include "base/free/status.h"

/// What a mapping is besides readable. A bit set.
enum { MM_MAP_WRITE = 1, MM_MAP_EXECUTE = 2, MM_MAP_STACK = 16 };

/// One line of a memory map, as /proc/PID/maps or a core's program headers give it.
typedef struct mm_mapping {
    uint64_t start;
    uint64_t end;
    uint64_t file_offset;
    uint32_t flags;    ///< MM_MAP_*
    const char *file;  ///< path, or "" for anonymous memory
} mm_mapping;

/// The mappings of process `pid` (0 = this one) that may be read without harm, sorted by start.
/// Left out: what is not readable, what the kernel puts there ([vvar], [vsyscall], [vdso]), devices
/// (reading one may act), and shared mappings of files (somebody else may cut the file, and then
/// reading kills; CPython keeps no object in one). Texts and array live in `arena`.
/// COST: one reading of /proc/PID/maps, some microseconds for each mapping.
MM_STATUS mm_os_maps_read(uint64_t pid, mm_arena *arena, mm_mapping **ret, size_t *count_ret,
                          mm_error *err);

/// Copy `count` bytes from `address` of this process; MM_E_TARGET when not all of it is readable.
MM_STATUS mm_os_peek_self(uint64_t address, void *to, size_t count);

#endif
