// Cycles against a slow model: two objects are in one cycle if each leads to the other.
#include "flow_model.h"
#include "tap.h"

static mm_os_pages pages;
static mm_arena arena;

static void arena_start(void) {
    mm_os_pages_deinit(&pages);
    mm_arena_init(&arena, mm_os_pages_view(&pages), pages.limit_bytes != 0 ? 4096 : 1 << 20);
}

static mm_status flow_of(const mm_file *file, mm_graph *graph, mm_reach *reach, mm_flow *flow) {
    mm_error err = {MM_OK, NULL, 0, 0};
    MM_TRY(mm_graph_build(file, &arena, graph, &err));
    MM_TRY(mm_reach_mark(graph, &arena, reach, &err));
    return mm_flow_build(graph, reach, &arena, flow, &err);
}

// leads[a][b]: a way of at least one reference, through objects that are not left out.
static void model_ways(const model *m, const uint8_t *left_out,
                       uint8_t leads[MODEL_NODES_MAX][MODEL_NODES_MAX]) {
    memset(leads, 0, MODEL_NODES_MAX * MODEL_NODES_MAX);
    for (uint32_t i = 0; i < m->edge_count; i++) {
        const model_edge *e = &m->edges[i];
        if (e->source != MM_NONE && left_out[e->source] == 0 && left_out[e->target] == 0) {
            leads[e->source][e->target] = 1;
        }
    }
    for (uint32_t by = 0; by < m->node_count; by++) {
        for (uint32_t a = 0; a < m->node_count; a++) {
            for (uint32_t b = 0; leads[a][by] != 0 && b < m->node_count; b++) {
                leads[a][b] |= leads[by][b];
            }
        }
    }
}

static bool scc_equal(const model *m, const uint8_t *left_out, const mm_scc *scc) {
    static uint8_t leads[MODEL_NODES_MAX][MODEL_NODES_MAX];
    model_ways(m, left_out, leads);
    uint32_t members = 0;
    for (uint32_t a = 0; a < m->node_count; a++) {
        bool in_one = scc->of[a] != MM_NONE;
        members += in_one;
        if (in_one != (leads[a][a] != 0) || (in_one && scc->of[a] >= scc->count)) {
            return false;
        }
        for (uint32_t b = 0; b < m->node_count; b++) {
            bool same = in_one && scc->of[a] == scc->of[b];
            if (a != b && same != (leads[a][b] != 0 && leads[b][a] != 0)) {
                return false;
            }
        }
    }
    bool listed = scc->start[0] == 0 && scc->start[scc->count] == members;
    for (uint32_t i = 0; listed && i < scc->count; i++) {
        for (uint32_t j = scc->start[i]; j < scc->start[i + 1]; j++) {
            listed = listed && scc->of[scc->member[j]] == i &&
                     (j == scc->start[i] || scc->member[j - 1] < scc->member[j]);
        }
        listed = listed && scc->start[i] < scc->start[i + 1] &&
                 (i == 0 || scc->member[scc->start[i - 1]] < scc->member[scc->start[i]]);
    }
    return listed;
}

static void test_model(uint64_t first_seed, uint64_t count) {
    bool whole = true;
    bool parts = true;
    uint32_t cycles = 0;
    for (uint64_t seed = first_seed; seed < first_seed + count; seed++) {
        static model m;
        heap h;
        mm_graph graph;
        mm_reach reach;
        mm_flow flow;
        mm_scc scc;
        mm_error err;
        uint8_t left_out[MODEL_NODES_MAX] = {0};
        arena_start();
        const mm_file *file = model_heap(&h, seed, seed % 3 == 0);
        bool found = flow_of(file, &graph, &reach, &flow) == MM_OK &&
                     mm_scc_find(&flow, left_out, &arena, &scc, &err) == MM_OK;
        model_init(&m, &graph, &reach);
        whole = whole && found && scc_equal(&m, left_out, &scc);
        cycles += found ? scc.count : 0;
        uint64_t state = seed;
        for (uint32_t i = 0; i < m.node_count; i++) {
            left_out[i] = model_random(&state, 5) == 0;
        }
        found = mm_scc_find(&flow, left_out, &arena, &scc, &err) == MM_OK;
        parts = parts && found && scc_equal(&m, left_out, &scc);
        heap_deinit(&h);
    }
    ok(whole, "cycles of heaps %u.. equal the slow model's (%u cycles)", (unsigned)first_seed,
       cycles);
    ok(parts, "and with objects left out");
}

