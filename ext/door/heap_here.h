// The heap of this process, described for the walker. Internal to the room.
#ifndef MM_DOOR_HEAP_HERE_H
#define MM_DOOR_HEAP_HERE_H

#include "base/os/pages.h"
#include "locate/locate.h"

enum { DOOR_OPAQUE_MAX = 8 };

/// Types that made a child crash or hang.
typedef struct door_opaque {
    uint64_t types[DOOR_OPAQUE_MAX];
    uint32_t count;
    uint32_t without_type_count;  ///< children that died with no type named
} door_opaque;

/// A located heap, and the memory that its description takes.
typedef struct door_heap {
    mm_os_pages pages;
    mm_arena arena;
    mm_target *target;
    mm_locate_report report;
} door_heap;

/// Locate it. `caller_thread`: kernel number of the thread that asks, 0 = none of them does.
/// What was located ends with door_heap_forget(), unless the process does. May be called in a
/// child: it takes no lock, and memory from the system alone.
MM_STATUS door_heap_locate(const door_opaque *opaque, uint64_t caller_thread, door_heap *ret,
                           mm_error *err);
/// Give its memory back.
void door_heap_forget(door_heap *heap);

#endif
