// What each analysis of a heap costs: opens a .mort file, runs them one after the other, and prints
// one line of JSON for each: name, CPU nanoseconds (the least of all rounds) and bytes of arena.
//
// Usage: bench_analyze FILE ROUNDS [EDGES]
// EDGES: a file that the flow graph is written to, for another library to work on: u32 nodes, u32
// edges, u32 root, then source and target of each edge; little endian.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analyze/account.h"
#include "analyze/cut.h"
#include "analyze/freed.h"
#include "analyze/path.h"
#include "analyze/scc.h"
#include "base/os/pages.h"

enum { STEPS_MAX = 16 };

typedef struct step {
    const char *name;
    uint64_t ns;
    uint64_t bytes;
} step;

typedef struct bench {
    step steps[STEPS_MAX];
    unsigned at;
    struct timespec start;
    uint64_t start_bytes;
    mm_arena arena;
} bench;

static void die(const char *what) {
    fprintf(stderr, "bench_analyze: %s\n", what);
    exit(2);
}

static void step_start(bench *b) {
    b->start_bytes = b->arena.taken_bytes;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b->start);
}

static void step_end(bench *b, const char *name, mm_status status) {
    struct timespec end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    if (status != MM_OK || b->at == STEPS_MAX) {
        die(name);
    }
    uint64_t ns = (uint64_t)(end.tv_sec - b->start.tv_sec) * 1000000000u + (uint64_t)end.tv_nsec -
                  (uint64_t)b->start.tv_nsec;
    step *s = &b->steps[b->at++];
    s->ns = s->name == NULL || ns < s->ns ? ns : s->ns;
    s->name = name;
    s->bytes = b->arena.taken_bytes - b->start_bytes;
}

static void edges_write(const mm_flow *flow, const char *path) {
    FILE *out = fopen(path, "wb");
    uint32_t head[3] = {flow->node_count, flow->edge_count, flow->graph->root_node};
    if (out == NULL || fwrite(head, sizeof(head), 1, out) != 1) {
        die(path);
    }
    for (uint32_t node = 0; node < flow->node_count; node++) {
        for (uint32_t edge = flow->start[node]; edge < flow->start[node + 1]; edge++) {
            uint32_t pair[2] = {node, flow->target[edge]};
            if (fwrite(pair, sizeof(pair), 1, out) != 1) {
                die(path);
            }
        }
    }
    if (fclose(out) != 0) {
        die(path);
    }
}

// The largest container, the usual suspect.
static uint32_t largest_source(const mm_file *file) {
    uint32_t best = 0;
    for (uint32_t node = 0; node < file->object_count; node++) {
        uint32_t count = file->reference_start[node + 1] - file->reference_start[node];
        if (count > file->reference_start[best + 1] - file->reference_start[best]) {
            best = node;
        }
    }
    return best;
}

// A check against other libraries: sums of what was found.
typedef struct sums {
    uint64_t idom;
    uint32_t cycles;
    uint32_t flow_nodes;
    uint32_t flow_edges;
    uint32_t exact_basis_points;
} sums;

