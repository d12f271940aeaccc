// The file of an object heap: docs/format.md in the direction heap -> bytes, by way of the engine's
// writer. What has no address of its own has no record: an array is a member of its object, and its
// items are named "friends[3]".
//
//     person ──.boss──▶ person                 a word of the object, named by its type's fields
//     person ──.friends[3]──▶ person           NAMED, by texts that all objects of the type share
//     map ──[key], weak──▶ k; ──[*]──▶ v       KEY, VALUE
//     map with MORT_EPHEMERON                  KEY, and an entry of EPHE for map, k and v
//     C ──▶ person                             a root that says how many such references there are
//
// A map's key comes right before its value: mort_referents() promises it, and VALUE needs it.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/free/target.h"
#include "base/os/file.h"
#include "base/os/sink.h"
#include "format/write.h"
#include "mortmain_snapshot.h"
#include "survey.h"

#ifndef MORT_VERSION
#error "MORT_VERSION is the version of the project: the build defines it"
#endif

enum { GARBAGE_TOLD_MAX = 4096 };
// A name with the number of an item behind it.
enum { WORD_BYTES = 8, NAME_BYTES_MAX = 900, NAME_BYTES = NAME_BYTES_MAX + 64 };

typedef struct snapshot {
    mort_heap *heap;
    survey survey;
    mm_writer *writer;
    const survey_type *type;  // of the object whose references are being written
    uint64_t map;             // sparse id of that object
    uint64_t key;             // sparse id of the last key met, or MM_WRITER_NONE
    uint64_t entry_count;     // ephemeron entries of that object
    uint32_t name_garbage;    // number in NAME; the same for those below
    uint32_t name_saturated;
    uint64_t name_first;  // where the names of array items begin
} snapshot;

// ---- names and types ----------------------------------------------------------------------------

static uint32_t name_put(mm_writer *writer, const char *text) {
    return mm_writer_name(writer, text, strlen(text));
}

// A name as a reader takes it: C may call a type or a field what it likes. Answers its length.
static size_t name_clean(const char *name, char out[NAME_BYTES]) {
    const uint8_t *at = (const uint8_t *)name;
    size_t left = strlen(name);
    size_t used = 0;
    while (left > 0) {
        size_t length = mm_utf8_length(at, left);
        size_t count = length == 0 ? 1 : length;
        if (used + count > NAME_BYTES_MAX) {
            break;
        }
        if (length == 0) {
            out[used] = '?';
        } else {
            memcpy(out + used, at, length);
        }
        used += count;
        at += count;
        left -= count;
    }
    out[used] = '\0';
    return used;
}

static void item_names_put(const snapshot *s) {
    char name[NAME_BYTES];
    char text[NAME_BYTES];
    for (size_t i = 0; i < s->survey.type_count; i++) {
        const survey_type *type = &s->survey.types[i];
        const mort_field *fields = mort_type_fields(type->type);
        for (size_t row = 0; row < type->field_count; row++) {
            (void)name_clean(fields[row].name, name);
            for (size_t item = 0; item < type->array_len[row]; item++) {
                (void)snprintf(text, sizeof(text), "%.*s[%zu]", NAME_BYTES_MAX, name, item);
                (void)name_put(s->writer, text);
            }
        }
    }
}

// Is the field a word of the object, so that its type can name it?
static bool field_is_word(const mort_field *field) {
    return field->kind == MORT_KIND_STRONG || field->kind == MORT_KIND_WEAK;
}

static void type_put(const snapshot *s, const survey_type *type) {
    static const uint32_t kinds[] = {
        [SURVEY_PLAIN] = MM_KIND_OBJECT,
        [SURVEY_SET] = MM_KIND_SET,
        [SURVEY_KEYMAP] = MM_KIND_DICT,
        [SURVEY_VALUES] = MM_KIND_DICT,
    };
    char name[NAME_BYTES];
    size_t name_bytes = name_clean(mort_type_name(type->type), name);
    const mort_field *fields = mort_type_fields(type->type);
    mm_type_record record = {
        .object = MM_WRITER_NONE,
        .name = name,
        .name_bytes = name_bytes,
        .kind = kinds[type->shape],
        .flags = MM_TYPE_WEAKREFABLE | (type->tracked ? MM_TYPE_COLLECTED : 0u),
        .size_bytes = mort_type_size(type->type),
        .base = MM_WRITER_NONE,
    };
    for (size_t row = 0; row < type->field_count; row++) {
        record.field_count += field_is_word(&fields[row]);
    }
    mm_writer_type(s->writer, &record);
    for (size_t row = 0; row < type->field_count; row++) {
        const mort_field *field = &fields[row];
        if (field_is_word(field)) {
            uint8_t flags = field->kind == MORT_KIND_WEAK ? MM_REF_WEAK : MM_REF_STRONG;
            name_bytes = name_clean(field->name, name);
            mm_writer_type_field(s->writer, field->offset / WORD_BYTES, name, name_bytes, flags);
        }
    }
    mm_writer_type_keys(s->writer, 0);
}

