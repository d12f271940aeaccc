// A large request gets a block of its own, so that a small one after it goes on filling the old
// block. Blocks come zeroed from the system; only what was given back is cleared again.
//
// Pieces that were given back stand in a short list without order. The smallest that is large
// enough serves a request, from its front, but a small request does not nibble at a large piece;
// neighbours are joined, so that what was split by one analysis is whole for the next.
#include "base/free/arena.h"

#include "base/free/bytes.h"

enum { PAGE_BYTES = 4096, ALIGN_BYTES = 64 };

void mm_arena_init(mm_arena *arena, mm_pages pages, size_t block_bytes) {
    MM_ASSERT(block_bytes % PAGE_BYTES == 0);
    MM_ASSERT(pages.map != NULL);
    arena->pages = pages;
    arena->at = NULL;
    arena->end = NULL;
    arena->block_bytes = block_bytes;
    arena->taken_bytes = 0;
    arena->spare_count = 0;
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

static size_t lines_up(size_t size_bytes) {
    return (size_bytes + ALIGN_BYTES - 1) & ~(size_t)(ALIGN_BYTES - 1);
}

static void spare_remove(mm_arena *arena, unsigned index) {
    MM_ASSERT(index < arena->spare_count);
    arena->spares[index] = arena->spares[--arena->spare_count];
}

// The best piece that was given back, or NULL.
static uint8_t *spare_take(mm_arena *arena, size_t need_bytes) {
    MM_ASSERT(need_bytes % ALIGN_BYTES == 0);
    bool large = need_bytes >= arena->block_bytes;
    unsigned best = MM_ARENA_SPARES_MAX;
    for (unsigned i = 0; i < arena->spare_count; i++) {
        size_t size = arena->spares[i].size_bytes;
        bool fits = size >= need_bytes && (large || size / 2 <= need_bytes);
        if (fits && (best == MM_ARENA_SPARES_MAX || size < arena->spares[best].size_bytes)) {
            best = i;
        }
    }
    if (best == MM_ARENA_SPARES_MAX) {
        return NULL;
    }
    mm_arena_spare *spare = &arena->spares[best];
    uint8_t *block = spare->at;
    MM_ASSERT((uintptr_t)block % ALIGN_BYTES == 0);
    spare->at += need_bytes;
    spare->size_bytes -= need_bytes;
    if (spare->size_bytes < PAGE_BYTES) {
        spare_remove(arena, best);
    }
    mm_zero(block, need_bytes);
    return block;
}

void mm_arena_give_back(mm_arena *arena, void *block, size_t size_bytes) {
    // Whoever took a page or more has whole lines, up to the next multiple.
    uintptr_t pad = (ALIGN_BYTES - (uintptr_t)block % ALIGN_BYTES) % ALIGN_BYTES;
    if (block == NULL || size_bytes < PAGE_BYTES + pad) {
        return;
    }
    mm_arena_spare piece = {(uint8_t *)block + pad, lines_up(size_bytes - pad)};
    for (unsigned i = 0; i < arena->spare_count;) {
        const mm_arena_spare *other = &arena->spares[i];
        bool before = other->at + other->size_bytes == piece.at;
        if (before || piece.at + piece.size_bytes == other->at) {
            piece.at = before ? other->at : piece.at;
            piece.size_bytes += other->size_bytes;
            spare_remove(arena, i);
            i = 0;
        } else {
            i++;
        }
    }
    if (arena->spare_count < MM_ARENA_SPARES_MAX) {
        arena->spares[arena->spare_count++] = piece;
        return;
    }
    unsigned least = 0;
    for (unsigned i = 1; i < arena->spare_count; i++) {
        least = arena->spares[i].size_bytes < arena->spares[least].size_bytes ? i : least;
    }
    if (arena->spares[least].size_bytes < piece.size_bytes) {
        arena->spares[least] = piece;
    }
}

void *mm_arena_take(mm_arena *arena, size_t count, size_t size_bytes) {
    if (size_bytes != 0 && count > (SIZE_MAX / 2) / size_bytes) {
        return NULL;
    }
    MM_ASSERT(arena->at <= arena->end);
    bool large = count * size_bytes >= PAGE_BYTES;
    size_t need = large ? lines_up(count * size_bytes) : count * size_bytes;
    size_t align = large ? ALIGN_BYTES : 16;
    if (arena->at != NULL) {
        uintptr_t start = ((uintptr_t)arena->at + align - 1) & ~(uintptr_t)(align - 1);
        if (start <= (uintptr_t)arena->end && need <= (uintptr_t)arena->end - start) {
            arena->at = (uint8_t *)start + need;
            return (uint8_t *)start;
        }
    }
    uint8_t *spare = large ? spare_take(arena, need) : NULL;
    if (spare != NULL) {
        return spare;
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
