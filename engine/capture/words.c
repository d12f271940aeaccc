// Names of words in the standard library's objects of C that their types do not tell: those have
// neither members nor a table in the target, but attributes of these names, which are computed.
// Without them a chain through a task reads `+0x88`.
//
// A type is believed if its basic size is one that its row was made for.
#include "capture/walker.h"

enum { TYPE_NAME_BYTES = 24, WORD_NAME_BYTES = 16 };

typedef struct word_row {
    char type[TYPE_NAME_BYTES];
    uint16_t basic_bytes;
    uint16_t offset;
    char name[WORD_NAME_BYTES];
} word_row;

static const word_row word_rows[] = {
    {"_asyncio.Task", 176, 16, "_loop"},   {"_asyncio.Task", 176, 136, "_coro"},
    {"_asyncio.Task", 144, 16, "_loop"},   {"_asyncio.Task", 144, 120, "_coro"},
    {"_asyncio.Task", 168, 16, "_loop"},   {"_asyncio.Task", 168, 128, "_coro"},
    {"_asyncio.Future", 128, 16, "_loop"}, {"_asyncio.Future", 128, 64, "_result"},
    {"_asyncio.Future", 104, 16, "_loop"}, {"_asyncio.Future", 104, 64, "_result"},
    {"_asyncio.Future", 112, 16, "_loop"}, {"_asyncio.Future", 112, 64, "_result"},
    {"_contextvars.Token", 48, 24, "var"}, {"_contextvars.Token", 48, 32, "old_value"},
};

uint64_t words_say(mm_walker *walker, const mm_type_info *info, bool write) {
    char name[TYPE_NAME_BYTES + 1];
    uint64_t count = 0;
    if (info->kind != MM_KIND_FOREIGN || info->solid == 0) {
        return 0;
    }
    (void)c_text_copy(walker, load_word(info->solid + AT(walker, TYPE_NAME)), name, sizeof name);
    uint64_t basic = load_word(info->solid + AT(walker, TYPE_BASICSIZE));
    for (size_t i = 0; i < MM_COUNTOF(word_rows); i++) {
        const word_row *row = &word_rows[i];
        if (row->basic_bytes != basic || !mm_text_same(name, row->type, sizeof name)) {
            continue;
        }
        count++;
        if (write) {
            mm_writer_type_field(walker->writer, row->offset / 8, row->name,
                                 mm_text_length(row->name, sizeof row->name), 0);
        }
    }
    return count;
}
