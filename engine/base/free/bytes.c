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
    for (size_t i = 0; i < count; i++) {
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
