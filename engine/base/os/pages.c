// Blocks come from mmap, each with a page of its own in front that links it to the one before.
// Large blocks ask for huge pages: first-touch faults, not algorithms, dominate analyses of large
// heaps.
#include "base/os/pages.h"

#include <string.h>
#include <sys/mman.h>

enum { HEADER_BYTES = 4096, HUGE_FROM_BYTES = 1 << 22 };

struct mm_os_block {
    struct mm_os_block *older;
    size_t size_bytes;
    size_t used_bytes;  // as much was handed out, and may have been written to
};

void mm_os_pages_init(mm_os_pages *pages) {
    mm_os_pages empty = {.blocks = NULL};
    *pages = empty;
}

static void blocks_unmap(struct mm_os_block *block) {
    while (block != NULL) {
        struct mm_os_block *older = block->older;
        (void)munmap(block, block->size_bytes);
        block = older;
    }
}

void mm_os_pages_trim(mm_os_pages *pages) {
    blocks_unmap(pages->spares);
    pages->spares = NULL;
}

void mm_os_pages_deinit(mm_os_pages *pages) {
    mm_os_pages_trim(pages);
    blocks_unmap(pages->blocks);
    pages->blocks = NULL;
    pages->mapped_bytes = 0;
}

void mm_os_pages_hand_over(mm_os_pages *from, mm_os_pages *to) {
    MM_ASSERT(from != to);
    MM_ASSERT(to->blocks == NULL);
    mm_os_pages_trim(to);
    to->spares = from->blocks;
    from->blocks = NULL;
    mm_os_pages_deinit(from);
}

// The smallest spare block that is large enough and not twice as large, zeroed; or NULL.
static struct mm_os_block *spare_block(mm_os_pages *pages, size_t total) {
    struct mm_os_block **best = NULL;
    for (struct mm_os_block **at = &pages->spares; *at != NULL; at = &(*at)->older) {
        size_t size = (*at)->size_bytes;
        if (size >= total && size / 2 < total && (best == NULL || size < (*best)->size_bytes)) {
            best = at;
        }
    }
    if (best == NULL) {
        return NULL;
    }
    struct mm_os_block *block = *best;
    *best = block->older;
    memset((uint8_t *)block + HEADER_BYTES, 0, block->used_bytes - HEADER_BYTES);
    return block;
}

static struct mm_os_block *block_map_new(const mm_os_pages *pages, size_t total) {
    size_t room = total;
    if (pages->roomy && total >= HUGE_FROM_BYTES && total < SIZE_MAX / 2) {
        room += total / 8 / HEADER_BYTES * HEADER_BYTES;
    }
    void *at = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) {
        return NULL;
    }
    if (room >= HUGE_FROM_BYTES) {
        (void)madvise(at, room, MADV_HUGEPAGE);
    }
    struct mm_os_block *block = at;
    block->size_bytes = room;
    return block;
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
    struct mm_os_block *block = spare_block(pages, total);
    block = block != NULL ? block : block_map_new(pages, total);
    if (block == NULL) {
        return NULL;
    }
    // What a spare had beyond what is asked now was zeroed, and stays so.
    block->used_bytes = total;
    block->older = pages->blocks;
    pages->blocks = block;
    pages->mapped_bytes += block->size_bytes;
    return (uint8_t *)block + HEADER_BYTES;
}

mm_pages mm_os_pages_view(mm_os_pages *pages) {
    mm_pages view = {pages_map, pages};
    return view;
}
