// The reader's inner vocabulary. Private to engine/format.
//
// A file is decoded in four steps: read_chunks.c checks the frame and joins the streams, read_ids.c
// turns sparse ids into dense ones, read_tables.c and read_objects.c decode records. Everything
// works on the decoder's own copy of the bytes.
//
// Every joined stream is followed by MM_DECODE_SLACK zeros. A number is therefore decoded without
// looking at the end, and the position is held against the end afterwards, once for each record.
#ifndef MM_FORMAT_DECODE_H
#define MM_FORMAT_DECODE_H

#include "base/free/bytes.h"
#include "format/read.h"

enum {
    MM_DECODE_SLACK = 64,  ///< zeros behind each stream: more than a record's fixed part reads past
    MM_DECODE_END_BYTES = 56,  ///< of the last chunk
    MM_LEAF_BITS = 12,         ///< slots of a leaf, as a power of two: 32 KiB of address space
    MM_LEAF_WORDS = 1 << (MM_LEAF_BITS - 6)
};

/// Where a piece of a stream came from.
typedef struct mm_seam {
    uint64_t stream_at;
    uint64_t file_at;
} mm_seam;

/// One joined stream: bytes [start, end), then slack.
typedef struct mm_joined {
    uint8_t *start;
    uint8_t *end;
    mm_seam *seams;
    uint32_t seam_count;
    uint64_t bytes;  ///< what the chunks add up to
} mm_joined;

/// 64 slots: which of them are objects, and the dense id of the first.
typedef struct mm_rank_word {
    uint64_t bits;
    uint32_t rank;
    uint32_t reserved;
} mm_rank_word;

/// One decoding.
typedef struct mm_decoder {
    mm_file *file;
    mm_arena *arena;
    mm_error *err;
    mm_joined streams[MM_STREAM_COUNT];
    uint64_t *block_base;  ///< by block number: address >> MM_BLOCK_SHIFT
    uint64_t block_count;
    uint64_t sparse_end;   ///< first sparse id behind the blocks
    uint32_t *leaf_of;     ///< by sparse id >> MM_LEAF_BITS; 0 = the leaf without objects
    mm_rank_word *words;   ///< MM_LEAF_WORDS for each leaf
    uint64_t large_count;  ///< records with a size that a u32 cannot say
} mm_decoder;

/// A number with something to find again, for sorting.
typedef struct mm_pair {
    uint64_t key;
    uint64_t value;
} mm_pair;

/// Fill the error with MM_E_FORMAT and the place in the file that `at` in `stream` came from.
MM_STATUS mm_decode_fail(const mm_decoder *decoder, mm_stream stream, const uint8_t *at,
                         const char *message);
/// Fill the error with MM_E_NOMEM.
MM_STATUS mm_decode_nomem(const mm_decoder *decoder);

/// What the first MM_FORMAT_HEADER_BYTES and the last MM_DECODE_END_BYTES alone can say: is it a
/// file of ours, and whole? REQUIRES: `end` is readable where size_bytes is enough for both.
MM_STATUS mm_decode_ends_check(const uint8_t *head, const uint8_t *end, size_t size_bytes,
                               mm_error *err);
/// Check the frame of the file and join its streams inside `bytes`, which has MM_DECODE_SLACK zeros
/// behind it and is private. Fills file_bytes, incomplete and the counts that END! gives.
MM_STATUS mm_decode_chunks(mm_decoder *decoder, uint8_t *bytes, size_t size_bytes);

/// Sort by key; equal keys keep their order. COST: O(n) when sorted already, else O(n log n).
MM_STATUS mm_decode_sort(const mm_decoder *decoder, mm_pair *pairs, size_t count);

/// The number that an element of a table is sorted by.
typedef uint64_t mm_decode_key(const void *element);
/// Sort a table in place by the key of its elements; equal keys keep their order.
/// COST: as mm_decode_sort(), and room for the table once more.
MM_STATUS mm_decode_table_sort(const mm_decoder *decoder, void *elements, size_t size_bytes,
                               size_t count, mm_decode_key *key_of);

/// BLKS: fills block_base, block_count and sparse_end.
MM_STATUS mm_decode_blocks(mm_decoder *decoder);
/// Make dense ids out of the sparse ids of all records, which stand in file->address in the order
/// of the file, with the number of their references in file->refcount. Fills leaf_of, words and
/// reference_start.
MM_STATUS mm_decode_ids(mm_decoder *decoder);
/// Fill the address column, in which mm_decode_ids() needed the records' own order.
void mm_decode_addresses(mm_decoder *decoder);

/// First pass over OBJS: checks the shape of every record and fills what mm_decode_ids() needs.
MM_STATUS mm_decode_scan(mm_decoder *decoder);
/// Second pass over OBJS: fills the columns. REQUIRES: types, names and dense ids.
MM_STATUS mm_decode_objects(mm_decoder *decoder);

/// NAME, and TYPE with its fields and keys.
MM_STATUS mm_decode_types(mm_decoder *decoder);
/// Every other stream.
MM_STATUS mm_decode_tables(mm_decoder *decoder);

/// Dense id of a sparse one, or MM_NONE when no record has it.
static inline uint32_t mm_decode_dense(const mm_decoder *decoder, uint64_t sparse_id) {
    if (MM_UNLIKELY(sparse_id >= decoder->sparse_end)) {
        return MM_NONE;
    }
    size_t leaf = decoder->leaf_of[sparse_id >> MM_LEAF_BITS];
    size_t slot = (size_t)(sparse_id & (((size_t)1 << MM_LEAF_BITS) - 1));
    const mm_rank_word *word = &decoder->words[leaf * MM_LEAF_WORDS + (slot >> 6)];
    uint64_t bit = (uint64_t)1 << (slot & 63);
    if (MM_UNLIKELY((word->bits & bit) == 0)) {
        return MM_NONE;
    }
    return word->rank + mm_popcount(word->bits & (bit - 1));
}

/// Read a varint of up to eight bytes at once: the first byte without its top bit ends it, and the
/// groups of seven are then pushed together in three steps. Longer ones take the slow way. Returns
/// the first byte after it, or NULL when it says more than 64 bits. REQUIRES: ten readable bytes.
static inline const uint8_t *mm_decode_varint(const uint8_t *at, uint64_t *ret) {
    uint64_t word = mm_u64_get(at);
    if (MM_LIKELY((word & 0x80) == 0)) {
        *ret = word & 0x7f;
        return at + 1;
    }
    uint64_t stops = ~word & 0x8080808080808080u;
    if (MM_UNLIKELY(stops == 0)) {
        return mm_varint_get(at, at + MM_VARINT_MAX, ret);
    }
    word &= stops ^ (stops - 1);
    word &= 0x7f7f7f7f7f7f7f7fu;
    word = (word & 0x007f007f007f007fu) | (word & 0x7f007f007f007f00u) >> 1;
    word = (word & 0x00003fff00003fffu) | (word & 0x3fff00003fff0000u) >> 2;
    word = (word & 0x000000000fffffffu) | (word & 0x0fffffff00000000u) >> 4;
    *ret = word;
    return at + mm_lowest_bit(stops) / 8 + 1;
}

#endif
