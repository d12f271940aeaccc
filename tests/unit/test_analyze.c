// Reach and paths against slow models on random heaps, a very long list, every allocation failing
// once.
#include "mm.h"
#include "report_heaps.h"
#include "tap.h"

enum { NODES = 60, UNREACHED = 1 << 20 };

static mm_os_pages pages;
static mm_arena arena;

static void arena_start(void) {
    mm_os_pages_deinit(&pages);
    mm_arena_init(&arena, mm_os_pages_view(&pages), 1 << 20);
}

static uint32_t random_next(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

// Lists that refer to each other at random, some roots of each level, some ephemerons.
static const mm_file *heap_random(heap *h, uint64_t seed) {
    static const mm_root_kind kinds[] = {MM_ROOT_FRAME, MM_ROOT_INTERPRETER, MM_ROOT_THREAD};
    static const unsigned flags[] = {0, 0, 0, 0, 0, MM_REF_WEAK, MM_REF_BORROWED};
    uint64_t state = seed;
    heap_init(h);
    uint32_t module = heap_module(h, "shop");
    uint32_t first = h->file.object_count;
    for (uint32_t i = 0; i < NODES; i++) {
        heap_object(h, h->list_type, random_next(&state) % 8 == 0 ? 9 : HEAP_EXACT);
    }
    for (uint32_t i = 0; i < NODES + seed % NODES; i++) {
        heap_ref(h, first + random_next(&state) % NODES, first + random_next(&state) % NODES,
                 MM_NAME_INDEX | flags[random_next(&state) % MM_COUNTOF(flags)], i);
    }
    for (uint32_t i = 0; i < 3; i++) {
        heap_root(h, kinds[i], first + random_next(&state) % NODES, MM_NONE, MM_NONE);
    }
    heap_set(h, module, "a", first + random_next(&state) % NODES);
    for (uint32_t i = 0; i < seed % 30; i++) {
        heap_ephemeron(h, first + random_next(&state) % NODES, first + random_next(&state) % NODES,
                       first + random_next(&state) % NODES);
    }
    return heap_file(h);
}

// Spread marks until nothing changes.
static void model_spread(const mm_graph *graph, uint8_t *reached, uint8_t colour) {
    const mm_file *file = graph->file;
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t s = 0; s < file->object_count; s++) {
            for (uint32_t e = file->reference_start[s]; e < file->reference_start[s + 1]; e++) {
                uint8_t *to = &reached[file->reference_target[e]];
                unsigned f = file->reference_naming[e] & (MM_REF_WEAK | MM_REF_BORROWED);
                if (reached[s] != 0 && *to == 0 && f == 0) {
                    *to = colour;
                    changed = true;
                }
            }
        }
        for (uint32_t i = 0; i < file->ephemeron_count; i++) {
            const mm_file_ephemeron *e = &file->ephemerons[i];
            if (reached[e->table] != 0 && reached[e->key] != 0 && reached[e->value] == 0) {
                reached[e->value] = colour;
                changed = true;
            }
        }
    }
}

static bool reach_same(uint64_t seed) {
    heap h;
    mm_graph graph;
    mm_reach reach;
    mm_error err;
    arena_start();
    const mm_file *file = heap_random(&h, seed);
    bool built = mm_graph_build(file, &arena, &graph, &err) == MM_OK &&
                 mm_reach_mark(&graph, &arena, &reach, &err) == MM_OK;
    if (!built) {
        return false;
    }
    uint8_t *model = calloc(file->object_count, 1);
    for (uint32_t i = 0; i < file->root_count; i++) {
        model[file->roots[i].object] = MM_REACHED_NAMED;
    }
    model_spread(&graph, model, MM_REACHED_NAMED);
    for (uint32_t i = 0; i < file->object_count; i++) {
        if (model[i] == 0 && mm_graph_unaccounted(&graph, i) > 0) {
            model[i] = MM_REACHED_BY_C;
        }
    }
    model_spread(&graph, model, MM_REACHED_BY_C);
    bool same = memcmp(model, reach.reached, file->object_count) == 0;
    free(model);
    heap_deinit(&h);
    return same;
}

// Level and length of the best chain, by relaxing until nothing changes: level << 8 | length.
static void model_paths(const mm_graph *graph, uint32_t *cost) {
    const mm_file *file = graph->file;
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t s = 0; s < file->object_count; s++) {
            for (uint32_t e = file->reference_start[s]; e < file->reference_start[s + 1]; e++) {
                uint32_t to = file->reference_target[e];
                if (cost[s] != UNREACHED && mm_graph_edge_owns(graph, e) &&
                    cost[s] + 1 < cost[to]) {
                    cost[to] = cost[s] + 1;
                    changed = true;
                }
            }
        }
    }
}

