// Bytes into the reader of .mort files.
//
// Each input is read as it is, and with what a fuzzer never guesses repaired. Whatever is accepted
// must keep the promises of read.h. Seeds: python3 fuzz/seeds.py
#include <stdlib.h>
#include <string.h>

#include "base/os/pages.h"
#include "format/read.h"
#include "repair.h"

enum { MEMORY_BYTES_MAX = 1 << 28 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void must(bool condition) {
    if (!condition) {
        abort();
    }
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
    if (whole_bytes >= FILE_BYTES_MIN) {
        uint8_t *repaired = malloc(whole_bytes);
        must(repaired != NULL);
        memcpy(repaired, data, whole_bytes);
        file_repair(repaired, whole_bytes);
        decode(repaired, whole_bytes);
        free(repaired);
    }
    return 0;
}
