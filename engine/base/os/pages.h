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
    struct mm_os_block *spares;  ///< that others had, for whoever asks next
    bool roomy;  ///< large blocks get some address space more, so that larger ones fit next time
    uint64_t mapped_bytes;
    uint64_t limit_bytes;  ///< 0 = none: for tests that run out of memory on purpose
} mm_os_pages;

/// Start with nothing mapped.
void mm_os_pages_init(mm_os_pages *pages);
/// Unmap everything.
void mm_os_pages_deinit(mm_os_pages *pages);
/// Hand what `from` has mapped to `to`: what is asked of that next is served out of it, as far as
/// it fits, because fresh pages cost more than ones that are cleared again. `from` has nothing
/// then.
void mm_os_pages_hand_over(mm_os_pages *from, mm_os_pages *to);
/// Unmap what was handed over and not asked for.
void mm_os_pages_trim(mm_os_pages *pages);
/// The supplier interface. The context is `pages` itself: it must stay where it is.
mm_pages mm_os_pages_view(mm_os_pages *pages);

#endif
