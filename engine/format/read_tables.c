// The small streams: every record of them becomes an element of a table.
//
// Each stream is decoded twice by the same functions: the first run checks and counts, then memory
// is taken for what was counted, and the second run fills it. So no count in a file is believed
// before its records were seen. Texts are terminated in place: a text moves down by one byte, over
// the last byte of its own length, and the NUL goes into the byte that it leaves; hence only in the
// second run.
#include "format/decode.h"

#include <string.h>

enum { FLAGS_LOW_BITS = 15 };

// Runs over one stream.
typedef struct mm_record_cursor {
    const mm_decoder *decoder;
    mm_stream stream;
    bool fill;  // second run
    uint8_t *at;
    uint8_t *end;
    uint64_t previous;  // sparse id of the record before, where ids are differences
} mm_record_cursor;

static mm_status cursor_fail(const mm_record_cursor *cursor, const char *message) {
    return mm_decode_fail(cursor->decoder, cursor->stream, cursor->at, message);
}

static mm_record_cursor cursor_begin(const mm_decoder *decoder, mm_stream stream, bool fill) {
    const mm_joined *joined = &decoder->streams[stream];
    mm_record_cursor begun = {decoder, stream, fill, joined->start, joined->end, 0};
    return begun;
}

static mm_status next_u64(mm_record_cursor *cursor, uint64_t *ret) {
    const uint8_t *next = mm_decode_varint(cursor->at, ret);
    if (next == NULL) {
        return cursor_fail(cursor, "a number of more than 64 bits");
    }
    if (next > cursor->end) {
        return cursor_fail(cursor, "the last record is cut off");
    }
    cursor->at += next - cursor->at;
    return MM_OK;
}

static mm_status next_u32(mm_record_cursor *cursor, uint32_t *ret) {
    uint64_t value = 0;
    MM_TRY(next_u64(cursor, &value));
    if (value >= MM_NONE) {
        return cursor_fail(cursor, "a number is out of range");
    }
    *ret = (uint32_t)value;
    return MM_OK;
}

// A number plus 1, 0 = none, below `count`.
static mm_status next_number(mm_record_cursor *cursor, uint32_t count, const char *message,
                             uint32_t *ret) {
    uint64_t value = 0;
    MM_TRY(next_u64(cursor, &value));
    if (value > count) {
        return cursor_fail(cursor, message);
    }
    *ret = value == 0 ? MM_NONE : (uint32_t)value - 1;
    return MM_OK;
}

// Flags of a reference: the high half of a byte.
static mm_status next_flags(mm_record_cursor *cursor, uint8_t *ret) {
    if (cursor->at >= cursor->end) {
        return cursor_fail(cursor, "the last record is cut off");
    }
    if (*cursor->at & FLAGS_LOW_BITS) {
        return cursor_fail(cursor, "flags with unknown bits");
    }
    *ret = *cursor->at++;
    return MM_OK;
}

// The object with a sparse id. MM_NONE only where the file is incomplete and has no record of it.
static mm_status object_of(const mm_record_cursor *cursor, uint64_t sparse_id, uint32_t *ret) {
    *ret = mm_decode_dense(cursor->decoder, sparse_id);
    if (*ret == MM_NONE && cursor->decoder->file->incomplete == MM_OK) {
        return cursor_fail(cursor, "an object without a record");
    }
    return MM_OK;
}

static mm_status next_object(mm_record_cursor *cursor, uint32_t *ret) {
    uint64_t sparse_id = 0;
    MM_TRY(next_u64(cursor, &sparse_id));
    return object_of(cursor, sparse_id, ret);
}

// An object's sparse id plus 1; 0 = none.
static mm_status next_object_or_none(mm_record_cursor *cursor, uint32_t *ret) {
    uint64_t sparse_id = 0;
    MM_TRY(next_u64(cursor, &sparse_id));
    if (sparse_id == 0) {
        *ret = MM_NONE;
        return MM_OK;
    }
    return object_of(cursor, sparse_id - 1, ret);
}

// An object by the difference to the record before.
static mm_status next_object_delta(mm_record_cursor *cursor, uint32_t *ret) {
    uint64_t delta = 0;
    MM_TRY(next_u64(cursor, &delta));
    cursor->previous += (uint64_t)mm_unzigzag(delta);
    return object_of(cursor, cursor->previous, ret);
}

