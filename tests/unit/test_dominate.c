// Dominators, retained bytes and freed bytes of every reference against the slow model, on
// thousands of random heaps; heaps on which simple algorithms are quadratic; and too little memory.
#include <time.h>

#include "flow_model.h"
#include "tap.h"

static mm_os_pages pages;
static mm_arena arena;

typedef struct answers {
    mm_graph graph;
    mm_reach reach;
    mm_flow flow;
    mm_dominators tree;
    uint64_t *retained;
    mm_freed freed;
} answers;

static void arena_start(void) {
    mm_os_pages_deinit(&pages);
    mm_arena_init(&arena, mm_os_pages_view(&pages), pages.limit_bytes != 0 ? 4096 : 1 << 20);
}

static mm_status answers_find(const mm_file *file, answers *ret) {
    mm_error err = {MM_OK, NULL, 0, 0};
    MM_TRY(mm_graph_build(file, &arena, &ret->graph, &err));
    MM_TRY(mm_reach_mark(&ret->graph, &arena, &ret->reach, &err));
    MM_TRY(mm_flow_build(&ret->graph, &ret->reach, &arena, &ret->flow, &err));
    MM_TRY(mm_dominators_find(&ret->flow, &arena, &ret->tree, &err));
    MM_TRY(mm_retained_sum(&ret->tree, &arena, &ret->retained, &err));
    return mm_freed_find(&ret->tree, ret->retained, &arena, &ret->freed, &err);
}

// What each node dominates, by removing it; then the dominators of each node and the last of them.
static bool dominators_equal(const model *m, const answers *a) {
    static uint8_t without[MODEL_NODES_MAX][MODEL_NODES_MAX];
    uint8_t all[MODEL_NODES_MAX];
    uint32_t depth[MODEL_NODES_MAX] = {0};
    model_reach(m, MM_NONE, MM_NONE, MM_NONE, all);
    for (uint32_t v = 0; v < m->node_count; v++) {
        model_reach(m, v, MM_NONE, MM_NONE, without[v]);
        for (uint32_t w = 0; w < m->node_count; w++) {
            depth[w] += without[v][w] == 0;
        }
        if (all[v] == 0 || a->retained[v] != model_lost_bytes(m, all, without[v])) {
            return false;
        }
    }
    for (uint32_t w = 0; w < m->node_count; w++) {
        uint32_t idom = MM_NONE;
        for (uint32_t v = 0; v < m->node_count; v++) {
            bool dominates = without[v][w] == 0;
            if (dominates != mm_dominators_below(&a->tree, w, v)) {
                return false;
            }
            if (v != w && dominates && (idom == MM_NONE || depth[v] > depth[idom])) {
                idom = v;
            }
        }
        if (mm_dominators_object(&a->tree, w) != idom) {
            return false;
        }
    }
    return true;
}

// What a cycle of garbage keeps: all that goes when none of its members is a start.
static bool rings_equal(const model *m, const answers *a) {
    uint8_t all[MODEL_NODES_MAX];
    uint8_t left[MODEL_NODES_MAX];
    model_reach(m, MM_NONE, MM_NONE, MM_NONE, all);
    for (uint32_t ring = 0; ring < a->flow.ring_count; ring++) {
        uint32_t node = a->flow.ring_first + ring;
        uint32_t member = a->flow.target[a->flow.start[node]];
        static model other;
        other = *m;
        for (uint32_t i = 0; i < other.edge_count; i++) {
            model_edge *e = &other.edges[i];
            if (e->source == MM_NONE && m->live[e->target] == 0 &&
                m->together[member][e->target] != 0) {
                e->group = 7u << 28;
            }
        }
        model_reach(&other, MM_NONE, 7u << 28, MM_NONE, left);
        if (a->retained[node] != model_lost_bytes(m, all, left) ||
            a->tree.idom[node] != a->flow.garbage_node) {
            return false;
        }
    }
    return true;
}

