// Cuts against a slow model: one reach without the references, by the exact rule for ephemerons,
// and a cascade that counts every reference anew until nothing changes.
#include "flow_model.h"
#include "tap.h"

static mm_os_pages pages;
static mm_arena arena;

static void arena_start(void) {
    mm_os_pages_deinit(&pages);
    mm_arena_init(&arena, mm_os_pages_view(&pages), pages.limit_bytes != 0 ? 4096 : 1 << 20);
}

static bool slow_has(const mm_cut *cut, uint32_t edge) {
    for (uint32_t i = 0; i < cut->edge_count; i++) {
        if (cut->edges[i] == edge) {
            return true;
        }
    }
    return false;
}

static bool slow_owned_root(const mm_file_root *root) {
    return (root->flags & (MM_REF_WEAK | MM_REF_BORROWED)) == 0;
}

// `out`: objects that are not entered.
static void slow_reach_without(const mm_graph *graph, const mm_reach *reach, const mm_cut *cut,
                               const uint8_t *out, uint8_t *live) {
    const mm_file *file = graph->file;
    memset(live, 0, MODEL_NODES_MAX);
    for (uint32_t i = 0; i < file->root_count; i++) {
        live[file->roots[i].object] |= slow_owned_root(&file->roots[i]);
    }
    for (uint32_t n = 0; n < file->object_count; n++) {
        live[n] |= mm_graph_unaccounted(graph, n) > 0 ||
                   (file->refcount[n] == MM_NONE && reach->reached[n] != MM_REACHED_NOT);
    }
    for (uint32_t n = 0; n < file->object_count; n++) {
        live[n] = out[n] != 0 ? 0 : live[n];
    }
    for (bool changed = true; changed;) {
        uint8_t before[MODEL_NODES_MAX];
        memcpy(before, live, sizeof(before));
        for (uint32_t n = 0; n < file->object_count; n++) {
            for (uint32_t e = file->reference_start[n]; e < file->reference_start[n + 1]; e++) {
                uint32_t target = file->reference_target[e];
                if (live[n] != 0 && mm_graph_edge_owns(graph, e) && !slow_has(cut, e)) {
                    live[target] = out[target] == 0;
                }
            }
            uint32_t class_node = mm_graph_type_object(graph, n);
            if (live[n] != 0 && class_node != MM_NONE) {
                live[class_node] = out[class_node] == 0;
            }
        }
        for (uint32_t i = 0; i < file->ephemeron_count; i++) {
            const mm_file_ephemeron *e = &file->ephemerons[i];
            live[e->value] |= (uint8_t)(live[e->table] & live[e->key] & (out[e->value] == 0));
        }
        changed = memcmp(before, live, sizeof(before)) != 0;
    }
}

static void slow_reach(const mm_graph *graph, const mm_reach *reach, const mm_cut *cut,
                       uint8_t *live) {
    static const uint8_t nothing[MODEL_NODES_MAX] = {0};
    slow_reach_without(graph, reach, cut, nothing, live);
}

// An object has gone when all its references have: cut, or from objects that have gone.
static void slow_cascade(const mm_graph *graph, const mm_cut *cut, uint8_t *gone) {
    const mm_file *file = graph->file;
    memset(gone, 0, MODEL_NODES_MAX);
    for (bool changed = true; changed;) {
        changed = false;
        uint32_t lost[MODEL_NODES_MAX] = {0};
        for (uint32_t n = 0; n < file->object_count; n++) {
            for (uint32_t e = file->reference_start[n]; e < file->reference_start[n + 1]; e++) {
                bool loses = slow_has(cut, e) || (gone[n] != 0 && mm_graph_edge_owns(graph, e));
                lost[file->reference_target[e]] += loses;
            }
            uint32_t class_node = mm_graph_type_object(graph, n);
            if (gone[n] != 0 && class_node != MM_NONE) {
                lost[class_node]++;
            }
        }
        for (uint32_t n = 0; n < file->object_count; n++) {
            if (gone[n] == 0 && lost[n] > 0 && file->refcount[n] < MM_NONE - 1 &&
                lost[n] >= file->refcount[n]) {
                gone[n] = 1;
                changed = true;
            }
        }
    }
}