static mm_status next_text(mm_record_cursor *cursor, const char **ret) {
    uint64_t length = 0;
    MM_TRY(next_u64(cursor, &length));
    if (length > (uint64_t)(cursor->end - cursor->at)) {
        return cursor_fail(cursor, "a text is cut off");
    }
    uint8_t *start = cursor->at;
    uint8_t *end = start + length;
    if (cursor->fill) {
        memmove(start - 1, start, (size_t)length);
        end[-1] = '\0';
        *ret = (const char *)(start - 1);
    } else {
        while (cursor->at < end) {
            size_t step = mm_utf8_length(cursor->at, (size_t)(end - cursor->at));
            if (step == 0) {
                return cursor_fail(cursor, "a text is not UTF-8 without NUL");
            }
            cursor->at += step;
        }
        *ret = "";
    }
    cursor->at = end;
    return MM_OK;
}

// A decoder of one record. Answers in `keep` whether it becomes an element.
typedef mm_status (*record_next)(mm_record_cursor *cursor, void *element, bool *keep);

// Room for one element of any table, for the run that only counts.
typedef union any_element {
    const char *name;
    mm_file_root root;
    mm_file_frame frame;
    mm_file_thread thread;
    mm_file_fact fact;
    mm_file_text text;
    mm_file_meta meta;
    mm_file_ephemeron ephemeron;
    mm_file_census_type census_type;
    mm_file_census_size census_size;
    mm_file_census_raw census_raw;
} any_element;

static mm_status records_run(mm_record_cursor *cursor, record_next next, uint8_t *elements,
                             size_t size_bytes, uint32_t *ret_count) {
    uint32_t count = 0;
    any_element unused;
    while (cursor->at < cursor->end) {
        void *element = elements == NULL ? (void *)&unused : elements + count * size_bytes;
        bool keep = true;
        MM_TRY(next(cursor, element, &keep));
        if (keep && count == MM_NONE - 1) {
            return cursor_fail(cursor, "more records than can be counted");
        }
        count += keep;
    }
    *ret_count = count;
    return MM_OK;
}

// A whole stream into a table. A record that is not kept is overwritten by the next one, so there
// is room for one more than was counted.
static mm_status table_read(const mm_decoder *decoder, mm_stream stream, record_next next,
                            size_t size_bytes, void **ret, uint32_t *ret_count) {
    MM_ASSERT(size_bytes <= sizeof(any_element));
    mm_record_cursor counting = cursor_begin(decoder, stream, false);
    uint32_t count = 0;
    MM_TRY(records_run(&counting, next, NULL, size_bytes, &count));
    uint8_t *elements = mm_arena_take(decoder->arena, (size_t)count + 1, size_bytes);
    if (elements == NULL) {
        return mm_decode_nomem(decoder);
    }
    mm_record_cursor filling = cursor_begin(decoder, stream, true);
    uint32_t filled = 0;
    MM_TRY(records_run(&filling, next, elements, size_bytes, &filled));
    MM_ASSERT(filled == count);
    *ret = elements;
    *ret_count = count;
    return MM_OK;
}

//  ├──────┤
//  │ text │
//  └──────┘
static mm_status name_next(mm_record_cursor *cursor, void *element, bool *keep) {
    *keep = true;
    return next_text(cursor, element);
}

// Types ----------------------------------------------------------------------------------------

// What TYPE fills; the pointers are NULL while it is counted.
typedef struct type_tables {
    mm_file_type *types;
    mm_file_field *fields;
    uint32_t *keys;
    uint32_t type_count;
    uint32_t field_count;
    uint32_t key_count;
} type_tables;

static mm_status fields_next(mm_record_cursor *cursor, type_tables *tables, mm_file_type *type) {
    MM_TRY(next_u32(cursor, &type->field_count));
    type->field_start = tables->field_count;
    for (uint32_t i = 0; i < type->field_count; i++) {
        mm_file_field field = {0};
        uint8_t flags = 0;
        MM_TRY(next_u32(cursor, &field.word));
        MM_TRY(next_text(cursor, &field.name));
        MM_TRY(next_flags(cursor, &flags));
        field.flags = flags;
        if (tables->fields != NULL) {
            tables->fields[tables->field_count] = field;
        }
        if (++tables->field_count == MM_NONE) {
            return cursor_fail(cursor, "more fields than can be counted");
        }
    }
    return MM_OK;
}