static void types_put(const snapshot *s) {
    mm_type_record unknown = {
        .object = MM_WRITER_NONE, .name = "?", .name_bytes = 1, .base = MM_WRITER_NONE};
    mm_writer_type(s->writer, &unknown);
    mm_writer_type_keys(s->writer, 0);
    for (size_t i = 0; i < s->survey.type_count; i++) {
        type_put(s, &s->survey.types[i]);
    }
}

// ---- objects and references ---------------------------------------------------------------------

static void field_put(snapshot *s, const mort_field *field, size_t index, uint64_t target) {
    uint8_t flags = field->kind == MORT_KIND_WEAK ? MM_REF_WEAK : MM_REF_STRONG;
    if (field->kind == MORT_KIND_ARRAY) {
        size_t row = survey_row(s->type, field);
        MM_ASSERT(index < s->type->array_len[row]);
        uint64_t name = s->name_first + s->type->name_start[row] + index;
        mm_writer_reference_extended(s->writer, MM_NAME_NAMED, flags, name, target);
    } else if (flags != MM_REF_STRONG) {
        mm_writer_reference_extended(s->writer, MM_NAME_WORD, flags, field->offset / WORD_BYTES,
                                     target);
    } else {
        mm_writer_reference_at(s->writer, MM_NAME_WORD, field->offset / WORD_BYTES, target);
    }
}

static void ephemeron_put(snapshot *s, uint64_t value) {
    mm_writer_varint(s->writer, MM_STREAM_EPHE, s->map);
    mm_writer_varint(s->writer, MM_STREAM_EPHE, s->key);
    mm_writer_varint(s->writer, MM_STREAM_EPHE, value);
    s->entry_count++;
}

static bool edge_put(void *context, mort_object *from, const mort_field *field, size_t index,
                     mort_object *to) {
    snapshot *s = context;
    size_t object = survey_find(&s->survey, to);
    (void)from;
    if (object == SURVEY_NONE) {
        return true;  // another heap's: it counts there as held by C
    }
    uint64_t target = survey_sparse_id(&s->survey, object);
    switch (field->kind) {
        case MORT_KIND_KEY: {
            mm_naming naming = s->type->shape == SURVEY_SET ? MM_NAME_MEMBER : MM_NAME_KEY;
            mm_writer_reference_extended(s->writer, naming, MM_REF_WEAK, 0, target);
            s->key = target;
            break;
        }
        case MORT_KIND_EPHEMERON:
            MM_ASSERT(s->key != MM_WRITER_NONE);
            ephemeron_put(s, target);
            break;
        case MORT_KIND_VALUE:
            mm_writer_reference(s->writer, MM_NAME_VALUE, target);
            break;
        case MORT_KIND_WEAK_VALUE:
            mm_writer_reference_extended(s->writer, MM_NAME_VALUE, MM_REF_WEAK, 0, target);
            break;
        default:
            field_put(s, field, index, target);
            break;
    }
    return true;
}

// Items of arrays lie outside of the object and are its own.
static bool storage_add(void *context, mort_object *from, const mort_field *field, size_t index,
                        mort_object *to) {
    size_t *bytes = context;
    (void)from;
    (void)index;
    (void)to;
    *bytes += field->kind == MORT_KIND_ARRAY ? sizeof(void *) : 0;
    return true;
}

static void object_put(snapshot *s, size_t number) {
    const survey_object *object = &s->survey.objects[number];
    const void *address = (const void *)object->address;
    uint32_t refs = mort_refcount(address);
    size_t storage = 0;
    mort_referents(address, storage_add, &storage);
    mm_object_record record = {
        .sparse_id = survey_sparse_id(&s->survey, number),
        .type_index = object->type + 1u,
        .refcount_code = refs == MORT_REFS_SATURATED ? 0 : (uint64_t)refs + 1,
        .storage_bytes = storage,
        .flags = (uint8_t)((mort_is_tracked(address) ? MM_OBJECT_TRACKED : 0u) |
                           (storage > 0 ? MM_OBJECT_STORAGE : 0u)),
    };
    s->type = &s->survey.types[object->type];
    s->map = record.sparse_id;
    s->key = MM_WRITER_NONE;
    s->entry_count = 0;
    mm_writer_object(s->writer, &record);
    mort_referents(address, edge_put, s);
    mm_writer_object_end(s->writer);
    if (s->entry_count > 0) {
        // No reference of the map says how many there are.
        mm_writer_fact(s->writer, s->map, MM_FACT_ENTRIES, s->entry_count);
    }
}