// `live`: what stays.
static uint64_t slow_holders(const mm_graph *graph, const mm_cut *cut, const uint8_t *live,
                             const uint8_t *held) {
    const mm_file *file = graph->file;
    uint64_t holders = 0;
    for (uint32_t n = 0; n < file->object_count; n++) {
        for (uint32_t e = file->reference_start[n]; e < file->reference_start[n + 1]; e++) {
            uint32_t target = file->reference_target[e];
            holders += live[n] != 0 && held[target] != 0 && target != n &&
                       mm_graph_edge_owns(graph, e) && !slow_has(cut, e);
        }
        uint32_t class_node = mm_graph_type_object(graph, n);
        holders +=
            live[n] != 0 && class_node != MM_NONE && class_node != n && held[class_node] != 0;
    }
    for (uint32_t i = 0; i < file->root_count; i++) {
        holders += slow_owned_root(&file->roots[i]) && held[file->roots[i].object] != 0;
    }
    for (uint32_t i = 0; i < file->ephemeron_count; i++) {
        const mm_file_ephemeron *e = &file->ephemerons[i];
        holders += live[e->table] != 0 && live[e->key] != 0 && held[e->value] != 0;
    }
    return holders;
}

static bool cut_equal(const mm_graph *graph, const mm_reach *reach, const mm_cut *cut,
                      mm_cutter *cutter) {
    const mm_file *file = graph->file;
    uint8_t live[MODEL_NODES_MAX];
    uint8_t gone[MODEL_NODES_MAX];
    uint8_t held[MODEL_NODES_MAX] = {0};
    mm_cut_effect effect;
    mm_cut_effect expected = {0};
    for (uint32_t i = 0; i < cut->edge_count; i++) {
        held[file->reference_target[cut->edges[i]]] = 1;
    }
    slow_reach(graph, reach, cut, live);
    slow_cascade(graph, cut, gone);
    for (uint32_t n = 0; n < file->object_count; n++) {
        uint64_t bytes = (uint64_t)file->size_bytes[n] + file->storage_bytes[n];
        bool freed = live[n] == 0 && reach->reached[n] != MM_REACHED_NOT;
        expected.freed_count += freed;
        expected.freed_bytes += freed ? bytes : 0;
        expected.waiting_count += freed && gone[n] == 0;
        expected.drop_count += gone[n];
        expected.drop_bytes += gone[n] != 0 ? bytes : 0;
        expected.drop_held += gone[n] != 0 && held[n] != 0;
        expected.c_holders += held[n] != 0 ? mm_graph_unaccounted(graph, n) : 0;
    }
    expected.other_holders = slow_holders(graph, cut, live, held);
    mm_cutter_measure(cutter, cut, NULL, 0, &effect);
    return memcmp(&effect, &expected, sizeof(effect)) == 0;
}

// One after the other, what was chosen before left out.
static bool slow_select_all(const mm_graph *graph, const uint32_t *edges, uint32_t count,
                            const mm_cut *cut) {
    const mm_file *file = graph->file;
    uint8_t chosen[MODEL_EDGES_MAX] = {0};
    uint32_t entries = 0;
    uint32_t all = 0;
    bool same = true;
    uint32_t source = MM_NONE;
    for (uint32_t i = 0; i < count; i++) {
        mm_cut one;
        mm_error err;
        uint32_t from = mm_graph_edge_source(graph, edges[i]);
        bool made = mm_cut_select(graph, from, edges[i], &arena, &one, &err) == MM_OK;
        bool is_new = chosen[edges[i]] == 0;
        for (uint32_t e = 0; made && e < one.edge_count; e++) {
            same = same && (is_new || chosen[one.edges[e]] != 0);
            chosen[one.edges[e]] = 1;
        }
        entries += is_new ? one.entry_count : 0;
        same = same && made;
    }
    bool several = false;
    for (uint32_t e = 0; e < file->reference_count; e++) {
        same = same && (chosen[e] != 0) == slow_has(cut, e);
        all += chosen[e];
        several = several ||
                  (chosen[e] != 0 && source != MM_NONE && source != mm_graph_edge_source(graph, e));
        source = chosen[e] != 0 ? mm_graph_edge_source(graph, e) : source;
    }
    return same && all == cut->edge_count && entries == cut->entry_count &&
           cut->source == (several ? MM_NONE : source);
}

