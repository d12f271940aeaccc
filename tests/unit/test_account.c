// The books: counts against references found, by type, immortal objects left out.
#include "analyze/account.h"
#include "base/os/pages.h"
#include "heap_builder.h"
#include "tap.h"

static mm_os_pages pages;
static mm_arena arena;

static void arena_start(void) {
    mm_os_pages_deinit(&pages);
    mm_arena_init(&arena, mm_os_pages_view(&pages), 4096);
}

static mm_status account_of(const mm_file *file, mm_account *ret) {
    mm_graph graph;
    mm_error err;
    MM_TRY(mm_graph_build(file, &arena, &graph, &err));
    return mm_account_find(&graph, &arena, ret, &err);
}

static void test_rows(void) {
    heap h;
    mm_account account;
    heap_init(&h);
    uint32_t list = heap_object(&h, h.list_type, HEAP_EXACT);
    heap_root(&h, MM_ROOT_INTERPRETER, list, MM_NONE, MM_NONE);
    for (uint32_t i = 0; i < 12; i++) {
        uint32_t node = heap_object(&h, h.int_type, i < 10 ? 2 : HEAP_EXACT);
        heap_ref(&h, list, node, MM_NAME_INDEX, i);
    }
    uint32_t text = heap_object(&h, h.str_type, 5);
    uint32_t few = heap_object(&h, h.tuple_type, 1);
    uint32_t many = heap_object(&h, h.int_type, 1);
    uint32_t for_ever = heap_object(&h, h.int_type, MM_NONE);
    heap_ref(&h, list, text, MM_NAME_INDEX, 12);
    heap_ref(&h, list, few, MM_NAME_INDEX, 13);
    heap_ref(&h, list, few, MM_NAME_INDEX, 14);
    heap_ref(&h, list, many, MM_NAME_INDEX, 15);
    heap_ref(&h, list, for_ever, MM_NAME_INDEX, 16);
    heap_ref(&h, few, list, MM_NAME_INDEX | MM_REF_WEAK, 0);
    const mm_file *file = heap_file(&h);
    file->refcount[many] = MM_NONE - 1;  // more than the file can count
    arena_start();
    if (ok(account_of(file, &account) == MM_OK, "a heap with unexplained references")) {
        is_u64(account.mortal_count, 16, "counts that mean something");  // sys.modules is one
        is_u64(account.exact_count, 4, "are explained");
        is_u64(account.missing_count, 11, "objects have references too many");
        is_u64(account.excess_count, 1, "one has too few");
        is_u64(account.exact_basis_points, 2500, "a quarter is explained");
        is_u64(account.row_count, 3, "three types");
        ok(account.rows[0].type == h.int_type && account.rows[0].object_count == 10 &&
               account.rows[0].missing_count == 10,
           "ten int with a reference each that nobody accounts for");
        ok(account.rows[1].type == h.str_type && account.rows[1].missing_count == 4, "then a str");
        ok(account.rows[2].type == h.tuple_type && account.rows[2].excess_count == 1,
           "then what we counted wrongly");
    }
    heap_deinit(&h);
}

// The sums are those of a look at each object alone.
static void test_random(void) {
    bool right = true;
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        heap h;
        mm_graph graph;
        mm_account account;
        mm_error err;
        uint64_t state = seed;
        uint64_t sums[4] = {0};
        heap_init(&h);
        uint32_t first = h.file.object_count;
        for (uint32_t i = 0; i < 20; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            uint32_t count = (uint32_t)(state >> 60);
            count = count == 15 ? MM_NONE : count;
            heap_object(&h, h.list_type, count > 4 && count < 15 ? HEAP_EXACT : count);
        }
        for (uint32_t i = 0; i < 40; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            heap_ref(&h, first + (uint32_t)(state >> 33) % 20, first + (uint32_t)(state >> 43) % 20,
                     MM_NAME_INDEX, i);
        }
        const mm_file *file = heap_file(&h);
        arena_start();
        right = right && mm_graph_build(file, &arena, &graph, &err) == MM_OK &&
                mm_account_find(&graph, &arena, &account, &err) == MM_OK;
        for (uint32_t n = 0; right && n < file->object_count; n++) {
            uint32_t count = file->refcount[n];
            if (count != MM_NONE) {
                sums[0]++;
                sums[1] += count == graph.strong_found[n];
                sums[2] += count > graph.strong_found[n];
                sums[3] += mm_graph_unaccounted(&graph, n);
            }
        }
        uint64_t missing = 0;
        for (uint32_t i = 0; right && i < account.row_count; i++) {
            missing += account.rows[i].missing_count;
        }
        right = right && sums[0] == account.mortal_count && sums[1] == account.exact_count &&
                sums[2] == account.missing_count && sums[3] == missing;
        heap_deinit(&h);
    }
    ok(right, "sums of random heaps");
}

static void test_memory(void) {
    heap h;
    mm_account account;
    bool always = true;
    mm_status status = MM_E_NOMEM;
    unsigned n = 1;
    heap_init(&h);
    const mm_file *file = heap_file(&h);
    for (; status != MM_OK && n < 200; n++) {
        pages.limit_bytes = (uint64_t)n * 4096;
        arena_start();
        status = account_of(file, &account);
        always = always && (status == MM_OK || status == MM_E_NOMEM);
    }
    ok(always && status == MM_OK, "too little memory is MM_E_NOMEM, up to %u pages", n);
    pages.limit_bytes = 0;
    heap_deinit(&h);
}

int main(void) {
    mm_os_pages_init(&pages);
    test_rows();
    test_random();
    test_memory();
    mm_os_pages_deinit(&pages);
    return done_testing();
}