static bool freed_equal(const model *m, const answers *a) {
    const mm_file *file = m->file;
    uint8_t all[MODEL_NODES_MAX];
    uint8_t left[MODEL_NODES_MAX];
    model_reach(m, MM_NONE, MM_NONE, MM_NONE, all);
    for (uint32_t n = 0; n < m->node_count; n++) {
        uint32_t end = file->reference_start[n + 1];
        for (uint32_t e = file->reference_start[n]; e < end; e++) {
            uint32_t group = model_group(&a->graph, n, e);
            model_reach(m, MM_NONE, group, MM_NONE, left);
            bool again = mm_graph_kind(&a->graph, n) == MM_KIND_ORDERED_DICT &&
                         mm_file_naming(file, e) == MM_NAME_KEY && !mm_flow_is_entry(file, e, end);
            uint64_t expected =
                mm_graph_edge_owns(&a->graph, e) && !again ? model_lost_bytes(m, all, left) : 0;
            if (mm_freed_of(&a->freed, n, e) != expected) {
                diag("reference %u -> %u: %llu, expected %llu", n, file->reference_target[e],
                     (unsigned long long)mm_freed_of(&a->freed, n, e),
                     (unsigned long long)expected);
                return false;
            }
        }
    }
    for (uint32_t root = 0; root < file->root_count; root++) {
        model_reach(m, MM_NONE, 0x80000000u + root, MM_NONE, left);
        if (mm_freed_of_root(&a->freed, root) != model_lost_bytes(m, all, left)) {
            return false;
        }
    }
    return true;
}

static void test_model(uint64_t first_seed, uint64_t count) {
    bool found = true;
    bool tree = true;
    bool rings = true;
    bool freed = true;
    uint32_t with_rings = 0;
    uint32_t with_entries = 0;
    for (uint64_t seed = first_seed; seed < first_seed + count; seed++) {
        static model m;
        heap h;
        answers a;
        arena_start();
        const mm_file *file = model_heap(&h, seed, seed % 3 == 0);
        if (answers_find(file, &a) != MM_OK) {
            found = false;
            continue;
        }
        model_init(&m, &a.graph, &a.reach);
        bool right[] = {dominators_equal(&m, &a), rings_equal(&m, &a), freed_equal(&m, &a)};
        if (!right[0] || !right[1] || !right[2]) {
            diag("heap %u: %d %d %d", (unsigned)seed, right[0], right[1], right[2]);
        }
        tree = tree && right[0];
        rings = rings && right[1];
        freed = freed && right[2];
        with_rings += a.flow.ring_count > 0;
        with_entries += a.flow.entry_count > 0;
        heap_deinit(&h);
    }
    ok(found && tree, "dominators and retained bytes of heaps %u..", (unsigned)first_seed);
    ok(rings, "bytes that hang on each cycle of garbage");
    ok(freed, "freed bytes of every reference and root");
    ok(with_rings > 0 && with_entries > 0, "%u heaps have cycles of garbage, %u entries with nodes",
       with_rings, with_entries);
}

static double cpu_seconds(void) {
    return (double)clock() / CLOCKS_PER_SEC;
}

// A list whose last node holds what a registry holds as well: the climb of each of these goes from
// the end of the list to its start.
static double quadratic_seconds(uint32_t count, answers *a) {
    heap h;
    heap_init(&h);
    uint32_t head = heap_object(&h, h.list_type, HEAP_EXACT);
    uint32_t registry = heap_object(&h, h.list_type, HEAP_EXACT);
    uint32_t top = heap_object(&h, h.list_type, HEAP_EXACT);
    heap_root(&h, MM_ROOT_INTERPRETER, top, MM_NONE, MM_NONE);
    heap_ref(&h, top, registry, MM_NAME_INDEX, 0);
    heap_ref(&h, top, head, MM_NAME_INDEX, 1);
    uint32_t node = head;
    for (uint32_t i = 1; i < count / 2; i++) {
        uint32_t next = heap_object(&h, h.list_type, HEAP_EXACT);
        heap_ref(&h, node, next, MM_NAME_INDEX, 0);
        node = next;
    }
    for (uint32_t i = 0; i < count / 2; i++) {
        uint32_t instance = heap_object(&h, h.list_type, HEAP_EXACT);
        heap_ref(&h, node, instance, MM_NAME_INDEX, i);
        heap_ref(&h, registry, instance, MM_NAME_INDEX, i);
        heap_ref(&h, instance, top, MM_NAME_INDEX, 0);  // no sink
    }
    const mm_file *file = heap_file(&h);
    arena_start();
    double start = cpu_seconds();
    mm_status status = answers_find(file, a);
    double seconds = cpu_seconds() - start;
    ok(status == MM_OK && a->retained[head] == (uint64_t)(count / 2) * 48 &&
           a->tree.idom[node + 1] == top,
       "a list of %u whose end shares with a registry: %.2f s", count / 2, seconds);
    heap_deinit(&h);
    return seconds;
}

