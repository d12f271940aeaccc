// Plain loops, marked so that the compiler does not turn them back into calls of the library
// functions that they stand in for. Nothing hot copies much: objects are read in place.
#include "base/free/bytes.h"

#if defined(__clang__)
#define MM_NO_IDIOM __attribute__((no_builtin("memcpy", "memset", "strlen")))
#else
#define MM_NO_IDIOM __attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif

MM_NO_IDIOM void mm_copy(void *to, const void *from, size_t count) {
    uint8_t *out = to;
    const uint8_t *in = from;
    for (size_t i = 0; i < count; i++) {
        out[i] = in[i];
    }
}

MM_NO_IDIOM void mm_zero(void *at, size_t count) {
    uint8_t *out = at;
    const uint64_t zero = 0;
    size_t i = 0;
    for (; count - i >= sizeof(zero); i += sizeof(zero)) {
        __builtin_memcpy(out + i, &zero, sizeof(zero));
    }
    for (; i < count; i++) {
        out[i] = 0;
    }
}

bool mm_same(const void *a, const void *b, size_t count) {
    const uint8_t *x = a;
    const uint8_t *y = b;
    for (size_t i = 0; i < count; i++) {
        if (x[i] != y[i]) {
            return false;
        }
    }
    return true;
}

MM_NO_IDIOM size_t mm_text_length(const char *text, size_t limit) {
    size_t length = 0;
    MM_ASSERT(text != NULL);
    while (length < limit && text[length] != '\0') {
        length++;
    }
    return length;
}

bool mm_text_same(const char *a, const char *b, size_t limit) {
    for (size_t i = 0; i < limit; i++) {
        if (a[i] != b[i]) {
            return false;
        }
        if (a[i] == '\0') {
            return true;
        }
    }
    return true;
}

size_t mm_utf8_length(const uint8_t *at, size_t left) {
    MM_ASSERT(left > 0);
    uint32_t lead = *at;
    if (lead < 0x80) {
        return lead != 0;
    }
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || left < length) {
        return 0;
    }
    uint32_t code = lead & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (at[i] & 0x3fu);
    }
    bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    bool surrogate = code >= 0xd800 && code < 0xe000;
    return overlong || surrogate || code > 0x10ffff ? 0 : length;
}

const char *mm_path_base(const char *path) {
    const char *base = path;
    const char *before = path;
    for (const char *at = path; *at != '\0'; at++) {
        if (at[0] == '/' && at[1] != '\0' && at[1] != '/') {
            before = base;
            base = at + 1;
        }
    }
    return base[0] == '_' && base[1] == '_' ? before : base;
}
