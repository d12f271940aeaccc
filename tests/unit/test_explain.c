// What one snapshot may call a finding, on hand-built heaps, and with every amount of memory.
#include "base/os/pages.h"
#include "explain/findings.h"
#include "report_heaps.h"
#include "tap.h"

static mm_os_pages pages;
static mm_arena arena;

static bool explained(heap *h, mm_findings *ret) {
    mm_graph graph;
    mm_error err;
    mm_os_pages_deinit(&pages);
    mm_arena_init(&arena, mm_os_pages_view(&pages), 1 << 20);
    return ok(mm_graph_build(heap_file(h), &arena, &graph, &err) == MM_OK &&
                  mm_findings_of_snapshot(&graph, &arena, ret, &err) == MM_OK,
              "explained");
}

static uint32_t told(const mm_findings *found) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < found->finding_count; i++) {
        count += !found->findings[i].hidden;
    }
    return count;
}

static void test_side_table(uint32_t count) {
    heap h;
    mm_findings found;
    heap_shop(&h, count);
    if (explained(&h, &found)) {
        const mm_finding *first = &found.findings[0];
        is_u64(told(&found), 1, "one finding");
        is_u64(first->kind, MM_FINDING_HOLDER, "a holder");
        is_u64(first->count, count, "of so many objects");
        is_text(first->type, "shop.Exam", "of this type");
        is_text(first->holder, "Within._seen", "its holder");
        is_text(first->cut.reference, "Within._seen[key]", "the reference to cut");
        is_text(first->cut.role, "registry", "its role: nobody else owns the keys");
        is_text(first->cure, "remove-when-done", "so that a weak table is no cure");
        is_u64(first->cut.would_drop_at_once, count, "all of them would go at once");
        is_u64(first->cut.other_holders, 0, "nobody else holds them");
        is_u64(first->retained_bytes, 48 * (uint64_t)count, "their bytes");
        ok(!first->is_leak && first->steps == MM_UNKNOWN && first->grown_objects == MM_UNKNOWN,
           "nothing is said of growth");
        ok(first->path_count == 4 && first->path[2].guilty && !first->path[1].guilty,
           "the entry of the dict is guilty");
        is_u64(found.verdict_count, 1, "one verdict");
        is_text(mm_verdict_text(found.verdicts[0].verdict), "suspects", "suspects");
        is_u64(found.own_count, 1, "own objects of one type");
        is_text(found.own[0].held_by, "Within._seen[key]", "held by the table");
    }
    heap_deinit(&h);
}

static void test_no_objects(void) {
    heap h;
    mm_findings found;
    heap_shop(&h, 0);
    if (explained(&h, &found)) {
        is_u64(told(&found), 0, "an empty table is no finding");
        is_u64(found.verdict_count, 0, "the verdict is clean");
    }
    heap_deinit(&h);
}

static void test_exception(void) {
    heap h;
    mm_findings found;
    heap_exception(&h);
    if (explained(&h, &found)) {
        const mm_finding *first = &found.findings[0];
        is_u64(told(&found), 1, "an exception with its frame is one finding");
        is_text(first->cut.role, "stored exception", "a stored exception");
        is_text(first->cure, "drop-exception", "and its cure");
        is_text(first->holder, "shop.last", "where it is stored");
        is_text(first->path[first->path_count - 1].object, "Order", "the chain ends at the local");
        ok(first->path[0].guilty, "the guilty reference leads to the exception");
    }
    heap_deinit(&h);
}

// `count` rings of a parent with two children that refer back; `weak`: they do so weakly.
static void heap_rings(heap *h, uint32_t count, bool weak) {
    heap_init(h);
    uint32_t shop = heap_module(h, "__main__");
    heap_class(h, shop, "Piece");
    uint32_t type = h->file.type_count - 1;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t parent = heap_object(h, type, HEAP_EXACT);
        uint32_t list = heap_object(h, h->list_type, HEAP_EXACT);
        heap_set(h, parent, "children", list);
        if (weak) {
            heap_root(h, MM_ROOT_FRAME, parent, 0, MM_NONE);
        }
        for (uint32_t j = 0; j < 2; j++) {
            uint32_t child = heap_object(h, type, HEAP_EXACT);
            uint32_t load = heap_object(h, h->tuple_type, HEAP_EXACT);
            heap_ref(h, list, child, MM_NAME_INDEX, j);
            heap_set(h, child, "load", load);
            h->file.storage_bytes[load] = 1000;
            if (!weak) {
                heap_set(h, child, "parent", parent);
            }
        }
    }
}

