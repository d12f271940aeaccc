// The buffer doubles in the arena; what it leaves behind is at most as large as the text itself.
//
// Columns are counted simply: the wide blocks of East Asian scripts and emoji are two, combining
// marks none, everything else is one. Names come from a stranger's process, so that control
// characters are never passed through to a terminal: this file alone decides what is one.
#include "report/text.h"

#include <string.h>

#include "base/free/bytes.h"
#include "explain/explain.h"

enum { MARKS_MAX = 4 };

void mm_text_init(mm_text *text, mm_arena *arena) {
    MM_ASSERT(arena != NULL);
    text->arena = arena;
    text->bytes = NULL;
    text->count = 0;
    text->room = 0;
    text->failed = false;
}

void mm_text_bytes(mm_text *text, const char *bytes, size_t count) {
    if (text->failed) {
        return;
    }
    if (count >= text->room - text->count) {
        size_t room = text->room < 1024 ? 1024 : text->room * 2;
        while (room - text->count <= count && room < SIZE_MAX / 4) {
            room *= 2;
        }
        char *grown = MM_ARENA_NEW(text->arena, char, room);
        if (grown == NULL) {
            text->failed = true;
            return;
        }
        if (text->count > 0) {
            memcpy(grown, text->bytes, text->count);
        }
        text->bytes = grown;
        text->room = room;
    }
    MM_ASSERT(text->count + count < text->room);
    memcpy(text->bytes + text->count, bytes, count);
    text->count += count;
}

void mm_text_put(mm_text *text, const char *string) {
    mm_text_bytes(text, string, strlen(string));
}

void mm_text_fill(mm_text *text, char byte, size_t count) {
    for (size_t i = 0; i < count; i++) {
        mm_text_bytes(text, &byte, 1);
    }
}

static void number_put(mm_text *text, uint64_t value, bool grouped) {
    char digits[32];
    size_t at = sizeof(digits);
    size_t count = 0;
    do {
        if (grouped && count > 0 && count % 3 == 0) {
            digits[--at] = ',';
        }
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
        count++;
    } while (value != 0);
    mm_text_bytes(text, digits + at, sizeof(digits) - at);
}

void mm_text_number(mm_text *text, uint64_t value) {
    number_put(text, value, true);
}

void mm_text_digits(mm_text *text, uint64_t value) {
    number_put(text, value, false);
}

void mm_text_size(mm_text *text, uint64_t bytes) {
    mm_phrase phrase = {.used = 0};
    mm_phrase_bytes(&phrase, bytes);
    mm_text_put(text, phrase.text);
}

// Length of the character at `at`, its code point in `ret`. Bytes that are no UTF-8 are one each.
size_t mm_text_glyph(const char *at, size_t left, uint32_t *ret) {
    const unsigned char *b = (const unsigned char *)at;
    static const uint32_t first_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t length = b[0] < 0x80 ? 1 : b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : b[0] >= 0xc0 ? 2 : 1;
    if (length > left || (length == 1 && b[0] >= 0x80)) {
        *ret = MM_GLYPH_INVALID;
        return 1;
    }
    uint32_t code = b[0] & first_mask[length];
    for (size_t i = 1; i < length; i++) {
        if ((b[i] & 0xc0) != 0x80) {
            *ret = MM_GLYPH_INVALID;
            return 1;
        }
        code = code << 6 | (b[i] & 0x3fu);
    }
    *ret = code;
    return length;
}

// Controls of terminals, of the direction of writing, and characters that nobody sees.
bool mm_text_is_control(uint32_t code) {
    static const uint32_t ranges[][2] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},
        {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
        {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xffff, 0xffff}, {0xe0000, 0xe007f},
    };
    for (size_t i = 0; i < MM_COUNTOF(ranges) && code >= ranges[i][0]; i++) {
        if (code <= ranges[i][1]) {
            return true;
        }
    }
    return false;
}

// Columns of an escaped character: \\x1b, \\u202e or \\U000e0041.
static size_t escape_columns(uint32_t code) {
    return code < 0x100 || code == MM_GLYPH_INVALID ? 4 : code <= 0xffff ? 6 : 10;
}

static bool glyph_is_mark(uint32_t code) {
    return (code >= 0x300 && code <= 0x36f) || code == 0xfe0f;
}