// A few references of any sources together.
static bool several_equal(const mm_graph *graph, const mm_reach *reach, mm_cutter *cutter,
                          uint64_t *state) {
    uint32_t edges[6];
    mm_cut cut;
    mm_error err;
    uint32_t count = 1 + model_random(state, MM_COUNTOF(edges));
    uint32_t owned = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t edge = model_random(state, graph->file->reference_count);
        if (mm_graph_edge_owns(graph, edge)) {
            edges[owned++] = edge;
        }
    }
    return mm_cut_select_all(graph, edges, owned, &arena, &cut, &err) == MM_OK &&
           slow_select_all(graph, edges, owned, &cut) && cut_equal(graph, reach, &cut, cutter);
}

// As if one reference of what waits, and all that are alike it, had been weak.
static bool waiting_equal(const mm_graph *graph, const mm_reach *reach, const mm_scc *rings,
                          mm_cutter *cutter, uint32_t edge, uint32_t *ret_freed) {
    const mm_file *file = graph->file;
    uint32_t nodes[MODEL_NODES_MAX];
    uint8_t gone[MODEL_NODES_MAX];
    uint8_t held[MODEL_NODES_MAX] = {0};
    uint8_t stays[MODEL_NODES_MAX];
    uint32_t count = 0;
    uint32_t first = mm_graph_edge_source(graph, edge);
    uint32_t first_target = file->reference_target[edge];
    mm_cut cut;
    mm_cut_effect effect;
    mm_cut_effect expected = {0};
    mm_error err;
    for (uint32_t n = 0; n < file->object_count; n++) {
        nodes[count] = n;
        count += reach->reached[n] == MM_REACHED_NOT;
    }
    if (mm_cut_select_alike(graph, edge, nodes, count, rings->of, &arena, &cut, &err) != MM_OK) {
        return false;
    }
    for (uint32_t e = 0; e < file->reference_count; e++) {
        uint32_t source = mm_graph_edge_source(graph, e);
        uint32_t target = file->reference_target[e];
        bool index = mm_file_naming(file, e) == MM_NAME_INDEX;
        bool alike = reach->reached[source] == MM_REACHED_NOT && rings->of[source] != MM_NONE &&
                     rings->of[source] == rings->of[target] && mm_graph_edge_owns(graph, e) &&
                     file->type[source] == file->type[first] &&
                     file->type[target] == file->type[first_target] &&
                     mm_file_naming(file, e) == mm_file_naming(file, edge) &&
                     (index || file->reference_argument[e] == file->reference_argument[edge]);
        if (alike != slow_has(&cut, e)) {
            return false;
        }
        held[target] |= alike;
    }
    slow_cascade(graph, &cut, gone);
    for (uint32_t n = 0; n < file->object_count; n++) {
        uint64_t bytes = (uint64_t)file->size_bytes[n] + file->storage_bytes[n];
        stays[n] = reach->reached[n] == MM_REACHED_NOT && gone[n] == 0;
        expected.drop_count += gone[n];
        expected.drop_bytes += gone[n] != 0 ? bytes : 0;
        expected.drop_held += gone[n] != 0 && held[n] != 0;
    }
    expected.freed_count = expected.drop_count;
    expected.freed_bytes = expected.drop_bytes;
    expected.other_holders = slow_holders(graph, &cut, stays, held);
    mm_cutter_measure_waiting(cutter, &cut, NULL, 0, &effect);
    *ret_freed += effect.freed_count > 0;
    return memcmp(&effect, &expected, sizeof(effect)) == 0;
}

// What a set retains, by reaching everything without it.
static bool taken_out_equal(const mm_graph *graph, const mm_reach *reach, mm_cutter *cutter,
                            uint64_t *state) {
    const mm_file *file = graph->file;
    static const mm_cut nothing = {.source = MM_NONE};
    uint32_t nodes[4];
    uint8_t out[MODEL_NODES_MAX] = {0};
    uint8_t live[MODEL_NODES_MAX];
    mm_cut_effect effect;
    uint64_t bytes = 0;
    uint64_t count = 0;
    for (uint32_t i = 0; i < 4; i++) {
        nodes[i] = model_random(state, file->object_count);
        out[nodes[i]] = 1;
    }
    slow_reach_without(graph, reach, &nothing, out, live);
    mm_cutter_take_out(cutter, nodes, MM_COUNTOF(nodes), &effect);
    for (uint32_t n = 0; n < file->object_count; n++) {
        bool freed = live[n] == 0 && reach->reached[n] != MM_REACHED_NOT;
        if (freed != ((cutter->mark[n] & MM_CUT_FREED) != 0)) {
            return false;
        }
        count += freed;
        bytes += freed ? (uint64_t)file->size_bytes[n] + file->storage_bytes[n] : 0;
    }
    return effect.freed_count == count && effect.freed_bytes == bytes && effect.drop_count == 0 &&
           effect.waiting_count == 0 && effect.other_holders == 0;
}

