// base/os: the only door to the system.
//
// Knows: Linux: files, maps, ELF images, processes, pages.
// Must not know: Python, the file format, what the bytes mean.
#ifndef MM_BASE_OS_PAGES_H
#define MM_BASE_OS_PAGES_H

#include "base/free/arena.h"

/// Remembers what it mapped, so that all of it can be given back at once.
typedef struct mm_os_pages {
    struct mm_os_block *blocks;  ///< newest first
    uint64_t mapped_bytes;
    uint64_t limit_bytes;  ///< 0 = none: for tests that run out of memory on purpose
} mm_os_pages;

/// Start with nothing mapped.
void mm_os_pages_init(mm_os_pages *pages);
/// Unmap everything.
void mm_os_pages_deinit(mm_os_pages *pages);
/// The supplier interface. The context is `pages` itself: it must stay where it is.
mm_pages mm_os_pages_view(mm_os_pages *pages);

#endif