// ---- roots --------------------------------------------------------------------------------------

static void root_put(const snapshot *s, size_t object, uint64_t name, uint64_t count) {
    mm_root_record record = {
        .kind = MM_ROOT_HELD,
        .flags = MM_REF_STRONG,
        .owner = count,
        .name = name,
        .frame = MM_WRITER_NONE,
        .object = survey_sparse_id(&s->survey, object),
    };
    mm_writer_root(s->writer, &record);
}

// The garbage list counts its objects; what is left of a count after that is C's. The list can only
// be walked from its start each time: what lies far behind is told as C's too.
static void roots_put(snapshot *s) {
    survey *v = &s->survey;
    size_t garbage_len = mort_garbage_len(s->heap);
    for (size_t i = 0; i < garbage_len && i < GARBAGE_TOLD_MAX; i++) {
        size_t object = survey_find(v, mort_garbage_peek(s->heap, i));
        if (object != SURVEY_NONE) {
            v->objects[object].found++;
            root_put(s, object, s->name_garbage, 1);
        }
    }
    for (size_t i = 0; i < v->object_count; i++) {
        uint32_t refs = mort_refcount((const void *)v->objects[i].address);
        uint32_t found = v->objects[i].found;
        if (refs == MORT_REFS_SATURATED) {
            root_put(s, i, s->name_saturated, 1);
        } else if (refs > found) {
            root_put(s, i, MM_WRITER_NONE, refs - found);
        }
    }
}

// ---- the file -----------------------------------------------------------------------------------

static MM_STATUS streams_put(snapshot *s, mm_sink sink) {
    mm_writer *writer = s->writer;
    MM_TRY(mm_writer_begin(writer, sink));
    mm_writer_meta(writer, "runtime", "libmortmain");
    mm_writer_meta(writer, "version", MORT_VERSION);
    mm_writer_meta(writer, "door", "heap");
    mm_writer_meta_number(writer, "pid", (uint64_t)getpid());
    s->name_garbage = name_put(writer, "garbage list");
    s->name_saturated = name_put(writer, "saturated count");
    s->name_first = (uint64_t)s->name_saturated + 1;
    item_names_put(s);
    types_put(s);
    for (size_t i = 0; i < s->survey.block_count; i++) {
        mm_writer_block(writer, s->survey.blocks[i].base);
    }
    for (size_t i = 0; i < s->survey.object_count; i++) {
        object_put(s, i);
    }
    roots_put(s);
    return mm_writer_end(writer, MM_OK);
}

static MM_STATUS file_put(snapshot *s, const char *path, mm_error *err) {
    mm_os_file file;
    mm_os_sink sink;
    mm_os_sink_guard guard;
    MM_TRY(mm_os_file_create(path, true, &file, err));
    mm_os_sink_init(&sink, file.fd);
    mm_os_sink_guard_begin(&guard);
    mm_status status = streams_put(s, mm_os_sink_view(&sink));
    mm_os_sink_guard_end(&guard);
    if (status != MM_OK) {
        mm_os_file_abandon(&file);
        return mm_fail_io(err, "could not write", sink.sys_errno);
    }
    return mm_os_file_commit(&file, err);
}

static int code_of(mm_status status) {
    switch (status) {
        case MM_OK:
            return MORT_OK;
        case MM_E_NOMEM:
            return MORT_ENOMEM;
        case MM_E_IO:
            return MORT_EIO;
        default:
            return MORT_EINVAL;
    }
}

int mort_snapshot(mort_heap *heap, const char *path) {
    snapshot s = {.heap = heap};
    mm_error err = {MM_OK, NULL, 0, 0};
    if (heap == NULL || path == NULL) {
        return MORT_EINVAL;
    }
    int code = survey_init(&s.survey, heap);
    s.writer = code == MORT_OK ? malloc(sizeof(*s.writer)) : NULL;
    if (code == MORT_OK) {
        code = s.writer == NULL ? MORT_ENOMEM : code_of(file_put(&s, path, &err));
    }
    survey_deinit(&s.survey);
    free(s.writer);
    if (code == MORT_EIO) {
        errno = err.sys_errno;
    }
    return code;
}

const char *mort_snapshot_strerror(int code) {
    return code == MORT_EIO ? "the system refused to write the snapshot" : mort_strerror(code);
}