static mm_status everything_of(const mm_file *file, mm_graph *graph, mm_reach *reach, mm_scc *scc,
                               mm_cutter *cutter) {
    mm_flow flow;
    mm_error err = {MM_OK, NULL, 0, 0};
    uint8_t *nothing = MM_ARENA_NEW(&arena, uint8_t, (size_t)file->object_count + 1);
    if (nothing == NULL) {
        return MM_E_NOMEM;
    }
    MM_TRY(mm_graph_build(file, &arena, graph, &err));
    MM_TRY(mm_reach_mark(graph, &arena, reach, &err));
    MM_TRY(mm_flow_build(graph, reach, &arena, &flow, &err));
    MM_TRY(mm_scc_find(&flow, nothing, &arena, scc, &err));
    return mm_cutter_init(graph, reach, &arena, cutter, &err);
}

static void test_sets(uint64_t first_seed, uint64_t count) {
    bool several = true;
    bool waiting = true;
    bool sets = true;
    uint32_t freed = 0;
    for (uint64_t seed = first_seed; seed < first_seed + count; seed++) {
        heap h;
        mm_graph graph;
        mm_reach reach;
        mm_scc rings;
        mm_cutter cutter;
        uint64_t state = seed + 77;
        arena_start();
        const mm_file *file = model_heap(&h, seed, seed % 2 == 0);
        several = several && everything_of(file, &graph, &reach, &rings, &cutter) == MM_OK;
        for (uint32_t i = 0; several && i < 8 && file->reference_count > 0; i++) {
            several = several_equal(&graph, &reach, &cutter, &state);
            sets = sets && taken_out_equal(&graph, &reach, &cutter, &state);
        }
        for (uint32_t e = 0; several && waiting && e < file->reference_count; e++) {
            uint32_t source = mm_graph_edge_source(&graph, e);
            if (reach.reached[source] == MM_REACHED_NOT && mm_graph_edge_owns(&graph, e)) {
                waiting = waiting_equal(&graph, &reach, &rings, &cutter, e, &freed);
            }
        }
        heap_deinit(&h);
    }
    ok(several, "cuts of several containers in heaps %u..", (unsigned)first_seed);
    ok(waiting && freed > 0, "weak references in what waits: %u would have freed something", freed);
    ok(sets, "what sets of objects retain");
}

static void test_model(uint64_t first_seed, uint64_t count) {
    bool found = true;
    bool equal = true;
    uint32_t cuts = 0;
    for (uint64_t seed = first_seed; seed < first_seed + count; seed++) {
        heap h;
        mm_graph graph;
        mm_reach reach;
        mm_cutter cutter;
        mm_error err;
        arena_start();
        const mm_file *file = model_heap(&h, seed, seed % 2 == 0);
        found = found && mm_graph_build(file, &arena, &graph, &err) == MM_OK &&
                mm_reach_mark(&graph, &arena, &reach, &err) == MM_OK &&
                mm_cutter_init(&graph, &reach, &arena, &cutter, &err) == MM_OK;
        for (uint32_t e = 0; found && e < file->reference_count; e += 3) {
            mm_cut cut;
            found = mm_cut_select(&graph, mm_graph_edge_source(&graph, e), e, &arena, &cut, &err) ==
                    MM_OK;
            bool right = found && cut_equal(&graph, &reach, &cut, &cutter);
            if (!right && equal) {
                diag("heap %u, reference %u", (unsigned)seed, e);
            }
            equal = equal && right;
            cuts++;
        }
        heap_deinit(&h);
    }
    ok(found, "cuts in heaps %u..", (unsigned)first_seed);
    ok(equal, "the effect of %u cuts equals the slow model's", cuts);
}