// A class leads to its methods, they to the module's namespace, and that to the class again.
static void test_cut(void) {
    heap h;
    mm_graph graph;
    mm_reach reach;
    mm_flow flow;
    mm_scc scc;
    mm_error err;
    uint8_t *cut = NULL;
    heap_init(&h);
    uint32_t shop = heap_module(&h, "shop");
    uint32_t class_node = heap_class(&h, shop, "Exam");
    uint32_t type = h.file.type_count - 1;
    uint32_t code = heap_code(&h, "f", "shop.py", 1, NULL, 0);
    uint32_t function = heap_function(&h, "f", code);
    heap_named(&h, function, heap_namespace(&h, shop), "__globals__");
    heap_set(&h, class_node, "f", function);
    uint32_t parent = heap_object(&h, type, HEAP_EXACT);
    uint32_t child = heap_object(&h, type, HEAP_EXACT);
    heap_set(&h, parent, "child", child);
    heap_set(&h, child, "parent", parent);
    heap_set(&h, shop, "family", parent);
    // A class that is garbage, in a cycle with the tuple of its bases.
    uint32_t lost = heap_object(&h, h.class_type, HEAP_EXACT);
    uint32_t mro = heap_object(&h, h.tuple_type, HEAP_EXACT);
    heap_named(&h, lost, mro, "__mro__");
    heap_ref(&h, mro, lost, MM_NAME_INDEX, 0);
    arena_start();
    bool found = flow_of(heap_file(&h), &graph, &reach, &flow) == MM_OK &&
                 mm_scc_cut(&flow, &arena, &cut, &err) == MM_OK &&
                 mm_scc_find(&flow, cut, &arena, &scc, &err) == MM_OK;
    if (ok(found, "a program with a module, a class, a function")) {
        is_u64(scc.count, 2, "has two cycles");
        is_u64(scc.of[parent], 0, "the family");
        ok(scc.of[child] == scc.of[parent], "is one");
        is_u64(scc.start[1] - scc.start[0], 4, "of two objects and their attributes");
        ok(scc.of[lost] == 1 && scc.of[mro] == 1, "a class that is garbage is the other");
        ok(scc.of[class_node] == MM_NONE && scc.of[function] == MM_NONE, "the program is none");
    }
    heap_deinit(&h);
}

// A ring of a million, and as many small ones.
static void test_long(uint32_t count) {
    heap h;
    mm_graph graph;
    mm_reach reach;
    mm_flow flow;
    mm_scc scc;
    mm_error err;
    heap_init(&h);
    uint32_t first = h.file.object_count;
    for (uint32_t i = 0; i < count; i++) {
        heap_object(&h, h.list_type, HEAP_EXACT);
        heap_ref(&h, first + i, first + (i + 1) % count, MM_NAME_INDEX, 0);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t node = heap_object(&h, h.list_type, HEAP_EXACT);
        heap_ref(&h, node, node, MM_NAME_INDEX, 0);
    }
    const mm_file *file = heap_file(&h);
    arena_start();
    bool found = flow_of(file, &graph, &reach, &flow) == MM_OK;
    uint8_t *left_out = MM_ARENA_NEW(&arena, uint8_t, file->object_count);
    found = found && mm_scc_find(&flow, left_out, &arena, &scc, &err) == MM_OK;
    if (ok(found, "a ring of %u and as many of one", count)) {
        is_u64(scc.count, count + 1, "are all found");
        is_u64(scc.start[1], count, "the large one whole");
    }
    heap_deinit(&h);
}

static void test_memory(void) {
    heap h;
    mm_graph graph;
    mm_reach reach;
    mm_flow flow;
    mm_scc scc;
    mm_error err;
    const mm_file *file = model_large_heap(&h);
    bool always = true;
    mm_status status = MM_E_NOMEM;
    unsigned n = 1;
    for (; status != MM_OK && n < 2000; n++) {
        uint8_t *cut = NULL;
        pages.limit_bytes = (uint64_t)n * 4096;
        arena_start();
        status = flow_of(file, &graph, &reach, &flow);
        status = status == MM_OK ? mm_scc_cut(&flow, &arena, &cut, &err) : status;
        status = status == MM_OK ? mm_scc_find(&flow, cut, &arena, &scc, &err) : status;
        always = always && (status == MM_OK || status == MM_E_NOMEM);
    }
    ok(always && n > 20, "every answer before there is enough memory is MM_E_NOMEM");
    ok(status == MM_OK, "and then there is enough (%u pages)", n);
    pages.limit_bytes = 0;
    heap_deinit(&h);
}

int main(void) {
    mm_os_pages_init(&pages);
    for (uint64_t seed = 1; seed <= 4000; seed += 1000) {
        test_model(seed, 1000);
    }
    test_cut();
    test_long(1000000);
    test_memory();
    mm_os_pages_deinit(&pages);
    return done_testing();
}
