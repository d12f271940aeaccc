// engine/locate: finds a Python heap in an address space and describes it in an mm_target.
//
// Knows: memory maps, ELF symbols, and what CPython's runtime looks like: it works from nothing but
// those, through an mm_reader, so that this process, another one and a core dump are the same to
// it. Must not know: how objects are walked, who asks, Python.h.
#ifndef MM_LOCATE_LOCATE_H
#define MM_LOCATE_LOCATE_H

#include "base/free/target.h"
#include "base/os/maps.h"

/// Access to one address space.
typedef struct mm_reader {
    /// Copy `count` bytes from `address`; anything but MM_OK when not all of it is readable.
    mm_status (*read)(void *context, uint64_t address, void *to, size_t count);
    void *context;
    const mm_mapping *mappings;  ///< readable ones, sorted by start
    size_t mapping_count;
} mm_reader;

/// What to leave out, for tests, and what may be done. Zero is the default of every member.
typedef struct mm_locate_options {
    uint32_t hide_kinds;     ///< bit per mm_kind: pretend that its start-up check failed
    bool hide_version;       ///< pretend not to know this minor version
    bool traverse;           ///< tp_traverse of foreign types may be called where the walker runs
    uint64_t caller_thread;  ///< native id of the thread that asks; 0 = none
} mm_locate_options;

/// What locate has to say besides the target. One line, or empty.
typedef struct mm_locate_report {
    char warning[160];       ///< "unknown CPython 3.16: ..." : for the user
    uint32_t kinds_failed;   ///< bit per mm_kind whose start-up check failed: for -v and tests
    uint32_t roots_dropped;  ///< roots for which there was no room; 0 in every sane process
} mm_locate_report;

/// Spare slots in mm_target.opaque, for types that turn out to crash.
enum { MM_OPAQUE_MAX = 64 };

/// Describe the heap. The block is allocated from `arena`; it lives as long as the arena's pages.
/// Answers MM_E_NOT_FOUND (no CPython in there), MM_E_UNSUPPORTED (free-threaded, or not 64 bit),
/// MM_E_TARGET (found but contradicts itself), MM_E_LIMIT (more threads or mappings than can be
/// described), MM_E_IO (a library's file cannot be read), MM_E_NOMEM.
/// COST: some milliseconds, independent of the size of the heap.
MM_STATUS mm_locate(const mm_reader *reader, const mm_locate_options *options, mm_arena *arena,
                    mm_target **ret, mm_locate_report *report, mm_error *err);

/// A reader on this very process, by process_vm_readv, so that a wrong address is an answer and not
/// a crash. Reads /proc/self/maps into `arena`.
MM_STATUS mm_reader_self(mm_arena *arena, mm_reader *ret, mm_error *err);

#endif