// Within._seen = {exam: mark}; each exam is in a cycle with its answers or not.
static void test_seen(void) {
    heap h;
    mm_graph graph;
    mm_reach reach;
    mm_cutter cutter;
    mm_cut cut;
    mm_cut_effect effect;
    mm_error err;
    uint32_t exams[10];
    heap_init(&h);
    uint32_t shop = heap_module(&h, "shop");
    heap_class(&h, shop, "Exam");
    uint32_t type = h.file.type_count - 1;
    uint32_t within = heap_class(&h, shop, "Within");
    uint32_t seen = heap_object(&h, h.dict_type, HEAP_EXACT);
    heap_set(&h, within, "_seen", seen);
    uint32_t mark = heap_object(&h, h.int_type, HEAP_EXACT);
    for (uint32_t i = 0; i < 10; i++) {
        exams[i] = heap_object(&h, type, HEAP_EXACT);
        uint32_t answers = heap_object(&h, h.list_type, HEAP_EXACT);
        heap_entry(&h, seen, exams[i], mark);
        heap_ref(&h, exams[i], answers, MM_NAME_NAMED, 0);
        if (i >= 7) {
            heap_ref(&h, answers, exams[i], MM_NAME_INDEX, 0);
        }
    }
    heap_set(&h, shop, "mark", mark);
    heap_set(&h, shop, "last", exams[0]);
    const mm_file *file = heap_file(&h);
    arena_start();
    bool found =
        mm_graph_build(file, &arena, &graph, &err) == MM_OK &&
        mm_reach_mark(&graph, &arena, &reach, &err) == MM_OK &&
        mm_cutter_init(&graph, &reach, &arena, &cutter, &err) == MM_OK &&
        mm_cut_select(&graph, seen, file->reference_start[seen], &arena, &cut, &err) == MM_OK;
    if (!ok(found, "Within._seen[key]")) {
        return;
    }
    is_u64(cut.edge_count, 20, "keys and values");
    is_u64(cut.entry_count, 10, "of ten entries");
    mm_cutter_measure(&cutter, &cut, exams, 10, &effect);
    is_u64(effect.freed_count, 18, "nine exams and their answers go");
    is_u64(effect.freed_bytes, (uint64_t)18 * 48, "with their bytes");
    is_u64(effect.drop_held, 6, "six exams at once");
    is_u64(effect.waiting_count, 6, "three wait with their answers");
    is_u64(effect.other_holders, 1, "one is held by somebody else");
    is_u64(effect.c_holders, 0, "none by C");
    ok((cutter.mark[exams[9]] & MM_CUT_FREED) != 0 && (cutter.mark[exams[0]] & MM_CUT_FREED) == 0,
       "marks say which");
    uint32_t names = heap_namespace(&h, shop);
    found = mm_cut_select(&graph, names, file->reference_start[names + 1] - 1, &arena, &cut,
                          &err) == MM_OK;
    is_u64(found ? cut.edge_count : 0, 2, "of a namespace it is one entry");
    heap_deinit(&h);
}

static void test_memory(void) {
    heap h;
    mm_graph graph;
    mm_reach reach;
    mm_cutter cutter;
    mm_cut cut;
    mm_error err;
    const mm_file *file = model_large_heap(&h);
    bool always = true;
    mm_status status = MM_E_NOMEM;
    unsigned n = 1;
    for (; status != MM_OK && n < 2000; n++) {
        pages.limit_bytes = (uint64_t)n * 4096;
        arena_start();
        status = mm_graph_build(file, &arena, &graph, &err);
        status = status == MM_OK ? mm_reach_mark(&graph, &arena, &reach, &err) : status;
        status = status == MM_OK ? mm_cutter_init(&graph, &reach, &arena, &cutter, &err) : status;
        for (unsigned i = 0; status == MM_OK && i < 4; i++) {
            status = mm_cut_select(&graph, mm_graph_edge_source(&graph, 5), 5, &arena, &cut, &err);
        }
        always = always && (status == MM_OK || status == MM_E_NOMEM);
    }
    ok(always && n > 20, "every answer before there is enough memory is MM_E_NOMEM");
    ok(status == MM_OK, "and then there is enough (%u pages)", n);
    pages.limit_bytes = 0;
    heap_deinit(&h);
}

int main(void) {
    mm_os_pages_init(&pages);
    for (uint64_t seed = 1; seed <= 2000; seed += 500) {
        test_model(seed, 500);
    }
    for (uint64_t seed = 1; seed <= 2000; seed += 500) {
        test_sets(seed, 500);
    }
    test_seen();
    test_memory();
    mm_os_pages_deinit(&pages);
    return done_testing();
}
