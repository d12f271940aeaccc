// Prints what the reader makes of a file, in the form of `tools/readheap.py --dump`: two readers
// written from one specification must print the same.
//
//     dump_heap FILE     exit status 0, or 1 with the offset and the reason on stderr
#include <inttypes.h>
#include <stdio.h>

#include "base/os/pages.h"
#include "format/read.h"

static void print_text(const char *text) {
    putchar('"');
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte < 0x20 || byte == 0x7f || byte == '"' || byte == '\\') {
            printf("\\x%02x", byte);
        } else {
            putchar(byte);
        }
    }
    putchar('"');
}

static void print_or_none(const char *label, uint32_t value) {
    if (value == MM_NONE) {
        printf("%s-", label);
    } else {
        printf("%s%" PRIu32, label, value);
    }
}

static void print_types(const mm_file *file) {
    for (uint32_t i = 0; i < file->type_count; i++) {
        const mm_file_type *type = &file->types[i];
        printf("type %" PRIu32, i);
        print_or_none(" object=", type->object);
        printf(" name=");
        print_text(type->name);
        printf(" kind=%" PRIu32 " flags=%" PRIu32 " size=%" PRIu64 " item=%" PRIu64, type->kind,
               type->flags, type->size_bytes, type->item_bytes);
        print_or_none(" base=", type->base);
        printf("\n");
        for (uint32_t j = type->field_start; j < type->field_start + type->field_count; j++) {
            printf("field %" PRIu32 " %" PRIu32 " ", file->fields[j].word, file->fields[j].flags);
            print_text(file->fields[j].name);
            printf("\n");
        }
        for (uint32_t j = type->key_start; j < type->key_start + type->key_count; j++) {
            print_or_none("key ", file->keys[j]);
            printf("\n");
        }
    }
}

static void print_objects(const mm_file *file) {
    for (uint32_t i = 0; i < file->object_count; i++) {
        printf("object %" PRIu32 " address=0x%" PRIx64 " type=%" PRIu32, i, file->address[i],
               file->type[i]);
        print_or_none(" refcount=", file->refcount[i]);
        printf(" size=%" PRIu64 " storage=%" PRIu64 " flags=%u\n", mm_file_size_of(file, i),
               mm_file_storage_of(file, i), file->object_flags[i]);
        for (uint32_t j = file->reference_start[i]; j < file->reference_start[i + 1]; j++) {
            unsigned naming = file->reference_naming[j];
            printf("reference %" PRIu32 " naming=%u flags=%u", file->reference_target[j],
                   naming & 15, naming & 0xf0);
            print_or_none(" argument=", file->reference_argument[j]);
            printf("\n");
        }
    }
}

static void print_outside(const mm_file *file) {
    for (uint32_t i = 0; i < file->thread_count; i++) {
        const mm_file_thread *thread = &file->threads[i];
        printf("thread interpreter=%" PRIu32 " native=%" PRIu64 " flags=%" PRIu32 "\n",
               thread->interpreter, thread->native_id, thread->flags);
    }
    for (uint32_t i = 0; i < file->frame_count; i++) {
        const mm_file_frame *frame = &file->frames[i];
        printf("frame thread=%" PRIu32, frame->thread);
        print_or_none(" code=", frame->code);
        printf(" line=%" PRIu32 " flags=%" PRIu32 "\n", frame->line, frame->flags);
    }
    for (uint32_t i = 0; i < file->root_count; i++) {
        const mm_file_root *root = &file->roots[i];
        printf("root kind=%u flags=%u owner=%" PRIu32, root->kind, root->flags, root->owner);
        print_or_none(" name=", root->name);
        print_or_none(" frame=", root->frame);
        printf(" object=%" PRIu32 "\n", root->object);
    }
}

static void print_small(const mm_file *file) {
    for (uint32_t i = 0; i < file->fact_count; i++) {
        printf("fact %" PRIu32 " %" PRIu32 " %" PRIu64 "\n", file->facts[i].object,
               file->facts[i].fact, file->facts[i].value);
    }
    for (uint32_t i = 0; i < file->text_count; i++) {
        printf("text %" PRIu32 " ", file->texts[i].object);
        print_text(file->texts[i].text);
        printf("\n");
    }
    for (uint32_t i = 0; i < file->ephemeron_count; i++) {
        printf("ephemeron %" PRIu32 " %" PRIu32 " %" PRIu32 "\n", file->ephemerons[i].table,
               file->ephemerons[i].key, file->ephemerons[i].value);
    }
}

static void print_census(const mm_file *file) {
    for (uint32_t i = 0; i < file->census_type_count; i++) {
        const mm_file_census_type *census = &file->census_types[i];
        printf("census type=%" PRIu32 " blocks=%" PRIu64 " bytes=%" PRIu64 " loose=%" PRIu64 "\n",
               census->type, census->blocks, census->bytes, census->loose);
    }
    for (uint32_t i = 0; i < file->census_size_count; i++) {
        const mm_file_census_size *census = &file->census_sizes[i];
        printf("blocks size=%" PRIu64 " used=%" PRIu64 " free=%" PRIu64 "\n", census->size_bytes,
               census->used, census->free);
    }
    for (uint32_t i = 0; i < file->census_raw_count; i++) {
        printf("raw size=%" PRIu64 " blocks=%" PRIu64 "\n", file->census_raws[i].size_bytes,
               file->census_raws[i].blocks);
    }
}

static void print_file(const mm_file *file) {
    printf("file bytes=%" PRIu64 " objects=%" PRIu32 " references=%" PRIu32 " incomplete=%" PRId32
           "\n",
           file->file_bytes, file->object_count, file->reference_count, file->incomplete);
    for (uint32_t i = 0; i < file->meta_count; i++) {
        printf("meta ");
        print_text(file->meta[i].key);
        printf(" ");
        print_text(file->meta[i].value);
        printf("\n");
    }
    for (uint32_t i = 0; i < file->name_count; i++) {
        printf("name %" PRIu32 " ", i);
        print_text(file->names[i]);
        printf("\n");
    }
    print_types(file);
    print_objects(file);
    print_outside(file);
    print_small(file);
    print_census(file);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: dump_heap FILE\n");
        return 2;
    }
    mm_os_pages pages;
    mm_os_pages_init(&pages);
    mm_arena arena;
    mm_arena_init(&arena, mm_os_pages_view(&pages), 1 << 20);
    mm_file file;
    mm_error err = {0};
    mm_status status = mm_file_open(argv[1], &arena, &file, &err);
    if (status == MM_OK) {
        print_file(&file);
    } else {
        fprintf(stderr, "dump_heap: %s: byte %" PRIu64 ": %s\n", argv[1], err.offset, err.message);
    }
    mm_os_pages_deinit(&pages);
    return status == MM_OK ? 0 : 1;
}
