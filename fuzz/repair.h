// What a fuzzer never guesses: a checksum, and counts that agree with the records. Both are
// repaired here, so that it gets behind END!.
#ifndef MM_FUZZ_REPAIR_H
#define MM_FUZZ_REPAIR_H

#include <stdlib.h>
#include <string.h>

#include "base/free/bytes.h"
#include "format/read.h"

enum { END_BYTES = 56, FILE_BYTES_MIN = MM_FORMAT_HEADER_BYTES + END_BYTES };

static inline uint32_t u32_of(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline void u64_put(uint8_t *at, uint64_t value) {
    for (unsigned i = 0; i < 8; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

// Join OBJS as far as the chunks make sense. Answers its length.
static inline size_t objects_join(const uint8_t *bytes, size_t end, uint8_t *to) {
    size_t joined = 0;
    for (size_t at = MM_FORMAT_HEADER_BYTES; at + 8 <= end;) {
        size_t payload = u32_of(bytes + at + 4);
        if (payload > end - at - 8) {
            break;
        }
        if (memcmp(bytes + at, "OBJS", 4) == 0) {
            memcpy(to + joined, bytes + at + 8, payload);
            joined += payload;
        }
        at += 8 + (payload + 7) / 8 * 8;
    }
    return joined;
}

// Count objects and references, without a check.
static inline void objects_count(const uint8_t *at, const uint8_t *end, uint64_t *objects,
                                 uint64_t *references) {
    uint64_t number = 0;
    while (at != NULL && at < end) {
        for (int i = 0; i < 3 && at != NULL; i++) {
            at = mm_varint_get(at, end, &number);
        }
        if (at == NULL || at == end) {
            return;
        }
        unsigned flags = *at++;
        at = flags & MM_OBJECT_SIZE ? mm_varint_get(at, end, &number) : at;
        at = at != NULL && flags & MM_OBJECT_STORAGE ? mm_varint_get(at, end, &number) : at;
        ++*objects;
        while (at != NULL && at < end && (flags & MM_OBJECT_LEAF) == 0) {
            at = mm_varint_get(at, end, &number);
            unsigned naming = number & 7;
            bool extended = naming == MM_NAME_EXTENDED;
            if (at == NULL || at == end || number == MM_NAME_EXTENDED) {
                break;
            }
            naming = extended ? *at++ & 15u : naming;
            *references += naming != MM_NAME_SKIP;
            bool plain = naming == MM_NAME_KEY || naming == MM_NAME_VALUE ||
                         naming == MM_NAME_MEMBER || (!extended && naming == MM_NAME_INDEX);
            at = plain ? at : mm_varint_get(at, end, &number);
        }
    }
}

/// Write a header, and an end whose counts and checksum fit what stands between.
/// REQUIRES: size_bytes is a multiple of 8, at least FILE_BYTES_MIN.
static inline void file_repair(uint8_t *bytes, size_t size_bytes) {
    size_t end = size_bytes - END_BYTES;
    uint8_t *objs = malloc(size_bytes);
    if (objs == NULL) {
        abort();
    }
    uint64_t objects = 0;
    uint64_t references = 0;
    objects_count(objs, objs + objects_join(bytes, end, objs), &objects, &references);
    free(objs);
    memcpy(bytes, MM_FORMAT_MAGIC "\1\0\0\0\10\0\0", 16);
    memset(bytes + 16, 0, 16);
    memcpy(bytes + end, MM_FORMAT_END_TAG "\60\0\0", 8);
    u64_put(bytes + end + 8, objects);
    u64_put(bytes + end + 16, references);
    u64_put(bytes + end + 24, size_bytes);
    uint64_t sum = mm_format_checksum(MM_FORMAT_CHECKSUM_START, bytes, end + 32);
    u64_put(bytes + end + 32, mm_format_checksum(sum, bytes + end + 40, 16));
}

#endif
