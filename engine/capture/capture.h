// engine/capture: the walker.
//
// Knows: how to read a CPython heap that it is told about by an mm_target: it enumerates objects,
// names their references, sizes them, and writes them down as it goes. Freestanding: no system, no
// malloc, no Python API, no global, no recursion, no abort. It calls nothing of the target but
// tp_traverse of types that it does not know, and only where the target allows that. Must not know:
// how the target was located, where the bytes go, which process it runs in, who asks.
#ifndef MM_CAPTURE_CAPTURE_H
#define MM_CAPTURE_CAPTURE_H

#include "base/free/env.h"
#include "base/free/target.h"

/// Shared with whoever watches the walker: a page that survives its death. May be NULL.
typedef struct mm_capture_note {
    uint64_t type;      ///< the type whose tp_traverse runs now; 0 = none does
    uint64_t progress;  ///< objects done so far: a watchdog sees that it moves
} mm_capture_note;

/// One more record of META.
typedef struct mm_capture_meta {
    const char *key;  ///< NUL-terminated UTF-8, as the value
    const char *value;
} mm_capture_meta;

/// How to capture. Zero is the default of every member.
typedef struct mm_capture_options {
    volatile mm_capture_note *note;
    const char *door;     ///< META `door`; NUL-terminated
    const char *warning;  ///< META `warning`; NULL = leave out
    uint64_t retries;  ///< META `retries`: captures of this heap that failed before; 0 = leave out
    uint64_t pid;      ///< META `pid`; 0 = leave out
    bool keys;         ///< write the texts of data keys too
    bool census;       ///< read the allocators' blocks too: what no reference leads to, by type
    const mm_capture_meta *metas;  ///< written behind the others, in their order
    uint32_t meta_count;
    uint64_t extra_text;  ///< address of a str whose text is asked for besides; 0 = none
} mm_capture_options;

/// What a capture did.
typedef struct mm_capture_result {
    uint64_t object_count;
    uint64_t reference_count;
    uint64_t unreadable_count;  ///< references that led outside readable memory and were left out
    uint64_t memory_bytes;      ///< the walker's own memory
} mm_capture_result;

/// Write a snapshot of the heap that `target` describes to `sink`.
/// Answers MM_E_BUSY when an interpreter is inside a collection (nothing was written),
/// MM_E_ARGUMENT for a target that is none (nothing was written), MM_E_NOMEM, MM_E_TARGET, or the
/// sink's failure. After any other failure than the first two the file has no END!.
/// REQUIRES: nobody changes the heap meanwhile. COST: one visit of every object in address order.
MM_STATUS mm_capture(const mm_target *target, mm_pages pages, mm_sink sink,
                     const mm_capture_options *options, mm_capture_result *ret);

#endif
