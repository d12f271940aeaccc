// Numbers about this process, measured outside of what is watched.
#ifndef MM_DOOR_MEASURE_H
#define MM_DOOR_MEASURE_H

#include "compat.h"

#include <stdint.h>

#include "capture/capture.h"

/// What is written beside a snapshot. 0 = unknown.
typedef struct door_numbers {
    uint64_t rss_bytes;
    uint64_t malloc_bytes;  ///< in use
    uint64_t block_count;   ///< sys.getallocatedblocks()
    uint64_t nanoseconds;   ///< since `begin_ns`
} door_numbers;

/// Measure. REQUIRES: the lock is held, no exception is set. COST: three reads.
door_numbers door_measure(uint64_t begin_ns);

/// Resident memory alone.
uint64_t door_measure_rss(void);

/// Memory that malloc has handed out; 0 where that cannot be asked.
uint64_t door_measure_malloc(void);

/// META of a file that may be held against others of this process: how old the process is. It
/// points into itself, so it must not be copied.
typedef struct door_stamp {
    mm_capture_meta meta;
    char text[24];
} door_stamp;

/// When this process began, in nanoseconds of the clock that door_stamp_fill() reads; 0 = unknown.
/// COST: one read.
uint64_t door_begin_ns(void);

/// Fill it for a process that began then: in a copy, what the copied one had found out. Answers how
/// many records there are: 1, or 0 where the age is unknown.
uint32_t door_stamp_fill(uint64_t begin_ns, door_stamp *ret);

/// What a process cannot have many of.
typedef struct door_scarce {
    uint64_t files;  ///< open descriptors
    uint64_t files_most;
    uint64_t threads;
} door_scarce;

/// Count them. COST: one look at each.
door_scarce door_measure_scarce(void);

#endif
