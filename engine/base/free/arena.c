// A large request gets a block of its own, so that a small one after it goes on filling the old
// block. Blocks come zeroed from the system; nothing is cleared twice.
#include "base/free/arena.h"

enum { PAGE_BYTES = 4096 };

void mm_arena_init(mm_arena *arena, mm_pages pages, size_t block_bytes) {
    MM_ASSERT(block_bytes % PAGE_BYTES == 0);
    MM_ASSERT(pages.map != NULL);
    arena->pages = pages;
    arena->at = NULL;
    arena->end = NULL;
    arena->block_bytes = block_bytes;
    arena->taken_bytes = 0;
}

static uint8_t *block_map(mm_arena *arena, size_t need_bytes) {
    if (need_bytes > SIZE_MAX - PAGE_BYTES) {
        return NULL;
    }
    size_t rounded = (need_bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    uint8_t *block = arena->pages.map(arena->pages.context, rounded);
    if (block != NULL) {
        MM_ASSERT((uintptr_t)block % 64 == 0);
        arena->taken_bytes += rounded;
    }
    return block;
}

void *mm_arena_take(mm_arena *arena, size_t count, size_t size_bytes) {
    if (size_bytes != 0 && count > (SIZE_MAX / 2) / size_bytes) {
        return NULL;
    }
    MM_ASSERT(arena->at <= arena->end);
    size_t need = count * size_bytes;
    size_t align = need >= PAGE_BYTES ? 64 : 16;
    if (arena->at != NULL) {
        uintptr_t start = ((uintptr_t)arena->at + align - 1) & ~(uintptr_t)(align - 1);
        if (start <= (uintptr_t)arena->end && need <= (uintptr_t)arena->end - start) {
            arena->at = (uint8_t *)start + need;
            return (uint8_t *)start;
        }
    }
    if (need >= arena->block_bytes) {
        return block_map(arena, need);
    }
    uint8_t *block = block_map(arena, arena->block_bytes);
    if (block == NULL) {
        return NULL;
    }
    arena->at = block + need;
    arena->end = block + arena->block_bytes;
    MM_ASSERT(arena->at <= arena->end);
    return block;
}
