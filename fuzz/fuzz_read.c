// Bytes into the reader of .mort files.
//
// A fuzzer never guesses a checksum, nor counts that agree with the records: both are repaired
// first, so that it gets behind END!. Whatever is accepted then must keep the promises of read.h.
// Seeds: python3 tests/golden/make_golden.py fuzz/corpus/read
#include <stdlib.h>
#include <string.h>

#include "base/free/bytes.h"
#include "base/os/pages.h"
#include "format/read.h"

enum { END_BYTES = 56, MEMORY_BYTES_MAX = 1 << 28 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void must(bool condition) {
    if (!condition) {
        abort();
    }
}

static uint32_t u32_of(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void u64_put(uint8_t *at, uint64_t value) {
    for (unsigned i = 0; i < 8; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

// Join OBJS as far as the chunks make sense. Answers its length.
static size_t objects_join(const uint8_t *bytes, size_t end, uint8_t *to) {
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
static void objects_count(const uint8_t *at, const uint8_t *end, uint64_t *objects,
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

static void file_repair(uint8_t *bytes, size_t size_bytes) {
    size_t end = size_bytes - END_BYTES;
    uint8_t *objs = malloc(size_bytes);
    must(objs != NULL);
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

static void references_check(const mm_file *file, uint32_t object) {
    for (uint32_t j = file->reference_start[object]; j < file->reference_start[object + 1]; j++) {
        unsigned naming = file->reference_naming[j] & 15u;
        uint32_t argument = file->reference_argument[j];
        must(file->reference_target[j] < file->object_count);
        must(naming <= MM_NAME_NAMED && naming != MM_NAME_EXTENDED);
        must(naming != MM_NAME_NAMED || argument < file->name_count);
        must(naming != MM_NAME_INLINE || argument < file->types[file->type[object]].key_count);
        must(naming != MM_NAME_VALUE || argument < file->object_count || argument == MM_NONE);
    }
}

static void columns_check(const mm_file *file) {
    must(file->reference_start[0] == 0);
    must(file->reference_start[file->object_count] == file->reference_count);
    for (uint32_t i = 0; i < file->object_count; i++) {
        must(i == 0 || file->address[i - 1] < file->address[i]);
        must(mm_file_find(file, file->address[i]) == i);
        must(file->type[i] < file->type_count);
        must(file->reference_start[i] <= file->reference_start[i + 1]);
        must(mm_file_size_of(file, i) >= file->size_bytes[i]);
        must(mm_file_storage_of(file, i) >= file->storage_bytes[i]);
        references_check(file, i);
    }
}

static size_t types_check(const mm_file *file) {
    size_t seen = 0;
    for (uint32_t i = 0; i < file->type_count; i++) {
        const mm_file_type *type = &file->types[i];
        uint32_t steps = 0;
        must(type->object < file->object_count || type->object == MM_NONE);
        for (uint32_t base = type->base; base != MM_NONE && steps < 1000; steps++) {
            must(base < file->type_count && base != i);
            base = file->types[base].base;
        }
        for (uint32_t j = 0; j < type->key_count; j++) {
            uint32_t key = file->keys[type->key_start + j];
            must(key < file->object_count || key == MM_NONE);
        }
        for (uint32_t j = 0; j < type->field_count; j++) {
            seen += strlen(file->fields[type->field_start + j].name);
        }
        seen += strlen(type->name);
    }
    return seen;
}

static size_t tables_check(const mm_file *file) {
    size_t seen = 0;
    for (uint32_t i = 0; i < file->name_count; i++) {
        seen += strlen(file->names[i]);
    }
    for (uint32_t i = 0; i < file->text_count; i++) {
        must(i == 0 || file->texts[i - 1].object <= file->texts[i].object);
        must(mm_file_text_of(file, file->texts[i].object) != NULL);
        seen += strlen(file->texts[i].text);
    }
    for (uint32_t i = 0; i < file->meta_count; i++) {
        must(mm_file_meta_of(file, file->meta[i].key) != NULL);
        seen += strlen(file->meta[i].value);
    }
    for (uint32_t i = 0; i < file->root_count; i++) {
        const mm_file_root *root = &file->roots[i];
        must(root->object < file->object_count);
        must(root->kind == 5 || root->name < file->name_count || root->name == MM_NONE);
        must(root->frame < file->frame_count || root->frame == MM_NONE);
    }
    for (uint32_t i = 0; i < file->fact_count; i++) {
        must(file->facts[i].object < file->object_count);
    }
    for (uint32_t i = 0; i < file->ephemeron_count; i++) {
        must(file->ephemerons[i].table < file->object_count);
        must(file->ephemerons[i].key < file->object_count);
        must(file->ephemerons[i].value < file->object_count);
    }
    return seen;
}

static void decode(const uint8_t *bytes, size_t size_bytes) {
    mm_os_pages pages;
    mm_os_pages_init(&pages);
    pages.limit_bytes = MEMORY_BYTES_MAX;
    mm_arena arena;
    mm_arena_init(&arena, mm_os_pages_view(&pages), 1 << 16);
    mm_file file;
    mm_error err = {0};
    mm_status status = mm_file_decode(bytes, size_bytes, &arena, &file, &err);
    if (status == MM_OK) {
        columns_check(&file);
        must(types_check(&file) + tables_check(&file) <= size_bytes);
    } else {
        must(status == err.code && err.message != NULL);
        must(status != MM_E_FORMAT || err.offset <= size_bytes);
    }
    mm_os_pages_deinit(&pages);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
    decode(data, size_bytes);
    size_t whole_bytes = size_bytes / 8 * 8;
    if (whole_bytes >= MM_FORMAT_HEADER_BYTES + END_BYTES) {
        uint8_t *repaired = malloc(whole_bytes);
        must(repaired != NULL);
        memcpy(repaired, data, whole_bytes);
        file_repair(repaired, whole_bytes);
        decode(repaired, whole_bytes);
        free(repaired);
    }
    return 0;
}
