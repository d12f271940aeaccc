// Bump allocation out of blocks that somebody else supplies.
//
// Engine functions never call malloc: they take an arena. Memory is zeroed. The owner of the blocks
// drops them all at once; what a function needed only while it worked it may give back before, and
// the next one gets it.
#ifndef MM_BASE_FREE_ARENA_H
#define MM_BASE_FREE_ARENA_H

#include "base/free/env.h"

enum { MM_ARENA_SPARES_MAX = 12 };

/// Memory that was given back.
typedef struct mm_arena_spare {
    uint8_t *at;
    size_t size_bytes;
} mm_arena_spare;

/// One arena. Not to be copied: what a copy took would be handed out again, and not zeroed.
typedef struct mm_arena {
    mm_pages pages;
    uint8_t *at;           ///< next free byte
    uint8_t *end;          ///< end of the current block
    size_t block_bytes;    ///< least size of the next block
    uint64_t taken_bytes;  ///< all pages ever mapped, for reports
    mm_arena_spare spares[MM_ARENA_SPARES_MAX];
    unsigned spare_count;
} mm_arena;

/// Set up an arena that asks `pages` for blocks of at least `block_bytes` (a multiple of 4096).
void mm_arena_init(mm_arena *arena, mm_pages pages, size_t block_bytes);

/// `count` zeroed elements of `size_bytes`, aligned to 16 (to 64 from 4096 bytes on). NULL when the
/// product overflows or the pages are out. COST: O(1) plus first-touch faults.
void *mm_arena_take(mm_arena *arena, size_t count, size_t size_bytes);

/// Give back all of what was taken, of a page or more, or its last `size_bytes`: whoever takes as
/// much next may get it, zeroed again. Nobody may look at it any more. Less than a page stays
/// taken, and so does the smallest piece when there are too many. NULL is nothing. COST: O(1).
void mm_arena_give_back(mm_arena *arena, void *block, size_t size_bytes);

/// Typed form of mm_arena_take().
#define MM_ARENA_NEW(arena, type, count) ((type *)mm_arena_take((arena), (count), sizeof(type)))
/// Typed form of mm_arena_give_back().
#define MM_ARENA_GIVE_BACK(arena, block, count) \
    mm_arena_give_back((arena), (block), (count) * sizeof(*(block)))

#endif
