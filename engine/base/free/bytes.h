// Copying, comparing and counting bytes without a C library, and the codes of the file: fixed-width
// numbers, varints, UTF-8.
#ifndef MM_BASE_FREE_BYTES_H
#define MM_BASE_FREE_BYTES_H

#include "base/free/attr.h"

/// Copy `count` bytes; the areas must not overlap.
void mm_copy(void *to, const void *from, size_t count);
/// Set `count` bytes to zero.
void mm_zero(void *at, size_t count);
/// Are `count` bytes the same?
bool mm_same(const void *a, const void *b, size_t count);
/// Length of a NUL-terminated string, looking at no more than `limit` bytes.
size_t mm_text_length(const char *text, size_t limit);
/// Are two NUL-terminated strings equal? Looks at no more than `limit` bytes of each.
bool mm_text_same(const char *a, const char *b, size_t limit);
/// Length of the UTF-8 sequence that begins at `at`, or 0 when it is none: overlong, half of a
/// surrogate pair, too high, NUL, or cut off after `left` bytes. REQUIRES: left > 0.
size_t mm_utf8_length(const uint8_t *at, size_t left);

/// The last part of a path; the last two where the last alone tells little: "shop/__init__.py".
const char *mm_path_base(const char *path);

/// Number of set bits. Written out: the compiler's own would call a library where popcnt is
/// missing.
static inline unsigned mm_popcount(uint64_t x) {
    x -= (x >> 1) & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + ((x >> 2) & 0x3333333333333333u);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (unsigned)((x * 0x0101010101010101u) >> 56);
}

/// Index of the lowest set bit. REQUIRES: x != 0.
static inline unsigned mm_lowest_bit(uint64_t x) {
    return (unsigned)__builtin_ctzll(x);
}

/// Eight bytes, little endian. REQUIRES: they are readable; any alignment. One load, where the
/// processor's own order is this one: compilers do not always make one of eight.
static inline uint64_t mm_u64_get(const uint8_t *at) {
#if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    typedef uint64_t MM_FOREIGN_MEMORY any_word;
    return *(const any_word *)(const void *)at;
#else
    return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24 |
           (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 |
           (uint64_t)at[7] << 56;
#endif
}
/// Four bytes, little endian. REQUIRES: they are readable; any alignment.
static inline uint32_t mm_u32_get(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/// Longest varint: 64 bits in groups of seven.
#define MM_VARINT_MAX 10

/// Write `value` as LEB128 (seven bits a byte, low group first, top bit = more follow).
/// REQUIRES: MM_VARINT_MAX bytes at `at`. Returns the first byte after it.
static inline uint8_t *mm_varint_put(uint8_t *at, uint64_t value) {
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

/// Read a LEB128 varint from [at, end). Returns the first byte after it, or NULL when it is cut
/// off, longer than ten bytes, or larger than 64 bits; `*ret` is then untouched.
static inline const uint8_t *mm_varint_get(const uint8_t *at, const uint8_t *end, uint64_t *ret) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (at == end) {
            return NULL;
        }
        uint8_t byte = *at++;
        if (shift == 63 && byte > 1) {
            return NULL;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret = value;
            return at;
        }
    }
    return NULL;
}

/// Fold a difference into an unsigned number with small values for small distances.
static inline uint64_t mm_zigzag(int64_t x) {
    return ((uint64_t)x << 1) ^ (uint64_t)(x >> 63);
}
/// The inverse of mm_zigzag().
static inline int64_t mm_unzigzag(uint64_t x) {
    return (int64_t)(x >> 1) ^ -(int64_t)(x & 1);
}

#endif
