// A file and a question about it: reader, graph, analyses and both renderings of the answer.
//
// The last byte of an input says how many bytes before it are WHAT, and those before WHAT are the
// file. Its checksum and counts are repaired first: see repair.h. Whatever the reader accepts must
// be answered, or refused with a reason. Seeds: python3 fuzz/seeds.py
#include <stdlib.h>
#include <string.h>

#include "base/os/pages.h"
#include "mm.h"
#include "repair.h"

enum { MEMORY_BYTES_MAX = 1 << 28, WHAT_BYTES_MAX = 255 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void must(bool condition) {
    if (!condition) {
        abort();
    }
}

static void text_check(const char *text, size_t count) {
    must(strlen(text) == count);
    must(count == 0 || text[count - 1] == '\n');
}

// `what` is the line of source as well: a front takes that from a file of any content.
static void answer_render(const mm_why *why, const char *what, mm_arena *arena, uint8_t choice) {
    mm_why_source source = {.file = what, .line = choice, .text = what};
    mm_report_options options = {
        .width = 40 + choice % 64u, .colour = (choice & 64) != 0, .ascii = (choice & 128) != 0};
    mm_error err = {0};
    const char *text = NULL;
    size_t count = 0;
    if (mm_why_text(why, &source, what != NULL, &options, arena, &text, &count, &err) == MM_OK) {
        text_check(text, count);
    }
    if (mm_refs_text(why, &options, arena, &text, &count, &err) == MM_OK) {
        text_check(text, count);
    }
    if (mm_why_json(why, &source, what != NULL, arena, &text, &count, &err) == MM_OK) {
        must(count > 2 && text[0] == '{');
        text_check(text, count);
    }
}

static void question_ask(const mm_graph *graph, const char *what, uint32_t node, mm_arena *arena,
                         uint8_t choice) {
    mm_why_options options = {.node = node,
                              .leave_out_caller = (choice & 1) != 0,
                              .with_weak = (choice & 2) != 0,
                              .temporary_count = choice >> 6};
    mm_why why;
    mm_error err = {0};
    mm_status status = mm_why_find(graph, what, &options, arena, &why, &err);
    if (status == MM_OK) {
        must(why.chain_count <= why.reference_kind_count);
        answer_render(&why, what, arena, choice);
    } else {
        must(err.code == status && err.message != NULL);
    }
}

static void file_ask(const mm_file *file, const char *what, mm_arena *arena, uint8_t choice) {
    mm_graph graph;
    mm_types types;
    mm_report_options options = {.width = 80};
    mm_error err = {0};
    const char *text = NULL;
    size_t count = 0;
    if (mm_graph_build(file, arena, &graph, &err) != MM_OK) {
        must(err.message != NULL);
        return;
    }
    question_ask(&graph, what, 0, arena, choice);
    if (file->object_count > 0) {
        question_ask(&graph, NULL, choice % file->object_count, arena, choice);
    }
    must(mm_types_count(&graph, arena, &types, &err) == MM_OK || err.message != NULL);
    if (mm_verify_text(file, &options, arena, &text, &count, &err) == MM_OK) {
        text_check(text, count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
    char what[WHAT_BYTES_MAX + 1] = {0};
    if (size_bytes == 0) {
        return 0;
    }
    uint8_t choice = data[--size_bytes];
    size_t what_bytes = choice < size_bytes ? choice : size_bytes;
    size_bytes -= what_bytes;
    memcpy(what, data + size_bytes, what_bytes);
    size_t whole_bytes = size_bytes / 8 * 8;
    if (whole_bytes < FILE_BYTES_MIN) {
        return 0;
    }
    uint8_t *bytes = malloc(whole_bytes);
    must(bytes != NULL);
    memcpy(bytes, data, whole_bytes);
    file_repair(bytes, whole_bytes);
    mm_os_pages pages;
    mm_os_pages_init(&pages);
    pages.limit_bytes = MEMORY_BYTES_MAX;
    mm_arena arena;
    mm_arena_init(&arena, mm_os_pages_view(&pages), 1 << 16);
    mm_file file;
    mm_error err = {0};
    if (mm_file_decode(bytes, whole_bytes, &arena, &file, &err) == MM_OK) {
        file_ask(&file, what, &arena, (uint8_t)(what_bytes > 0 ? choice ^ what[0] : choice));
    }
    mm_os_pages_deinit(&pages);
    free(bytes);
    return 0;
}
