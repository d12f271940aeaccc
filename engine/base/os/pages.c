// Blocks come from mmap, each with a page of its own in front that links it to the one before.
// Large blocks ask for huge pages: first-touch faults, not algorithms, dominate analyses of large
// heaps.
#include "base/os/pages.h"

#include <sys/mman.h>

enum { HEADER_BYTES = 4096, HUGE_FROM_BYTES = 1 << 22 };

struct mm_os_block {
    struct mm_os_block *older;
    size_t size_bytes;
};

void mm_os_pages_init(mm_os_pages *pages) {
    pages->blocks = NULL;
    pages->mapped_bytes = 0;
    pages->limit_bytes = 0;
}

void mm_os_pages_deinit(mm_os_pages *pages) {
    struct mm_os_block *block = pages->blocks;
    while (block != NULL) {
        struct mm_os_block *older = block->older;
        (void)munmap(block, block->size_bytes);
        block = older;
    }
    pages->blocks = NULL;
    pages->mapped_bytes = 0;
}

static void *pages_map(void *context, size_t size_bytes) {
    mm_os_pages *pages = context;
    MM_ASSERT(size_bytes % HEADER_BYTES == 0);
    if (size_bytes > SIZE_MAX - HEADER_BYTES) {
        return NULL;
    }
    size_t total = size_bytes + HEADER_BYTES;
    if (pages->limit_bytes != 0 && total > pages->limit_bytes - pages->mapped_bytes) {
        return NULL;
    }
    void *at = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) {
        return NULL;
    }
    if (total >= HUGE_FROM_BYTES) {
        (void)madvise(at, total, MADV_HUGEPAGE);
    }
    struct mm_os_block *block = at;
    block->older = pages->blocks;
    block->size_bytes = total;
    pages->blocks = block;
    pages->mapped_bytes += total;
    return (uint8_t *)at + HEADER_BYTES;
}

mm_pages mm_os_pages_view(mm_os_pages *pages) {
    mm_pages view = {pages_map, pages};
    return view;
}
