// From sparse ids to dense ones.
//
// A bit for every slot of the address space would be the plainest map: rank = bits before. Slots
// are kept in leaves of 4096 (32 KiB of addresses), and only leaves that hold an object exist, so
// that a hostile file of many blocks with one object each costs a kilobyte for each object and no
// more. A word of a leaf carries its rank beside its bits: one cache line answers a look-up.
//
//      sparse id    ┌─ block ─┬ leaf ┬ word ┬ bit ┐
//                   └────┬────┴──┬───┴──┬───┴──┬──┘
//      leaf_of[ block, leaf ] ───┘      │      │
//         └──▶ words[ 64 * leaf + word ]┘      │
//                 └──▶ rank + popcount(bits below it)
//
// Leaves are numbered by address, so dense ids ascend with the words, and leaf 0 stays empty: what
// has no leaf finds no bit there.
#include "format/decode.h"

enum { LEAVES_IN_BLOCK = 1 << (MM_SLOT_BITS - MM_LEAF_BITS) };

mm_status mm_decode_blocks(mm_decoder *decoder) {
    const mm_joined *stream = &decoder->streams[MM_STREAM_BLKS];
    // A block takes a byte at least.
    decoder->block_base = MM_ARENA_NEW(decoder->arena, uint64_t, (size_t)stream->bytes);
    if (decoder->block_base == NULL) {
        return mm_decode_nomem(decoder);
    }
    for (const uint8_t *at = stream->start; at < stream->end;) {
        uint64_t base = 0;
        const uint8_t *next = mm_decode_varint(at, &base);
        if (next == NULL || next > stream->end) {
            return mm_decode_fail(decoder, MM_STREAM_BLKS, at, "a block is cut off");
        }
        if (base >> (64 - MM_BLOCK_SHIFT) != 0) {
            return mm_decode_fail(decoder, MM_STREAM_BLKS, at, "a block outside the address space");
        }
        decoder->block_base[decoder->block_count++] = base;
        at = next;
    }
    decoder->sparse_end = decoder->block_count << MM_SLOT_BITS;
    return MM_OK;
}

// The numbers of the blocks in the order of their addresses.
static mm_status blocks_order(const mm_decoder *decoder, mm_pair **ret) {
    size_t count = (size_t)decoder->block_count;
    mm_pair *order = MM_ARENA_NEW(decoder->arena, mm_pair, count);
    if (order == NULL) {
        return mm_decode_nomem(decoder);
    }
    for (size_t i = 0; i < count; i++) {
        order[i].key = decoder->block_base[i];
        order[i].value = i;
    }
    MM_TRY(mm_decode_sort(decoder, order, count));
    for (size_t i = 1; i < count; i++) {
        if (order[i - 1].key == order[i].key) {
            const uint8_t *at = decoder->streams[MM_STREAM_BLKS].start;
            return mm_decode_fail(decoder, MM_STREAM_BLKS, at, "a block has two numbers");
        }
    }
    *ret = order;
    return MM_OK;
}

// Number the leaves that hold objects, from 1 on, by address.
static size_t leaves_number(mm_decoder *decoder, const mm_pair *order) {
    const mm_file *file = decoder->file;
    for (uint32_t i = 0; i < file->object_count; i++) {
        MM_ASSERT(file->address[i] < decoder->sparse_end);
        decoder->leaf_of[file->address[i] >> MM_LEAF_BITS] = 1;
    }
    uint32_t leaf_count = 0;
    for (size_t i = 0; i < decoder->block_count; i++) {
        uint32_t *leaves = &decoder->leaf_of[order[i].value * LEAVES_IN_BLOCK];
        for (unsigned j = 0; j < LEAVES_IN_BLOCK; j++) {
            if (leaves[j] != 0) {
                leaves[j] = ++leaf_count;
            }
        }
    }
    return leaf_count;
}