static mm_status keys_next(mm_record_cursor *cursor, type_tables *tables, mm_file_type *type) {
    MM_TRY(next_u32(cursor, &type->key_count));
    type->key_start = tables->key_count;
    for (uint32_t i = 0; i < type->key_count; i++) {
        uint32_t key = MM_NONE;
        MM_TRY(next_object_or_none(cursor, &key));
        if (tables->keys != NULL) {
            tables->keys[tables->key_count] = key;
        }
        if (++tables->key_count == MM_NONE) {
            return cursor_fail(cursor, "more shared keys than can be counted");
        }
    }
    return MM_OK;
}

//  ├────────┼──────┼──────┼───────┼──────┼───────────┼──────┼───────────────┼─────────────┤
//  │ object │ name │ kind │ flags │ size │ item_size │ base │ count, fields │ count, keys │
//  │ + 1    │ text │      │       │      │           │ + 1  │               │             │
//  └────────┴──────┴──────┴───────┴──────┴───────────┴──────┴───────────────┴─────────────┘
static mm_status type_next(mm_record_cursor *cursor, type_tables *tables) {
    mm_file_type type = {0};
    uint64_t kind = 0;
    uint64_t base = 0;
    MM_TRY(next_object_or_none(cursor, &type.object));
    MM_TRY(next_text(cursor, &type.name));
    MM_TRY(next_u64(cursor, &kind));
    MM_TRY(next_u32(cursor, &type.flags));
    MM_TRY(next_u64(cursor, &type.size_bytes));
    MM_TRY(next_u64(cursor, &type.item_bytes));
    MM_TRY(next_u64(cursor, &base));
    // Bases may come later: the table is complete when this is looked at in the second run.
    if (base > (cursor->fill ? cursor->decoder->file->type_count : MM_NONE)) {
        return cursor_fail(cursor, "a base type outside TYPE");
    }
    MM_TRY(fields_next(cursor, tables, &type));
    MM_TRY(keys_next(cursor, tables, &type));
    type.kind = kind < MM_FORMAT_KIND_COUNT ? (uint32_t)kind : 0;
    type.base = base == 0 ? MM_NONE : (uint32_t)base - 1;
    if (tables->types != NULL) {
        tables->types[tables->type_count] = type;
    }
    if (++tables->type_count == MM_NONE) {
        return cursor_fail(cursor, "more types than can be counted");
    }
    return MM_OK;
}

static mm_status types_run(mm_record_cursor *cursor, type_tables *tables) {
    while (cursor->at < cursor->end) {
        MM_TRY(type_next(cursor, tables));
    }
    return MM_OK;
}

// No type may be its own base, however far away. Each walk ends at a type that an earlier walk has
// visited; if this very walk has, it is a ring.
static mm_status bases_check(const mm_decoder *decoder) {
    const mm_file *file = decoder->file;
    uint32_t *visited_by = MM_ARENA_NEW(decoder->arena, uint32_t, file->type_count);
    if (visited_by == NULL) {
        return mm_decode_nomem(decoder);
    }
    for (uint32_t i = 0; i < file->type_count; i++) {
        uint32_t type = i;
        while (type != MM_NONE && visited_by[type] == 0) {
            visited_by[type] = i + 1;
            type = file->types[type].base;
        }
        if (type != MM_NONE && visited_by[type] == i + 1) {
            return mm_decode_fail(decoder, MM_STREAM_TYPE, decoder->streams[MM_STREAM_TYPE].start,
                                  "a type is its own base");
        }
    }
    return MM_OK;
}

mm_status mm_decode_types(mm_decoder *decoder) {
    mm_file *file = decoder->file;
    void *names = NULL;
    MM_TRY(
        table_read(decoder, MM_STREAM_NAME, name_next, sizeof(char *), &names, &file->name_count));
    file->names = names;
    type_tables tables = {0};
    mm_record_cursor counting = cursor_begin(decoder, MM_STREAM_TYPE, false);
    MM_TRY(types_run(&counting, &tables));
    file->type_count = tables.type_count;
    file->types = MM_ARENA_NEW(decoder->arena, mm_file_type, tables.type_count);
    file->fields = MM_ARENA_NEW(decoder->arena, mm_file_field, tables.field_count);
    file->keys = MM_ARENA_NEW(decoder->arena, uint32_t, tables.key_count);
    if (file->types == NULL || file->fields == NULL || file->keys == NULL) {
        return mm_decode_nomem(decoder);
    }
    type_tables filled = {file->types, file->fields, file->keys, 0, 0, 0};
    mm_record_cursor filling = cursor_begin(decoder, MM_STREAM_TYPE, true);
    MM_TRY(types_run(&filling, &filled));
    MM_ASSERT(filled.type_count == tables.type_count);
    MM_ASSERT(filled.field_count == tables.field_count);
    MM_ASSERT(filled.key_count == tables.key_count);
    return bases_check(decoder);
}

