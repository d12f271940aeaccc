// What strings say, but only those that are names. A first step marks them in a bitmap of their
// block while references are walked; a last sweep writes their texts in address order, so that no
// string is written twice and no table of strings is needed.
//
// A str is characters of 1, 2 or 4 bytes behind one of two headers (compact), or somewhere else.
#include "capture/walker.h"

enum {
    UTF8_MAX = 4,  ///< bytes of one character
    REPLACEMENT = '?',
    ELLIPSIS = 0x2026,
    LENGTH_MAX_LOG2 = 40,
    NAMES_MAX = 1 << 20  ///< of a tuple whose items are names
};

/// A str laid open.
typedef struct str_view {
    uint64_t data;
    uint64_t length;
    uint32_t character_bytes;
    bool ascii;
} str_view;

static bool str_open(mm_walker *walker, uint64_t address, str_view *ret) {
    if (!HAS(walker, STR_STATE) || !is_aligned(address) ||
        !is_readable(walker, address, AT(walker, STR_ASCII_SIZEOF)) ||
        !is_kind(walker, address, MM_KIND_STR)) {
        return false;
    }
    mm_str_head head = str_head(walker, address);
    if (!head.compact && !is_readable(walker, address, head.header_bytes)) {
        return false;
    }
    ret->data =
        head.compact ? address + head.header_bytes : load_word(address + AT(walker, STR_DATA));
    ret->length = head.length;
    ret->character_bytes = head.character_bytes;
    ret->ascii = head.ascii;
    bool sensible =
        head.character_bytes == 1 || head.character_bytes == 2 || head.character_bytes == 4;
    return sensible && head.length >> LENGTH_MAX_LOG2 == 0 &&
           is_readable(walker, ret->data, head.length * head.character_bytes);
}

// Set the bit of a str in one of its block's bitmaps, which is made when it is first needed.
static void want_in(mm_walker *walker, uint64_t address, bool key) {
    if (address == 0 || !is_aligned(address) || !is_readable(walker, address, OBJECT_HEAD_BYTES) ||
        !is_kind(walker, address, MM_KIND_STR) || mark_found(walker, address) == NO_ID) {
        return;
    }
    mm_block *block = block_of(walker, address);
    MM_ASSERT(block != NULL);
    uint64_t **bits = key ? &block->keys : &block->text;
    if (*bits == NULL) {
        *bits = MM_ARENA_NEW(&walker->arena, uint64_t, BLOCK_WORDS);
        if (*bits == NULL) {
            walker_fail(walker, MM_E_NOMEM);
            return;
        }
    }
    uint64_t slot = (address & (BLOCK_BYTES - 1)) >> MM_SLOT_SHIFT;
    (*bits)[slot >> 6] |= (uint64_t)1 << (slot & 63);
}

void want_text(mm_walker *walker, uint64_t address) {
    want_in(walker, address, false);
}

void want_key(mm_walker *walker, uint64_t address) {
    want_in(walker, address, true);
}

void want_texts(mm_walker *walker, uint64_t address) {
    if (address == 0 || !is_aligned(address) ||
        !is_readable(walker, address, AT(walker, OB_SIZE) + 8u) ||
        !is_kind(walker, address, MM_KIND_TUPLE)) {
        return;
    }
    uint64_t count = load_word(address + AT(walker, OB_SIZE));
    uint64_t items = address + AT(walker, TUPLE_ITEMS);
    if (count > NAMES_MAX || !is_readable(walker, items, count * 8)) {
        return;
    }
    for (uint64_t i = 0; i < count; i++) {
        want_text(walker, load_word(items + i * 8));
    }
}

static bool str_compare(mm_walker *walker, uint64_t address, const char *ascii, bool whole) {
    str_view view;
    size_t length = mm_text_length(ascii, NAME_BYTES_MAX);
    if (!str_open(walker, address, &view) || !view.ascii || view.length < length ||
        (whole && view.length != length)) {
        return false;
    }
    return mm_same((const void *)(uintptr_t)view.data, ascii, length);
}

bool str_is(mm_walker *walker, uint64_t address, const char *ascii) {
    return str_compare(walker, address, ascii, true);
}

bool str_begins(mm_walker *walker, uint64_t address, const char *ascii) {
    return str_compare(walker, address, ascii, false);
}

