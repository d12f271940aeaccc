// Prints what the engine finds in a snapshot, one fact a line, for tests and for whoever changes
// the rules.
//
//     dump_findings FILE     exit status 0, or 1 with the reason on stderr
#include <inttypes.h>
#include <stdio.h>

#include "base/os/pages.h"
#include "explain/findings.h"

static void print_number(const char *label, uint64_t value) {
    if (value == MM_UNKNOWN) {
        printf(" %s=-", label);
    } else {
        printf(" %s=%" PRIu64, label, value);
    }
}

static void print_text(const char *label, const char *text) {
    printf("  %s %s\n", label, text != NULL ? text : "-");
}

static void print_steps(const char *label, const mm_finding_step *steps, uint32_t count) {
    if (count == 0) {
        return;
    }
    printf("  %s", label);
    for (uint32_t i = 0; i < count; i++) {
        printf("%s%s", i == 0 ? " " : " | ", steps[i].object);
        if (steps[i].edge != NULL) {
            printf(" %s%s%s", steps[i].guilty ? "!" : "", steps[i].back ? "^" : "", steps[i].edge);
        }
    }
    printf("\n");
}

static void print_finding(const mm_finding *finding) {
    printf("%s %s\n", finding->hidden ? "hidden" : "finding", mm_finding_kind_text(finding->kind));
    print_text("sentence", finding->sentence);
    print_text("type", finding->type);
    printf("  numbers");
    print_number("count", finding->count);
    print_number("retained", finding->retained_bytes);
    print_number("freed", finding->cut.freed_bytes);
    print_number("others", finding->cut.other_holders);
    print_number("drop", finding->cut.would_drop_at_once);
    printf("\n");
    print_steps("path", finding->path, finding->path_count);
    print_steps("ring", finding->ring, finding->ring_count);
    for (uint32_t i = 0; i < finding->also_count; i++) {
        print_text("also", finding->also_held_by[i]);
    }
    print_text("holder", finding->holder);
    print_text("cut", finding->cut.reference);
    print_text("role", finding->cut.role);
    print_text("cure", finding->cure);
    print_text("cure_text", finding->cure_text);
    printf("  place %s:%" PRIu32 "\n", finding->file != NULL ? finding->file : "-", finding->line);
    printf("  fingerprint %016" PRIx64 "\n", finding->fingerprint);
}

static void print_findings(const mm_findings *found) {
    printf("heap objects=%" PRIu64 " bytes=%" PRIu64 "\n", found->object_count, found->bytes);
    for (uint32_t i = 0; i < found->verdict_count; i++) {
        printf("verdict %s bytes=%" PRIu64 "\n", mm_verdict_text(found->verdicts[i].verdict),
               found->verdicts[i].bytes);
    }
    if (found->verdict_count == 0) {
        printf("verdict %s bytes=0\n", mm_verdict_text(MM_VERDICT_CLEAN));
    }
    for (uint32_t i = 0; i < found->finding_count; i++) {
        print_finding(&found->findings[i]);
    }
    for (uint32_t i = 0; i < found->own_count; i++) {
        const mm_own_objects *own = &found->own[i];
        printf("own %s count=%" PRIu64 " bytes=%" PRIu64 " held by %s\n", own->type, own->count,
               own->bytes, own->held_by != NULL ? own->held_by : "-");
    }
    for (uint32_t i = 0; i < found->note_count; i++) {
        printf("note %s\n", found->notes[i]);
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: dump_findings FILE\n");
        return 2;
    }
    mm_os_pages pages;
    mm_os_pages_init(&pages);
    mm_arena arena;
    mm_arena_init(&arena, mm_os_pages_view(&pages), 1 << 20);
    mm_file file;
    mm_graph graph;
    mm_findings found;
    mm_error err = {0};
    mm_status status = mm_file_open(argv[1], &arena, &file, &err);
    status = status == MM_OK ? mm_graph_build(&file, &arena, &graph, &err) : status;
    status = status == MM_OK ? mm_findings_of_snapshot(&graph, &arena, &found, &err) : status;
    if (status == MM_OK) {
        print_findings(&found);
    } else {
        fprintf(stderr, "dump_findings: %s: %s\n", argv[1], err.message);
    }
    mm_os_pages_deinit(&pages);
    return status == MM_OK ? 0 : 1;
}