// The other streams ----------------------------------------------------------------------------

// A thread's number, where the file has threads.
static mm_status thread_check(const mm_record_cursor *cursor, uint32_t thread) {
    uint32_t thread_count = cursor->decoder->file->thread_count;
    if (thread_count != 0 && thread >= thread_count) {
        return cursor_fail(cursor, "a thread outside THRD");
    }
    return MM_OK;
}

//  ├─────────────┼──────────────┼───────┤
//  │ interpreter │ kernel's id  │ flags │
//  └─────────────┴──────────────┴───────┘
static mm_status thread_next(mm_record_cursor *cursor, void *element, bool *keep) {
    mm_file_thread *thread = element;
    *keep = true;
    MM_TRY(next_u32(cursor, &thread->interpreter));
    MM_TRY(next_u64(cursor, &thread->native_id));
    return next_u32(cursor, &thread->flags);
}

//  ├────────┼──────────┼──────┼───────┤
//  │ thread │ code + 1 │ line │ flags │
//  └────────┴──────────┴──────┴───────┘
static mm_status frame_next(mm_record_cursor *cursor, void *element, bool *keep) {
    mm_file_frame *frame = element;
    *keep = true;
    MM_TRY(next_u32(cursor, &frame->thread));
    MM_TRY(thread_check(cursor, frame->thread));
    MM_TRY(next_object_or_none(cursor, &frame->code));
    MM_TRY(next_u32(cursor, &frame->line));
    return next_u32(cursor, &frame->flags);
}

//  ├──────┼───────┼───────┼──────────┼───────────┼────────┤   the name of a frame's local is its
//  │ kind │ flags │ owner │ name + 1 │ frame + 1 │ object │   index, from 0
//  │      │ byte  │       │          │           │        │
//  └──────┴───────┴───────┴──────────┴───────────┴────────┘
static mm_status root_next(mm_record_cursor *cursor, void *element, bool *keep) {
    mm_file_root *root = element;
    const mm_file *file = cursor->decoder->file;
    uint64_t kind = 0;
    MM_TRY(next_u64(cursor, &kind));
    root->kind = kind <= UINT8_MAX ? (uint8_t)kind : 0;
    MM_TRY(next_flags(cursor, &root->flags));
    MM_TRY(next_u32(cursor, &root->owner));
    if (root->kind == MM_FORMAT_ROOT_LOCAL) {
        MM_TRY(next_u32(cursor, &root->name));
    } else {
        MM_TRY(next_number(cursor, file->name_count, "a name outside NAME", &root->name));
    }
    MM_TRY(next_number(cursor, file->frame_count, "a frame outside FRAM", &root->frame));
    MM_TRY(next_object(cursor, &root->object));
    *keep = root->object != MM_NONE;
    return MM_OK;
}

//  ├──────────────┼──────┼───────┤
//  │ zigzag delta │ fact │ value │
//  └──────────────┴──────┴───────┘
static mm_status fact_next(mm_record_cursor *cursor, void *element, bool *keep) {
    mm_file_fact *fact = element;
    uint64_t number = 0;
    MM_TRY(next_object_delta(cursor, &fact->object));
    MM_TRY(next_u64(cursor, &number));
    MM_TRY(next_u64(cursor, &fact->value));
    fact->fact = (uint32_t)number;
    *keep = fact->object != MM_NONE && number <= UINT32_MAX;
    return MM_OK;
}

//  ├──────────────┼──────┤
//  │ zigzag delta │ text │
//  └──────────────┴──────┘
static mm_status text_next(mm_record_cursor *cursor, void *element, bool *keep) {
    mm_file_text *text = element;
    MM_TRY(next_object_delta(cursor, &text->object));
    MM_TRY(next_text(cursor, &text->text));
    *keep = text->object != MM_NONE;
    return MM_OK;
}

//  ├──────────┼────────────┤
//  │ key text │ value text │
//  └──────────┴────────────┘
static mm_status meta_next(mm_record_cursor *cursor, void *element, bool *keep) {
    mm_file_meta *meta = element;
    *keep = true;
    MM_TRY(next_text(cursor, &meta->key));
    return next_text(cursor, &meta->value);
}