static bool paths_same(uint64_t seed) {
    heap h;
    mm_graph graph;
    mm_paths paths;
    mm_error err;
    mm_path_options options = {NULL, NULL};
    arena_start();
    const mm_file *file = heap_random(&h, seed * 30);  // without ephemerons
    bool found = mm_graph_build(file, &arena, &graph, &err) == MM_OK &&
                 mm_paths_find(&graph, &options, &arena, &paths, &err) == MM_OK;
    if (!found) {
        return false;
    }
    uint32_t *cost = calloc(file->object_count, sizeof(*cost));
    for (uint32_t i = 0; i < file->object_count; i++) {
        cost[i] = mm_graph_kind(&graph, i) == MM_KIND_MODULE ? 0 : UNREACHED;
    }
    for (uint32_t i = 0; i < file->root_count; i++) {
        uint32_t level = file->roots[i].kind == MM_ROOT_FRAME     ? MM_LEVEL_FRAME
                         : file->roots[i].kind == MM_ROOT_MODULES ? MM_LEVEL_STDLIB
                                                                  : MM_LEVEL_ROOT;
        uint32_t *at = &cost[file->roots[i].object];
        *at = level << 8 < *at ? level << 8 : *at;
    }
    model_paths(&graph, cost);
    for (uint32_t i = 0; i < file->object_count; i++) {
        bool by_c = cost[i] == UNREACHED && mm_graph_unaccounted(&graph, i) > 0;
        cost[i] = by_c ? MM_LEVEL_C << 8 : cost[i];
    }
    model_paths(&graph, cost);
    bool same = true;
    bool walked = true;
    for (uint32_t i = 0; i < file->object_count; i++) {
        bool reached = paths.via[i] != MM_VIA_NOTHING;
        uint32_t have = reached ? (uint32_t)paths.level[i] << 8 | paths.depth[i] : UNREACHED;
        same = same && have == cost[i];
        uint32_t steps = 0;
        for (uint32_t n = i; reached && steps <= NODES; steps++) {
            uint32_t parent = mm_paths_parent(&graph, &paths, n);
            if (parent == MM_NONE) {
                break;
            }
            n = parent;
        }
        walked = walked && (!reached || steps == paths.depth[i]);
    }
    free(cost);
    heap_deinit(&h);
    return same && walked;
}

static bool steps_same(const mm_paths *a, const mm_paths *b, uint32_t node) {
    return a->via[node] == b->via[node] && a->level[node] == b->level[node] &&
           a->link[node] == b->link[node] && a->depth[node] == b->depth[node];
}

// A search that is asked for one node after the other against one that is asked for all.
static bool settled_same(uint64_t seed) {
    heap h;
    mm_graph graph;
    mm_paths whole;
    mm_paths part;
    mm_error err;
    mm_path_options options = {NULL, NULL};
    arena_start();
    const mm_file *file = heap_random(&h, seed);
    bool same = mm_graph_build(file, &arena, &graph, &err) == MM_OK &&
                mm_paths_find(&graph, &options, &arena, &whole, &err) == MM_OK &&
                mm_paths_begin(&graph, &options, &arena, &part, &err) == MM_OK;
    uint32_t count = file->object_count;
    for (uint32_t i = 0; same && i < count; i++) {
        uint32_t node = (uint32_t)((i * 7 + seed) % count);
        same = mm_paths_settle(&part, node) == MM_OK;
        // With its own chain all others on it are known.
        for (uint32_t at = node; same && at != MM_NONE;) {
            same = steps_same(&whole, &part, at);
            at = mm_paths_parent(&graph, &part, at);
        }
    }
    same = same && mm_paths_settle(&part, graph.root_node) == MM_OK;
    heap_deinit(&h);
    return same && whole.search == NULL;
}

static void test_model(uint64_t first_seed, uint64_t count) {
    bool reach = true;
    bool paths = true;
    bool settled = true;
    for (uint64_t seed = first_seed; seed < first_seed + count; seed++) {
        bool right[] = {reach_same(seed), paths_same(seed), settled_same(seed)};
        if (!right[0] || !right[1] || !right[2]) {
            diag("heap %u: %d %d %d", (unsigned)seed, right[0], right[1], right[2]);
        }
        reach = reach && right[0];
        paths = paths && right[1];
        settled = settled && right[2];
    }
    ok(reach, "reach in heaps %u.. equals the fixpoint model's", (unsigned)first_seed);
    ok(paths, "levels and lengths of chains equal the slow model's, and each has its length");
    ok(settled, "a chain that is asked for alone is the same");
}

