// The address table. An address is looked up in two steps: the top table by its highest bits, a
// second-level table by the next fourteen, which leads to the block of one MiB. The bitmap of a
// block is both the visited set and the address column: no hash table over objects. Two levels,
// because one flat table would be a huge reservation, which strict overcommit refuses.
//
//   address   | 46 ......... 34 | 33 ........ 20 | 19 .......... 3 | 2..0 |
//             |  top[8192]      |  table[16384]  |  bit of 131072  |  0   |
//
// A bit stands for 8 bytes, although nearly all objects are aligned to 16: a few hundred static
// objects are not, and the denser bitmap is cheaper than a side table for them.
#include "base/free/search.h"
#include "capture/walker.h"

bool is_readable_slow(mm_walker *walker, uint64_t address, uint64_t size_bytes) {
    const mm_region *regions = walker->regions;
    uint32_t count = walker->region_count;
    if (MM_UNLIKELY(address == UINT64_MAX)) {
        return false;
    }
    // The first that ends behind the address.
    size_t low = mm_lower_bound_u64(&regions->end, sizeof *regions, count, address + 1);
    if (low == count || address < regions[low].start) {
        return false;
    }
    MM_ASSERT(address < regions[low].end);
    MM_ASSERT(low == 0 || regions[low - 1].end <= regions[low].start);
    walker->region = &regions[low];
    // A stretch may run over a seam between regions that differ only in their flags.
    uint64_t covered = regions[low].end - address;
    while (covered < size_bytes && low + 1 < count && regions[low + 1].start == regions[low].end) {
        low++;
        covered += regions[low].end - regions[low].start;
    }
    return covered >= size_bytes;
}

uint32_t region_flags(mm_walker *walker, uint64_t address) {
    return is_readable(walker, address, 1) ? walker->region->flags : 0;
}

mm_block *block_open(mm_walker *walker, uint64_t address) {
    if (address >> 47 != 0 || !is_aligned(address) ||
        !is_readable(walker, address, OBJECT_HEAD_BYTES)) {
        return NULL;
    }
    mm_block_table **table = &walker->top[address >> (MM_BLOCK_SHIFT + TABLE_BITS)];
    if (*table == NULL) {
        *table = MM_ARENA_NEW(&walker->arena, mm_block_table, 1);
        if (*table == NULL) {
            walker_fail(walker, MM_E_NOMEM);
            return NULL;
        }
    }
    MM_ASSERT(block_of(walker, address) == NULL);
    mm_block *block = MM_ARENA_NEW(&walker->arena, mm_block, 1);
    if (block == NULL) {
        walker_fail(walker, MM_E_NOMEM);
        return NULL;
    }
    block->base = address & ~(uint64_t)(BLOCK_BYTES - 1);
    block->number = walker->block_count++;
    block->whole = is_readable(walker, block->base, BLOCK_BYTES);
    (*table)->blocks[(address >> MM_BLOCK_SHIFT) & ((1u << TABLE_BITS) - 1)] = block;
    mm_writer_block(walker->writer, block->base);
    MM_ASSERT(block_of(walker, address) == block);
    return block;
}

mm_block *block_next(const mm_walker *walker, uint64_t *address) {
    const uint64_t table_bytes = (uint64_t)1 << (MM_BLOCK_SHIFT + TABLE_BITS);
    while (*address >> 47 == 0) {
        const mm_block_table *table = walker->top[*address >> (MM_BLOCK_SHIFT + TABLE_BITS)];
        if (table == NULL) {
            *address = (*address & ~(table_bytes - 1)) + table_bytes;
            continue;
        }
        mm_block *block = table->blocks[(*address >> MM_BLOCK_SHIFT) & ((1u << TABLE_BITS) - 1)];
        *address += BLOCK_BYTES;
        if (block != NULL) {
            return block;
        }
    }
    return NULL;
}

void refer_flagged(mm_walker *walker, mm_naming naming, uint8_t flags, uint64_t argument,
                   uint64_t target) {
    if (target == 0) {
        return;
    }
    uint64_t id = mark_found(walker, target);
    if (id == NO_ID) {
        walker->unreadable_count++;
        return;
    }
    mm_writer_reference_extended(walker->writer, naming, flags, argument, id);
}
