// A capture into memory, with doors that fail when they are told to, and its file laid open.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_heap.h"

static mm_status capture_write(void *context, const void *bytes, size_t count) {
    fake_capture *capture = context;
    if (++capture->write_count == capture->write_fail) {
        return MM_E_IO;
    }
    if (capture->count + count > capture->room) {
        capture->room = 2 * (capture->room + count);
        capture->bytes = realloc(capture->bytes, capture->room);
        if (capture->bytes == NULL) {
            abort();
        }
    }
    memcpy(capture->bytes + capture->count, bytes, count);
    capture->count += count;
    return MM_OK;
}

static void *capture_map(void *context, size_t size_bytes) {
    fake_capture *capture = context;
    if (++capture->map_count == capture->map_fail) {
        return NULL;
    }
    mm_pages pages = mm_os_pages_view(&capture->pages);
    return pages.map(pages.context, size_bytes);
}

void fake_capture_init(fake_capture *capture) {
    memset(capture, 0, sizeof *capture);
    mm_os_pages_init(&capture->pages);
    capture->file_status = MM_E_NOT_FOUND;
}

void fake_capture_deinit(fake_capture *capture) {
    mm_os_pages_deinit(&capture->pages);
    free(capture->bytes);
    capture->bytes = NULL;
}

mm_sink fake_capture_sink(fake_capture *capture) {
    mm_sink sink = {capture_write, capture};
    return sink;
}

mm_pages fake_capture_pages(fake_capture *capture) {
    mm_pages pages = {capture_map, capture};
    return pages;
}

void fake_capture_read(fake_capture *capture) {
    mm_arena arena;
    mm_arena_init(&arena, mm_os_pages_view(&capture->pages), 1 << 20);
    capture->file_status =
        mm_file_decode(capture->bytes, capture->count, &arena, &capture->file, &capture->error);
    if (capture->file_status != MM_OK) {
        printf("# the file is refused: %s at %llu\n", capture->error.message,
               (unsigned long long)capture->error.offset);
    }
}

void fake_capture_run(fake_capture *capture, fake_heap *heap) {
    const mm_target *target = fake_heap_target(heap);
    capture->status = mm_capture(target, fake_capture_pages(capture), fake_capture_sink(capture),
                                 &capture->options, &capture->result);
    if (capture->status == MM_OK) {
        fake_capture_read(capture);
    }
}

static bool reference_same(const mm_file *file, uint32_t at, const fake_reference *expected) {
    uint32_t target = mm_file_find(file, expected->target);
    unsigned naming = expected->naming & 15;
    uint32_t argument = expected->argument;
    if (naming == MM_NAME_VALUE) {
        argument = file->reference_argument[at];  // the key: it stands right before
    }
    if (target == file->reference_target[at] && file->reference_naming[at] == expected->naming &&
        argument == file->reference_argument[at]) {
        return true;
    }
    printf("# expected naming %u argument %u target %#llx, got %u %u %#llx\n", expected->naming,
           expected->argument, (unsigned long long)expected->target, file->reference_naming[at],
           file->reference_argument[at],
           (unsigned long long)file->address[file->reference_target[at]]);
    return false;
}

bool fake_refers(const fake_capture *capture, uint64_t address, const fake_reference *expected,
                 size_t count) {
    const mm_file *file = &capture->file;
    if (capture->file_status != MM_OK) {
        return false;
    }
    uint32_t object = mm_file_find(file, address);
    if (object == MM_NONE) {
        printf("# no object at %#llx\n", (unsigned long long)address);
        return false;
    }
    uint32_t at = file->reference_start[object];
    uint32_t end = file->reference_start[object + 1];
    bool same = end - at == count;
    if (!same) {
        printf("# %u references, expected %zu\n", end - at, count);
    }
    for (size_t i = 0; i < count && at < end; i++, at++) {
        same = reference_same(file, at, &expected[i]) && same;
    }
    for (; at < end; at++) {
        printf("# besides: naming %u argument %u\n", file->reference_naming[at],
               file->reference_argument[at]);
    }
    return same;
}