static void test_rings(uint32_t count) {
    heap h;
    mm_findings found;
    char sentence[80];
    heap_rings(&h, count, false);
    if (explained(&h, &found)) {
        const mm_finding *first = &found.findings[0];
        // parent, its dict, list; two children, their dicts and loads.
        uint64_t bytes = count * (9 * 48 + 2000ull);
        is_u64(told(&found), 1, "equal rings are one finding");
        is_u64(first->kind, MM_FINDING_CYCLE, "a cycle");
        is_u64(first->count, count, "with their count");
        is_u64(first->retained_bytes, bytes, "and all the bytes that wait");
        snprintf(sentence, sizeof(sentence), "%u ring%s `Piece.children` <-> `Piece.parent` wait%s",
                 count, count == 1 ? "" : "s", count == 1 ? "s: " : ": ");
        ok(strncmp(first->sentence, sentence, strlen(sentence)) == 0, "%s", first->sentence);
        ok(first->ring_count == 3 && first->ring[2].back && !first->ring[0].back,
           "the reference to the parent leads back");
        is_text(first->cure, "weak-parent", "a weak one is the cure");
        is_text(mm_verdict_text(found.verdicts[0].verdict), "waiting for gc", "never a leak");
        is_u64(found.verdicts[0].bytes, bytes, "with the bytes");
    }
    heap_deinit(&h);
}

// Few and small: the collector, which this program does not know of, frees them in time.
static void test_few_rings(void) {
    heap h;
    mm_findings found;
    heap_rings(&h, 9, false);
    if (explained(&h, &found)) {
        is_u64(told(&found), 0, "a few small rings are hidden");
        is_u64(found.finding_count, 1, "but there for who asks");
        is_u64(found.verdict_count, 0, "the verdict is clean");
    }
    heap_deinit(&h);
}

static void test_tree(void) {
    heap h;
    mm_findings found;
    heap_rings(&h, 3, true);
    if (explained(&h, &found)) {
        is_u64(told(&found), 0, "a tree of own objects is no finding");
        is_u64(found.verdict_count, 0, "the verdict is clean");
    }
    heap_deinit(&h);
}

// A list in __main__ of one object that a global names too: the list is told all the same, if it
// was filled; a list that was written with its object in it is a table.
static void test_global_list(void) {
    heap h;
    mm_findings found;
    heap_people(&h);
    if (explained(&h, &found)) {
        is_u64(told(&found), 0, "a display is no finding");
        is_u64(found.finding_count, 1, "but there for who asks");
    }
    heap_deinit(&h);
    uint32_t person = heap_people(&h);
    for (uint32_t i = 0; i < h.ref_count; i++) {
        if (h.refs[i].target == person && h.refs[i].naming == MM_NAME_INDEX) {
            h.file.size_bytes[h.refs[i].source] = 88;
        }
    }
    if (explained(&h, &found)) {
        is_u64(told(&found), 1, "one finding");
        is_text(found.findings[0].holder, "all_people", "the list");
        is_u64(found.findings[0].cut.freed_bytes, 0, "cutting it frees nothing");
        ok(found.findings[0].cut.other_holders >= 1, "since others hold the object");
    }
    heap_deinit(&h);
}

// With memory for n pages, for every n until it is enough.
static void test_memory(void) {
    heap h;
    mm_graph graph;
    mm_findings found;
    mm_error err;
    heap_rings(&h, 40, false);
    const mm_file *file = heap_file(&h);
    bool always = true;
    mm_status status = MM_E_NOMEM;
    unsigned n = 1;
    for (; status != MM_OK && n < 4000; n++) {
        mm_os_pages_deinit(&pages);
        pages.limit_bytes = (uint64_t)n * 4096;
        mm_arena_init(&arena, mm_os_pages_view(&pages), 4096);
        status = mm_graph_build(file, &arena, &graph, &err);
        if (status == MM_OK) {
            status = mm_findings_of_snapshot(&graph, &arena, &found, &err);
        }
        always = always && (status == MM_OK || status == MM_E_NOMEM);
    }
    ok(always, "every answer before there is enough memory is MM_E_NOMEM");
    ok(status == MM_OK && n > 10, "and then there is enough (%u pages)", n);
    pages.limit_bytes = 0;
    heap_deinit(&h);
}

int main(void) {
    mm_os_pages_init(&pages);
    test_no_objects();
    test_side_table(1);
    test_side_table(1000);
    test_exception();
    test_few_rings();
    test_rings(10);
    test_rings(200);
    test_tree();
    test_global_list();
    test_memory();
    mm_os_pages_deinit(&pages);
    return done_testing();
}