//  ├───────┼─────┼───────┤
//  │ table │ key │ value │
//  └───────┴─────┴───────┘
static mm_status ephemeron_next(mm_record_cursor *cursor, void *element, bool *keep) {
    mm_file_ephemeron *ephemeron = element;
    MM_TRY(next_object(cursor, &ephemeron->table));
    MM_TRY(next_object(cursor, &ephemeron->key));
    MM_TRY(next_object(cursor, &ephemeron->value));
    *keep = ephemeron->table != MM_NONE && ephemeron->key != MM_NONE && ephemeron->value != MM_NONE;
    return MM_OK;
}

//  ├──────┼────────┼───────┼───────┤
//  │ type │ blocks │ bytes │ loose │
//  └──────┴────────┴───────┴───────┘
static mm_status census_type_next(mm_record_cursor *cursor, void *element, bool *keep) {
    mm_file_census_type *census = element;
    *keep = true;
    MM_TRY(next_u32(cursor, &census->type));
    if (census->type >= cursor->decoder->file->type_count) {
        return cursor_fail(cursor, "a type outside TYPE");
    }
    MM_TRY(next_u64(cursor, &census->blocks));
    MM_TRY(next_u64(cursor, &census->bytes));
    MM_TRY(next_u64(cursor, &census->loose));
    return census->loose <= census->blocks ? MM_OK
                                           : cursor_fail(cursor, "more blocks than there are");
}

//  ├──────┼──────┼──────┤
//  │ size │ used │ free │
//  └──────┴──────┴──────┘
static mm_status census_size_next(mm_record_cursor *cursor, void *element, bool *keep) {
    mm_file_census_size *census = element;
    *keep = true;
    MM_TRY(next_u64(cursor, &census->size_bytes));
    MM_TRY(next_u64(cursor, &census->used));
    return next_u64(cursor, &census->free);
}

//  ├──────┼────────┤
//  │ size │ blocks │
//  └──────┴────────┘
static mm_status census_raw_next(mm_record_cursor *cursor, void *element, bool *keep) {
    mm_file_census_raw *census = element;
    *keep = true;
    MM_TRY(next_u64(cursor, &census->size_bytes));
    return next_u64(cursor, &census->blocks);
}

static uint64_t fact_key(const void *element) {
    const mm_file_fact *fact = element;
    return (uint64_t)fact->object << 32 | fact->fact;
}

static uint64_t text_key(const void *element) {
    const mm_file_text *text = element;
    return text->object;
}

// One table: the stream, its decoder, and the members of mm_file that it fills.
#define TABLE_READ(decoder, stream, next, elements, count)                                  \
    do {                                                                                    \
        void *table_read_ret = NULL;                                                        \
        MM_TRY(table_read((decoder), (stream), (next), sizeof *(elements), &table_read_ret, \
                          &(count)));                                                       \
        (elements) = table_read_ret;                                                        \
    } while (0)

mm_status mm_decode_tables(mm_decoder *decoder) {
    mm_file *file = decoder->file;
    // Roots name frames and frames name threads: tables in that order.
    TABLE_READ(decoder, MM_STREAM_THRD, thread_next, file->threads, file->thread_count);
    TABLE_READ(decoder, MM_STREAM_FRAM, frame_next, file->frames, file->frame_count);
    TABLE_READ(decoder, MM_STREAM_ROOT, root_next, file->roots, file->root_count);
    TABLE_READ(decoder, MM_STREAM_FACT, fact_next, file->facts, file->fact_count);
    TABLE_READ(decoder, MM_STREAM_TEXT, text_next, file->texts, file->text_count);
    TABLE_READ(decoder, MM_STREAM_META, meta_next, file->meta, file->meta_count);
    TABLE_READ(decoder, MM_STREAM_EPHE, ephemeron_next, file->ephemerons, file->ephemeron_count);
    TABLE_READ(decoder, MM_STREAM_CTYP, census_type_next, file->census_types,
               file->census_type_count);
    TABLE_READ(decoder, MM_STREAM_CENS, census_size_next, file->census_sizes,
               file->census_size_count);
    TABLE_READ(decoder, MM_STREAM_CRAW, census_raw_next, file->census_raws, file->census_raw_count);
    MM_TRY(mm_decode_table_sort(decoder, file->facts, sizeof(mm_file_fact), file->fact_count,
                                fact_key));
    return mm_decode_table_sort(decoder, file->texts, sizeof(mm_file_text), file->text_count,
                                text_key);
}
