// Buffers of the standard library's objects of C: what a BytesIO, a StringIO, an array, a map of
// memory and a buffered file have beside the object, and the objects among that which their
// tp_traverse keeps silent about. Without them what grows there looks like memory of nobody's.
//
// A type is believed if its basic size is one that its row was made for; what a word leads to must
// be of the type that the row says.
#include "capture/walker.h"

enum { TYPE_NAME_BYTES = 24, WORDS = 2, BYTES_MAX_LOG2 = 46, ITEM_BYTES_MAX = 8 };

/// How the bytes are counted.
enum {
    BUFFER_NONE,   ///< there are hidden objects alone
    BUFFER_BYTES,  ///< a count of bytes
    BUFFER_UCS4,   ///< a count of characters of four bytes
    BUFFER_ITEMS   ///< a count of items; their size stands behind the word after it
};

/// One type. Offsets of words; 0 = there is none.
typedef struct buffer_row {
    char name[TYPE_NAME_BYTES];
    uint16_t basic_bytes;
    uint8_t sort;
    uint16_t pointer;  ///< to the buffer: NULL when there is none
    uint16_t count;
    uint16_t hidden[WORDS];
    uint8_t hidden_kind;  ///< mm_kind of what those lead to
} buffer_row;

static const buffer_row buffer_rows[] = {
    {"_io.BytesIO", 64, BUFFER_NONE, 0, 0, {16, 0}, MM_KIND_LEAF},
    {"_io.StringIO", 120, BUFFER_UCS4, 16, 40, {56, 64}, MM_KIND_LIST},
    {"_io.StringIO", 168, BUFFER_UCS4, 16, 40, {56, 0}, MM_KIND_STR},
    {"_io.BufferedReader", 152, BUFFER_BYTES, 56, 120, {0, 0}, 0},
    {"_io.BufferedWriter", 152, BUFFER_BYTES, 56, 120, {0, 0}, 0},
    {"_io.BufferedRandom", 152, BUFFER_BYTES, 56, 120, {0, 0}, 0},
    {"array.array", 64, BUFFER_ITEMS, 24, 32, {0, 0}, 0},
    {"mmap.mmap", 80, BUFFER_BYTES, 16, 24, {0, 0}, 0},
};

void buffer_resolve(mm_walker *walker, mm_type_info *info) {
    char name[TYPE_NAME_BYTES + 1];
    info->buffer = 0;
    if (info->kind != MM_KIND_FOREIGN) {
        return;
    }
    (void)c_text_copy(walker, load_word(info->solid + AT(walker, TYPE_NAME)), name, sizeof name);
    uint64_t basic = load_word(info->solid + AT(walker, TYPE_BASICSIZE));
    for (size_t row = 0; row < MM_COUNTOF(buffer_rows); row++) {
        if (buffer_rows[row].basic_bytes == basic &&
            mm_text_same(name, buffer_rows[row].name, sizeof name)) {
            info->buffer = (uint8_t)(row + 1);
            return;
        }
    }
}

// Bytes of an item of an array, whose descriptor has a character and then the size.
static uint64_t item_bytes_of(mm_walker *walker, uint64_t descriptor) {
    if (!is_aligned(descriptor) || !is_readable(walker, descriptor, 8)) {
        return 0;
    }
    uint32_t bytes = load_u32(descriptor + 4);
    return bytes <= ITEM_BYTES_MAX ? bytes : 0;
}

uint64_t buffer_bytes(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    MM_ASSERT(type->buffer > 0);
    MM_ASSERT(type->buffer <= MM_COUNTOF(buffer_rows));
    const buffer_row *row = &buffer_rows[type->buffer - 1];
    if (row->sort == BUFFER_NONE || load_word(address + row->pointer) == 0) {
        return 0;
    }
    uint64_t count = load_word(address + row->count);
    uint64_t each = 1;
    if (row->sort == BUFFER_UCS4) {
        each = 4;
    } else if (row->sort == BUFFER_ITEMS) {
        each = item_bytes_of(walker, load_word(address + row->count + 8));
    }
    return count >> BYTES_MAX_LOG2 == 0 ? count * each : 0;
}

void buffer_refer(mm_walker *walker, const mm_type_info *type, uint64_t address,
                  uint32_t seen_words) {
    MM_ASSERT(type->buffer > 0);
    const buffer_row *row = &buffer_rows[type->buffer - 1];
    for (size_t i = 0; i < WORDS && row->hidden[i] != 0; i++) {
        uint64_t target = load_word(address + row->hidden[i]);
        bool known = (seen_words >> row->hidden[i] / 8u & 1) != 0 || target == 0 ||
                     !is_aligned(target) || !is_readable(walker, target, OBJECT_HEAD_BYTES) ||
                     !is_kind(walker, target, (mm_kind)row->hidden_kind);
        if (!known) {
            refer_flagged(walker, MM_NAME_WORD, MM_REF_HIDDEN, row->hidden[i] / 8u, target);
        }
    }
}