size_t str_copy(mm_walker *walker, uint64_t address, char *to, size_t to_bytes) {
    str_view view;
    if (address == 0 || !is_readable(walker, address, OBJECT_HEAD_BYTES) ||
        !str_open(walker, address, &view) || !view.ascii || view.length >= to_bytes) {
        return 0;
    }
    mm_copy(to, (const void *)(uintptr_t)view.data, view.length);
    to[view.length] = '\0';
    return view.length;
}

bool str_is_own(mm_walker *walker, uint64_t address) {
    return address != 0 && is_readable(walker, address, OBJECT_HEAD_BYTES) &&
           (str_is(walker, address, "mortmain") || str_begins(walker, address, OWN_PREFIX)) &&
           !str_begins(walker, address, WEAK_MODULE) &&
           !str_begins(walker, address, WEAK_INNER_MODULE);
}

// One character as UTF-8. What no text may hold (NUL, half a surrogate pair) becomes '?'.
static size_t utf8_put(uint32_t c, char *to) {
    if (c == 0 || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff) {
        c = REPLACEMENT;
    }
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xe0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3f));
        to[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 0x3f));
    to[2] = (char)(0x80 | (c >> 6 & 0x3f));
    to[3] = (char)(0x80 | (c & 0x3f));
    return UTF8_MAX;
}

static uint32_t character_at(const str_view *view, uint64_t i) {
    uint64_t at = view->data + i * view->character_bytes;
    if (view->character_bytes == 1) {
        return load_byte(at);
    }
    if (view->character_bytes == 2) {
        return *(const foreign_u16 *)(uintptr_t)at;
    }
    return load_u32(at);
}

static void text_put(mm_walker *walker, uint64_t address, uint64_t id, uint64_t limit) {
    char text[(MM_TEXT_CHARACTERS_MAX + 1) * UTF8_MAX];
    str_view view;
    if (!str_open(walker, address, &view)) {
        return;
    }
    bool cut = view.length > limit;
    uint64_t count = cut ? limit : view.length;
    size_t length = 0;
    for (uint64_t i = 0; i < count; i++) {
        length += utf8_put(character_at(&view, i), text + length);
    }
    if (cut) {
        length += utf8_put(ELLIPSIS, text + length);
    }
    MM_ASSERT(length <= sizeof text);
    mm_writer_text_of(walker->writer, id, text, length);
}

static void block_texts_put(mm_walker *walker, const mm_block *block) {
    for (uint64_t i = 0; i < BLOCK_WORDS; i++) {
        uint64_t names = block->text == NULL ? 0 : block->text[i];
        uint64_t bits = names | (block->keys == NULL ? 0 : block->keys[i]);
        for (; bits != 0; bits &= bits - 1) {
            uint64_t slot = i * 64 + mm_lowest_bit(bits);
            bool name = (names >> (slot & 63) & 1) != 0;
            text_put(walker, block->base + (slot << MM_SLOT_SHIFT),
                     block->number << MM_SLOT_BITS | slot,
                     name ? MM_TEXT_CHARACTERS_MAX : MM_KEY_CHARACTERS_MAX);
        }
    }
}

void texts_write(mm_walker *walker) {
    uint64_t at = 0;
    for (mm_block *block = block_next(walker, &at); block != NULL;
         block = block_next(walker, &at)) {
        if (block->text != NULL || block->keys != NULL) {
            block_texts_put(walker, block);
        }
    }
}

size_t c_text_copy(mm_walker *walker, uint64_t address, char *to, size_t to_bytes) {
    MM_ASSERT(to_bytes > 0);
    size_t limit = to_bytes - 1;
    size_t readable = 0;
    while (readable < limit && is_readable(walker, address + readable, 1) &&
           load_byte(address + readable) != 0) {
        readable++;
    }
    const uint8_t *from = (const uint8_t *)(uintptr_t)address;
    for (size_t i = 0; i < readable;) {
        size_t length = mm_utf8_length(from + i, readable - i);
        if (length == 0) {
            to[i++] = REPLACEMENT;
            continue;
        }
        for (size_t k = 0; k < length; k++, i++) {
            to[i] = (char)from[i];
        }
    }
    to[readable] = '\0';
    return readable;
}