static void round_run(bench *b, const mm_file *file, const char *edges, sums *ret) {
    mm_error err;
    mm_graph graph;
    mm_reach reach;
    mm_flow flow;
    mm_dominators tree;
    uint64_t *retained = NULL;
    mm_freed freed;
    mm_scc scc;
    uint8_t *left_out = NULL;
    mm_paths paths;
    mm_account account;
    mm_cutter cutter;
    mm_cut cut;
    mm_cut_effect effect;
    mm_path_options options;
    memset(&options, 0, sizeof(options));
    b->at = 0;
    step_start(b);
    step_end(b, "graph", mm_graph_build(file, &b->arena, &graph, &err));
    step_start(b);
    step_end(b, "reach", mm_reach_mark(&graph, &b->arena, &reach, &err));
    step_start(b);
    step_end(b, "flow", mm_flow_build(&graph, &reach, &b->arena, &flow, &err));
    step_start(b);
    step_end(b, "dominators", mm_dominators_find(&flow, &b->arena, &tree, &err));
    step_start(b);
    step_end(b, "retained", mm_retained_sum(&tree, &b->arena, &retained, &err));
    step_start(b);
    step_end(b, "freed", mm_freed_find(&tree, retained, &b->arena, &freed, &err));
    step_start(b);
    mm_status status = mm_scc_cut(&flow, &b->arena, &left_out, &err);
    status = status == MM_OK ? mm_scc_find(&flow, left_out, &b->arena, &scc, &err) : status;
    step_end(b, "cycles", status);
    ret->cycles = scc.count;
    step_start(b);
    step_end(b, "account", mm_account_find(&graph, &b->arena, &account, &err));
    step_start(b);
    step_end(b, "paths", mm_paths_find(&graph, &options, &b->arena, &paths, &err));
    uint32_t source = largest_source(file);
    status = mm_cutter_init(&graph, &reach, &b->arena, &cutter, &err);
    status = status == MM_OK ? mm_cut_select(&graph, source, file->reference_start[source],
                                             &b->arena, &cut, &err)
                             : status;
    mm_cutter_measure(&cutter, &cut, NULL, 0, &effect);
    step_start(b);
    mm_cutter_measure(&cutter, &cut, NULL, 0, &effect);
    step_end(b, "one cut", status);
    // As a library that knows nothing of types and modules would: the whole graph.
    uint8_t *nothing = MM_ARENA_NEW(&b->arena, uint8_t, (size_t)file->object_count + 1);
    step_start(b);
    step_end(b, "cycles, nothing left out",
             nothing == NULL ? MM_E_NOMEM : mm_scc_find(&flow, nothing, &b->arena, &scc, &err));
    ret->idom = 0;
    for (uint32_t node = 0; node < flow.node_count; node++) {
        ret->idom += tree.idom[node] == MM_NONE ? 0 : tree.idom[node];
    }
    ret->flow_nodes = flow.node_count;
    ret->flow_edges = flow.edge_count;
    ret->exact_basis_points = account.exact_basis_points;
    if (edges != NULL) {
        edges_write(&flow, edges);
    }
}

int main(int argc, char **argv) {
    static bench b;
    mm_os_pages file_pages;
    mm_os_pages pages;
    mm_arena file_arena;
    mm_file file;
    mm_error err = {MM_OK, NULL, 0, 0};
    sums found = {0};
    if (argc < 3) {
        die("usage: bench_analyze FILE ROUNDS [EDGES]");
    }
    mm_os_pages_init(&file_pages);
    mm_os_pages_init(&pages);
    mm_arena_init(&file_arena, mm_os_pages_view(&file_pages), 1 << 22);
    if (mm_file_open(argv[1], &file_arena, &file, &err) != MM_OK) {
        die(err.message);
    }
    int rounds = (int)strtol(argv[2], NULL, 10);
    for (int round = 0; round < rounds; round++) {
        mm_os_pages_deinit(&pages);
        mm_arena_init(&b.arena, mm_os_pages_view(&pages), 1 << 20);
        round_run(&b, &file, round == 0 && argc > 3 ? argv[3] : NULL, &found);
    }
    for (unsigned i = 0; i < b.at; i++) {
        printf("{\"step\": \"%s\", \"ns\": %llu, \"bytes\": %llu}\n", b.steps[i].name,
               (unsigned long long)b.steps[i].ns, (unsigned long long)b.steps[i].bytes);
    }
    printf(
        "{\"objects\": %u, \"references\": %u, \"nodes\": %u, \"edges\": %u, \"cycles\": %u,"
        " \"idom_sum\": %llu, \"exact_basis_points\": %u}\n",
        file.object_count, file.reference_count, found.flow_nodes, found.flow_edges, found.cycles,
        (unsigned long long)found.idom, found.exact_basis_points);
    mm_os_pages_deinit(&pages);
    mm_os_pages_deinit(&file_pages);
    return 0;
}