static size_t glyph_columns(uint32_t code) {
    static const uint32_t wide[][2] = {
        {0x1100, 0x115f}, {0x2e80, 0xa4cf},   {0xac00, 0xd7a3},
        {0xf900, 0xfaff}, {0xfe30, 0xfe6f},   {0xff00, 0xff60},
        {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd},
    };
    if (mm_text_is_control(code)) {
        return escape_columns(code);
    }
    if (glyph_is_mark(code)) {
        return 0;
    }
    for (size_t i = 0; i < MM_COUNTOF(wide); i++) {
        if (code >= wide[i][0] && code <= wide[i][1]) {
            return 2;
        }
    }
    return 1;
}

// A character that is to be written, and how. More than MARKS_MAX marks on one letter climb out of
// their line: the rest is escaped.
typedef struct glyph {
    const char *at;
    size_t length;
    uint32_t code;
    size_t columns;
    bool escaped;
} glyph;

static glyph glyph_next(const char *at, size_t left, size_t *marks) {
    glyph next = {.at = at};
    next.length = mm_text_glyph(at, left, &next.code);
    *marks = glyph_is_mark(next.code) ? *marks + 1 : 0;
    next.escaped = mm_text_is_control(next.code) || *marks > MARKS_MAX;
    next.columns = next.escaped ? escape_columns(next.code) : glyph_columns(next.code);
    MM_ASSERT(next.length > 0);
    MM_ASSERT(next.length <= left);
    return next;
}

size_t mm_text_columns(const char *bytes, size_t count) {
    size_t columns = 0;
    size_t marks = 0;
    for (size_t at = 0; at < count;) {
        glyph next = glyph_next(bytes + at, count - at, &marks);
        columns += next.columns;
        at += next.length;
    }
    return columns;
}

static void escape_put(mm_text *text, uint32_t code) {
    char escape[10] = {'\\', code < 0x100 ? 'x' : code <= 0xffff ? 'u' : 'U'};
    size_t length = escape_columns(code);
    for (size_t i = 2; i < length; i++) {
        escape[i] = "0123456789abcdef"[code >> (4 * (length - 1 - i)) & 15];
    }
    mm_text_bytes(text, escape, length);
}

static void glyph_put(mm_text *text, const glyph *one) {
    if (one->escaped) {
        escape_put(text, one->code == MM_GLYPH_INVALID ? (unsigned char)*one->at : one->code);
    } else {
        mm_text_bytes(text, one->at, one->length);
    }
}

void mm_text_name(mm_text *text, const char *name) {
    mm_text_name_part(text, name, strlen(name));
}

void mm_text_name_part(mm_text *text, const char *name, size_t count) {
    size_t marks = 0;
    for (size_t at = 0; at < count;) {
        glyph next = glyph_next(name + at, count - at, &marks);
        glyph_put(text, &next);
        at += next.length;
    }
}

size_t mm_text_name_cut(mm_text *text, const char *name, size_t columns, bool ascii) {
    size_t count = strlen(name);
    size_t all = mm_text_columns(name, count);
    if (all <= columns) {
        mm_text_name(text, name);
        return all;
    }
    const char *ellipsis = ascii ? "..." : "\xe2\x80\xa6";
    size_t ellipsis_columns = ascii ? 3 : 1;
    size_t used = 0;
    size_t marks = 0;
    for (size_t at = 0; at < count;) {
        glyph next = glyph_next(name + at, count - at, &marks);
        if (used + next.columns + ellipsis_columns > columns) {
            break;
        }
        glyph_put(text, &next);
        used += next.columns;
        at += next.length;
    }
    if (used + ellipsis_columns <= columns) {
        mm_text_put(text, ellipsis);
        used += ellipsis_columns;
    }
    return used;
}

MM_STATUS mm_text_end(mm_text *text, const char **ret, size_t *ret_count, mm_error *err) {
    MM_ASSERT(ret != NULL);
    mm_text_bytes(text, "", 1);
    if (text->failed) {
        return mm_fail(err, MM_E_NOMEM, "no memory to write the answer", 0);
    }
    *ret = text->bytes;
    *ret_count = text->count - 1;
    return MM_OK;
}