// head -> node -> node -> ... -> the object asked about.
static void test_long_list(uint32_t count) {
    heap h;
    mm_graph graph;
    mm_why why;
    mm_reach reach;
    mm_error err = {MM_OK, NULL, 0, 0};
    const char *text = "";
    size_t length = 0;
    heap_init(&h);
    uint32_t module = heap_module(&h, "shop");
    heap_class(&h, module, "Node");
    uint32_t node_type = h.file.type_count - 1;
    uint32_t next = heap_name(&h, "next");
    uint32_t node = heap_object(&h, node_type, HEAP_EXACT);
    heap_set(&h, module, "head", node);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t after = heap_object(&h, i + 1 == count ? h.list_type : node_type, HEAP_EXACT);
        heap_ref(&h, node, after, MM_NAME_NAMED, next);
        node = after;
    }
    arena_start();
    mm_why_options options = {.node = node};
    mm_report_options report = {0};
    mm_status status = mm_graph_build(heap_file(&h), &arena, &graph, &err);
    status = status == MM_OK ? mm_reach_mark(&graph, &arena, &reach, &err) : status;
    status = status == MM_OK ? mm_why_find(&graph, NULL, &options, &arena, &why, &err) : status;
    status = status == MM_OK ? mm_why_text(&why, NULL, 0, &report, &arena, &text, &length, &err)
                             : status;
    if (ok(status == MM_OK, "a list of %u nodes", count)) {
        ok(strstr(text, "1 reference: Node.next\n") == text, "its end has one reference");
        ok(strstr(text, "more steps like these") != NULL, "its middle is left out");
        ok(length < 8000, "the answer is short");
        is_u64(reach.garbage_count, 1, "all of it is reached");  // id 0 of the builder
    }
    mm_why_options all = {0};
    status = mm_why_find(&graph, "Node", &all, &arena, &why, &err);
    if (ok(status == MM_OK, "all nodes at once")) {
        is_u64(why.reference_count, count, "each has one reference");
        is_u64(why.reference_kind_count, 3, "of three kinds: the head, and what it and they hold");
        is_text(why.references[0].name, "shop.head", "the head is held by the module");
        ok(why.references[1].among && why.references[2].among, "the others by each other");
    }
    heap_deinit(&h);
}

static mm_status whole_answer(const mm_file *file, const char *what, const char **ret) {
    mm_graph graph;
    mm_why why;
    mm_types types;
    mm_error err = {MM_OK, NULL, 0, 0};
    size_t count = 0;
    mm_why_options options = {0};
    mm_report_options report = {0};
    MM_TRY(mm_graph_build(file, &arena, &graph, &err));
    MM_TRY(mm_why_find(&graph, what, &options, &arena, &why, &err));
    MM_TRY(mm_why_json(&why, NULL, 0, &arena, ret, &count, &err));
    MM_TRY(mm_types_count(&graph, &arena, &types, &err));
    return mm_why_text(&why, NULL, 0, &report, &arena, ret, &count, &err);
}

// With memory for n pages, for every n until it is enough.
static void test_memory(void) {
    heap h;
    heap_shop(&h, 300);
    const mm_file *file = heap_file(&h);
    bool always = true;
    mm_status status = MM_E_NOMEM;
    unsigned n = 1;
    for (; status != MM_OK && n < 2000; n++) {
        const char *text = NULL;
        mm_os_pages_deinit(&pages);
        pages.limit_bytes = (uint64_t)n * 4096;
        mm_arena_init(&arena, mm_os_pages_view(&pages), 4096);
        status = whole_answer(file, "Exam", &text);
        always = always && (status == MM_OK || status == MM_E_NOMEM);
    }
    ok(always, "every answer before there is enough memory is MM_E_NOMEM");
    ok(status == MM_OK && n > 10, "and then there is enough (%u pages)", n);
    pages.limit_bytes = 0;
    heap_deinit(&h);
}

int main(void) {
    mm_os_pages_init(&pages);
    arena_start();
    for (uint64_t seed = 1; seed <= 4000; seed += 1000) {
        test_model(seed, 1000);
    }
    test_long_list(1200000);
    test_memory();
    mm_os_pages_deinit(&pages);
    return done_testing();
}