static void test_quadratic(void) {
    answers a;
    double quarter = quadratic_seconds(500000, &a);
    double whole = quadratic_seconds(2000000, &a);
    ok(whole < 12 * quarter + 0.5, "four times the objects take %.1f times as long",
       whole / (quarter > 0.001 ? quarter : 0.001));
    ok(whole < 20, "which is far from quadratic");
}

static void test_long_list(uint32_t count) {
    heap h;
    answers a;
    heap_init(&h);
    uint32_t head = heap_object(&h, h.list_type, HEAP_EXACT);
    heap_root(&h, MM_ROOT_INTERPRETER, head, MM_NONE, MM_NONE);
    uint32_t node = head;
    for (uint32_t i = 1; i < count; i++) {
        uint32_t next = heap_object(&h, h.list_type, HEAP_EXACT);
        heap_ref(&h, node, next, MM_NAME_INDEX, 0);
        node = next;
    }
    // The same again, in a ring that nobody reaches.
    uint32_t ring = heap_object(&h, h.list_type, HEAP_EXACT);
    node = ring;
    for (uint32_t i = 1; i < count; i++) {
        uint32_t next = heap_object(&h, h.list_type, HEAP_EXACT);
        heap_ref(&h, node, next, MM_NAME_INDEX, 0);
        node = next;
    }
    heap_ref(&h, node, ring, MM_NAME_INDEX, 0);
    const mm_file *file = heap_file(&h);
    arena_start();
    if (ok(answers_find(file, &a) == MM_OK, "a list and a ring of %u", count)) {
        is_u64(a.retained[head], (uint64_t)count * 48, "its head retains the list");
        is_u64(a.retained[head + count - 1], 48, "its end itself");
        is_u64(mm_freed_of(&a.freed, head, file->reference_start[head]), (uint64_t)(count - 1) * 48,
               "the first reference frees the rest");
        is_u64(a.flow.ring_count, 1, "one ring");
        is_u64(a.retained[a.flow.ring_first], (uint64_t)count * 48, "all of it hangs on it");
    }
    heap_deinit(&h);
}

// Sizes above 4 GiB, which the columns do not hold.
static void test_large(void) {
    heap h;
    answers a;
    heap_init(&h);
    uint32_t list = heap_object(&h, h.list_type, HEAP_EXACT);
    heap_root(&h, MM_ROOT_INTERPRETER, list, MM_NONE, MM_NONE);
    mm_file_large large[3];
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t node = heap_object(&h, h.int_type, HEAP_EXACT);
        heap_ref(&h, list, node, MM_NAME_INDEX, i);
        mm_file_large record = {node, (uint64_t)3 << 32, 5};
        large[i] = record;
        h.file.size_bytes[node] = MM_NONE;
        h.file.storage_bytes[node] = MM_NONE;
    }
    h.file.large = large;
    h.file.large_count = 3;
    arena_start();
    ok(answers_find(heap_file(&h), &a) == MM_OK, "objects of 12 GiB");
    is_u64(a.retained[list], 48 + 3 * (((uint64_t)3 << 32) + 5), "are summed in 64 bits");
    heap_deinit(&h);
}

// With memory for n pages, for every n until it is enough.
static void test_memory(void) {
    heap h;
    answers a;
    const mm_file *file = model_large_heap(&h);
    bool always = true;
    mm_status status = MM_E_NOMEM;
    unsigned n = 1;
    for (; status != MM_OK && n < 2000; n++) {
        pages.limit_bytes = (uint64_t)n * 4096;
        arena_start();
        status = answers_find(file, &a);
        always = always && (status == MM_OK || status == MM_E_NOMEM);
    }
    ok(always && n > 20, "every answer before there is enough memory is MM_E_NOMEM");
    ok(status == MM_OK, "and then there is enough (%u pages)", n);
    pages.limit_bytes = 0;
    heap_deinit(&h);
}

static void test_empty(void) {
    heap h;
    answers a;
    memset(&h, 0, sizeof(h));
    (void)heap_type(&h, "?", MM_KIND_FOREIGN, 0, MM_NONE);
    arena_start();
    ok(answers_find(heap_file(&h), &a) == MM_OK, "a heap of nothing");
    is_u64(a.retained[a.graph.root_node], 0, "retains nothing");
    heap_deinit(&h);
}

int main(void) {
    mm_os_pages_init(&pages);
    test_empty();
    for (uint64_t seed = 1; seed <= 4000; seed += 500) {
        test_model(seed, 500);
    }
    test_large();
    test_memory();
    test_long_list(1000000);
    test_quadratic();
    mm_os_pages_deinit(&pages);
    return done_testing();
}
