// Prints what analyses say of a snapshot, for tests/py.
//
//     dump_analysis FILE dominated TYPE
//     dump_analysis FILE account
//
// dominated: one line for each object: its address in hexadecimal, its type, and letters: d =
// dominated by the set of the instances of TYPE, i = immortal, c = has references that nobody
// accounts for, r = a root.
// account: mortal objects, those exactly explained, with references missing, with too many; then a
// line for each type with its objects, missing references, and objects with too many.
// Exit status 0, or 1 with the reason on stderr.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyze/account.h"
#include "analyze/cut.h"
#include "base/os/pages.h"

static MM_STATUS dominated_print(const mm_file *file, const char *type, mm_arena *arena,
                                 mm_error *err) {
    mm_graph graph;
    mm_reach reach;
    mm_cutter cutter;
    mm_cut_effect effect;
    uint32_t count = 0;
    uint32_t *nodes = MM_ARENA_NEW(arena, uint32_t, (size_t)file->object_count + 1);
    if (nodes == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory for the instances", 0);
    }
    MM_TRY(mm_graph_build(file, arena, &graph, err));
    MM_TRY(mm_reach_mark(&graph, arena, &reach, err));
    MM_TRY(mm_cutter_init(&graph, &reach, arena, &cutter, err));
    for (uint32_t node = 0; node < file->object_count; node++) {
        char text[256];
        (void)mm_graph_type_text(&graph, file->type[node], text, sizeof(text));
        if (strcmp(text, type) == 0) {
            nodes[count++] = node;
        }
    }
    mm_cutter_take_out(&cutter, nodes, count, &effect);
    for (uint32_t node = 0; node < file->object_count; node++) {
        char text[256];
        (void)mm_graph_type_text(&graph, file->type[node], text, sizeof(text));
        bool dominated = (cutter.mark[node] & MM_CUT_FREED) != 0;
        bool immortal = file->refcount[node] == MM_NONE;
        bool by_c = mm_graph_unaccounted(&graph, node) > 0;
        bool root = (graph.node_flags[node] & MM_NODE_ROOT) != 0;
        printf("%" PRIx64 " %s %s%s%s%s\n", file->address[node], text, dominated ? "d" : "",
               immortal ? "i" : "", by_c ? "c" : "", root ? "r" : "");
    }
    return MM_OK;
}

static MM_STATUS account_print(const mm_file *file, mm_arena *arena, mm_error *err) {
    mm_graph graph;
    mm_account account;
    MM_TRY(mm_graph_build(file, arena, &graph, err));
    MM_TRY(mm_account_find(&graph, arena, &account, err));
    printf("%" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 "\n", account.mortal_count,
           account.exact_count, account.missing_count, account.excess_count);
    for (uint32_t i = 0; i < account.row_count; i++) {
        const mm_account_row *row = &account.rows[i];
        char text[256];
        (void)mm_graph_type_text(&graph, row->type, text, sizeof(text));
        printf("%" PRIu32 " %" PRIu64 " %" PRIu32 " %s\n", row->object_count, row->missing_count,
               row->excess_count, text);
    }
    return MM_OK;
}

int main(int argc, char **argv) {
    mm_os_pages pages;
    mm_arena arena;
    mm_file file;
    mm_error err = {MM_OK, NULL, 0, 0};
    bool dominated = argc == 4 && strcmp(argv[2], "dominated") == 0;
    if (!dominated && (argc != 3 || strcmp(argv[2], "account") != 0)) {
        fprintf(stderr, "usage: dump_analysis FILE dominated TYPE | FILE account\n");
        return 1;
    }
    mm_os_pages_init(&pages);
    mm_arena_init(&arena, mm_os_pages_view(&pages), 1 << 20);
    mm_status status = mm_file_open(argv[1], &arena, &file, &err);
    if (status == MM_OK) {
        status = dominated ? dominated_print(&file, argv[3], &arena, &err)
                           : account_print(&file, &arena, &err);
    }
    if (status != MM_OK) {
        fprintf(stderr, "dump_analysis: %s\n", err.message);
    }
    mm_os_pages_deinit(&pages);
    return status == MM_OK ? 0 : 1;
}
