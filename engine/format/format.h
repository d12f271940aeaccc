// engine/format: the .mort file, and nothing else.
//
// Knows: docs/format.md, byte by byte. write.h is freestanding and streams; read.h validates and
// hands out private copies. Must not know: where objects come from, what a heap means, CPython's
// layouts.
#ifndef MM_FORMAT_FORMAT_H
#define MM_FORMAT_FORMAT_H

#include "base/free/attr.h"

/// First eight bytes of a file.
#define MM_FORMAT_MAGIC "\x89MORT\r\n\x1a"
#define MM_FORMAT_VERSION 1u
#define MM_FORMAT_HEADER_BYTES 32u
#define MM_FORMAT_END_BYTES 48u
/// Tag of the last chunk.
#define MM_FORMAT_END_TAG "END!"
/// Longest key or value of a META record that a writer takes.
#define MM_FORMAT_META_BYTES_MAX 65536u

/// A sparse id is a block number above this many bits of slot.
#define MM_SLOT_BITS 17u
/// Addresses are counted in units of 1 << MM_SLOT_SHIFT bytes.
#define MM_SLOT_SHIFT 3u
/// A block is 1 << MM_BLOCK_SHIFT bytes of address space.
#define MM_BLOCK_SHIFT 20u

/// Kinds of types that this version knows, 0 to one below: as mm_kind.
#define MM_FORMAT_KIND_COUNT 29u

/// Streams, in the order of the writer's buffers.
typedef enum mm_stream {
    MM_STREAM_OBJS,
    MM_STREAM_TYPE,
    MM_STREAM_BLKS,
    MM_STREAM_TEXT,
    MM_STREAM_NAME,
    MM_STREAM_ROOT,
    MM_STREAM_FRAM,
    MM_STREAM_THRD,
    MM_STREAM_FACT,
    MM_STREAM_META,
    MM_STREAM_EPHE,
    MM_STREAM_COUNT
} mm_stream;

/// The four letters of each stream, one after the other (an array of pointers would need
/// relocation).
#define MM_STREAM_TAGS "OBJSTYPEBLKSTEXTNAMEROOTFRAMTHRDFACTMETAEPHE"

/// How a reference is named.
typedef enum mm_naming {
    MM_NAME_INDEX = 0,
    MM_NAME_KEY = 1,
    MM_NAME_VALUE = 2,
    MM_NAME_WORD = 3,
    MM_NAME_INLINE = 4,
    MM_NAME_MEMBER = 5,
    MM_NAME_LOCAL = 6,
    MM_NAME_EXTENDED = 7,
    MM_NAME_NAMED = 8,
    MM_NAME_SKIP = 9
} mm_naming;

/// What a reference is worth: the high half of the naming byte.
enum {
    MM_REF_STRONG = 0,
    MM_REF_WEAK = 16,
    MM_REF_BORROWED = 32,
    MM_REF_HIDDEN = 64,
    MM_REF_GUESSED = 128
};

/// Flags of an object record.
enum {
    MM_OBJECT_SIZE = 1,
    MM_OBJECT_STORAGE = 2,
    MM_OBJECT_LEAF = 4,
    MM_OBJECT_ESTIMATED = 8,
    MM_OBJECT_TRACKED = 16,
    MM_OBJECT_OPAQUE = 32,
    MM_OBJECT_HIDDEN_KEYS = 64  ///< short KEY references of the record carry MM_REF_HIDDEN
};

/// Flags of a type record.
enum {
    MM_TYPE_HEAP = 1,
    MM_TYPE_COLLECTED = 2,
    MM_TYPE_CLASS = 4,
    MM_TYPE_WEAKREFABLE = 8,
    MM_TYPE_HAS_DICT = 16,
    MM_TYPE_EXCEPTION = 32,
    MM_TYPE_METATYPE = 64,
    MM_TYPE_OWN = 128,
    MM_TYPE_INTERPRETER = 256
};

/// Facts about objects.
typedef enum mm_fact {
    MM_FACT_FIRST_LINE = 1,
    MM_FACT_ARGUMENTS = 2,
    MM_FACT_KEYWORD_ARGUMENTS = 3,
    MM_FACT_VARIABLES = 4,
    MM_FACT_FREE_VARIABLES = 5,
    MM_FACT_CURRENT_LINE = 6,
    MM_FACT_STATUS = 7,
    MM_FACT_BOUND = 8,
    MM_FACT_ENTRIES = 9,
    MM_FACT_NAMESPACE = 10,
    MM_FACT_TRACEBACK_LINE = 11,
    MM_FACT_CODE_FLAGS = 12
} mm_fact;

/// Flags of a FRAM record.
enum { MM_FRAME_CALLER = 1, MM_FRAME_OWN = 2 };

/// Characters of a name that are kept: a path must not lose its end.
#define MM_TEXT_CHARACTERS_MAX 1000u
/// Characters of a data key that are kept, where keys were asked for.
#define MM_KEY_CHARACTERS_MAX 120u

#define MM_FORMAT_CHECKSUM_START 0xcbf29ce484222325u
#define MM_FORMAT_CHECKSUM_PRIME 0x100000001b3u

/// Carry the file's checksum on over `count` bytes, a multiple of 8: FNV-1a over little-endian
/// words. Each step is a bijection of the sum, so one damaged word always shows. COST: 0.2 ns a
/// byte.
static inline uint64_t mm_format_checksum(uint64_t sum, const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i + 8 <= count; i += 8) {
        const uint8_t *at = bytes + i;
        uint64_t word = (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 |
                        (uint64_t)at[3] << 24 | (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 |
                        (uint64_t)at[6] << 48 | (uint64_t)at[7] << 56;
        sum = (sum ^ word) * MM_FORMAT_CHECKSUM_PRIME;
    }
    return sum;
}

#endif