// Mark every record's slot. Answers false when two records share one.
static bool slots_mark(mm_decoder *decoder) {
    const mm_file *file = decoder->file;
    for (uint32_t i = 0; i < file->object_count; i++) {
        uint64_t sparse_id = file->address[i];
        size_t leaf = decoder->leaf_of[sparse_id >> MM_LEAF_BITS];
        size_t word = (size_t)(sparse_id >> 6) & (MM_LEAF_WORDS - 1);
        uint64_t *bits = &decoder->words[leaf * MM_LEAF_WORDS + word].bits;
        uint64_t bit = (uint64_t)1 << (sparse_id & 63);
        if (*bits & bit) {
            return false;
        }
        *bits |= bit;
    }
    return true;
}

// Where each object's references begin, from the counts in the records' order.
static void references_start(const mm_decoder *decoder) {
    const mm_file *file = decoder->file;
    for (uint32_t i = 0; i < file->object_count; i++) {
        uint32_t dense = mm_decode_dense(decoder, file->address[i]);
        MM_ASSERT(dense < file->object_count);
        file->reference_start[dense + 1] = file->refcount[i];
    }
    for (uint32_t i = 0; i < file->object_count; i++) {
        file->reference_start[i + 1] += file->reference_start[i];
    }
    MM_ASSERT(file->reference_start[file->object_count] == file->reference_count);
}

mm_status mm_decode_ids(mm_decoder *decoder) {
    mm_pair *order = NULL;
    MM_TRY(blocks_order(decoder, &order));
    size_t entries = (size_t)decoder->block_count * LEAVES_IN_BLOCK;
    decoder->leaf_of = MM_ARENA_NEW(decoder->arena, uint32_t, entries);
    if (decoder->leaf_of == NULL) {
        return mm_decode_nomem(decoder);
    }
    size_t leaf_count = leaves_number(decoder, order);
    size_t word_count = (leaf_count + 1) * MM_LEAF_WORDS;
    decoder->words = MM_ARENA_NEW(decoder->arena, mm_rank_word, word_count);
    if (decoder->words == NULL) {
        return mm_decode_nomem(decoder);
    }
    if (!slots_mark(decoder)) {
        const uint8_t *at = decoder->streams[MM_STREAM_OBJS].start;
        return mm_decode_fail(decoder, MM_STREAM_OBJS, at, "two records for one object");
    }
    uint32_t rank = 0;
    for (size_t i = 0; i < word_count; i++) {
        decoder->words[i].rank = rank;
        rank += mm_popcount(decoder->words[i].bits);
    }
    MM_ASSERT(rank == decoder->file->object_count);
    references_start(decoder);
    return MM_OK;
}

// Dense ids ascend with leaves, and each leaf knows its place: 4096 slots of 8 bytes.
static void leaf_addresses(const mm_decoder *decoder, uint32_t leaf, uint64_t address) {
    const mm_rank_word *words = &decoder->words[(size_t)leaf * MM_LEAF_WORDS];
    for (unsigned i = 0; i < MM_LEAF_WORDS; i++) {
        uint32_t dense = words[i].rank;
        for (uint64_t bits = words[i].bits; bits != 0; bits &= bits - 1) {
            uint64_t slot = (uint64_t)i << 6 | mm_lowest_bit(bits);
            decoder->file->address[dense++] = address + (slot << MM_SLOT_SHIFT);
        }
    }
}

void mm_decode_addresses(mm_decoder *decoder) {
    for (size_t i = 0; i < decoder->block_count; i++) {
        uint64_t base = decoder->block_base[i] << MM_BLOCK_SHIFT;
        for (unsigned j = 0; j < LEAVES_IN_BLOCK; j++) {
            uint32_t leaf = decoder->leaf_of[i * LEAVES_IN_BLOCK + j];
            if (leaf != 0) {
                leaf_addresses(decoder, leaf,
                               base + ((uint64_t)j << (MM_LEAF_BITS + MM_SLOT_SHIFT)));
            }
        }
    }
}
