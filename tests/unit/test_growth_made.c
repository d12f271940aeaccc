// Which objects of a further round a finding speaks of, on small heaps: a story told at a baseline,
// after three rounds of ten steps, and after the further round. Objects have addresses by their
// serial numbers, so those of the further round are known.
#include "analyze/growth.h"
#include "base/os/pages.h"
#include "heap_builder.h"
#include "tap.h"

enum { EARLY = 3, MARKS = EARLY + 1, MOMENTS = MARKS + 1, ROUND_STEPS = 10, FIRST = 0x1000000 };

static mm_os_pages pages;
static mm_arena arena;

typedef struct world {
    heap h;
    uint32_t shop;
    uint32_t exam_type;
    uint32_t list;
    uint64_t steps;
    bool further;
} world;

typedef void (*story)(world *w);

static world worlds[MOMENTS];
static mm_graph graphs[MOMENTS];
static mm_mark marks[MARKS];
static mm_type_names names;
static mm_growth growth;

static uint32_t born(world *w, uint32_t type, uint64_t serial) {
    uint32_t node = heap_object(&w->h, type, HEAP_EXACT);
    w->h.file.address[node] = FIRST + serial * 64;
    return node;
}

static void world_init(world *w, uint32_t moment) {
    memset(w, 0, sizeof(*w));
    heap_init(&w->h);
    w->steps = (uint64_t)(moment + 1) * ROUND_STEPS;
    w->further = moment == MARKS;
    w->shop = heap_module(&w->h, "shop");
    (void)heap_class(&w->h, w->shop, "Exam");
    w->exam_type = w->h.file.type_count - 1;
    w->list = heap_object(&w->h, w->h.list_type, HEAP_EXACT);
    (void)heap_str(&w->h, "rows");
    (void)heap_str(&w->h, "first");
}

static mm_growth_input input_of(void) {
    mm_growth_input input = {.marks = marks,
                             .mark_count = MARKS,
                             .early = EARLY,
                             .early_graph = &graphs[EARLY],
                             .late_graph = &graphs[EARLY],
                             .names = &names,
                             .collected = true};
    return input;
}

// Tell a story. The first finding, or NULL.
static const mm_growth_finding *told(story tell) {
    mm_error err;
    mm_os_pages_deinit(&pages);
    mm_arena_init(&arena, mm_os_pages_view(&pages), 1 << 20);
    mm_type_names_init(&names, &arena);
    bool done = true;
    for (uint32_t i = 0; i < MOMENTS; i++) {
        world_init(&worlds[i], i);
        tell(&worlds[i]);
        (void)heap_file(&worlds[i].h);
        done = done && mm_graph_build(&worlds[i].h.file, &arena, &graphs[i], &err) == MM_OK;
        if (i < MARKS) {
            done =
                done && mm_mark_take(&graphs[i], &names, &arena, &arena, &marks[i], &err) == MM_OK;
            done = done && mm_mark_reach(&graphs[i], &arena, &marks[i], &err) == MM_OK;
            marks[i].process.steps = worlds[i].steps;
        }
    }
    mm_growth_input input = input_of();
    done = done && mm_growth_find(&input, &arena, &growth, &err) == MM_OK;
    return ok(done, "asked") && growth.finding_count > 0 ? &growth.findings[0] : NULL;
}

static void told_end(void) {
    for (uint32_t i = 0; i < MOMENTS; i++) {
        heap_deinit(&worlds[i].h);
    }
}

// Are they the objects of the further round with these serials, every `stride`-th?
static bool are_of_round(const uint64_t *addresses, uint32_t count, uint64_t stride) {
    uint64_t begin = FIRST + (uint64_t)MARKS * ROUND_STEPS * stride * 64;
    uint64_t end = begin + ROUND_STEPS * stride * 64;
    bool right = count == ROUND_STEPS;
    for (uint32_t i = 0; i < count; i++) {
        right = right && addresses[i] >= begin && addresses[i] < end &&
                (addresses[i] - FIRST) / 64 % stride == 0;
    }
    return right;
}

// Has the finding of a story just the objects of the further round?
static void is_made(story tell, mm_growth_kind kind, uint64_t stride, const char *words) {
    const mm_growth_finding *finding = told(tell);
    uint64_t *addresses = NULL;
    uint32_t count = 0;
    mm_error err;
    if (ok(finding != NULL && finding->kind == kind, "%s: found", words)) {
        mm_growth_input input = input_of();
        input.late_graph = NULL;
        ok(mm_growth_made(&input, finding, &graphs[MARKS], &arena, &addresses, &count, &err) ==
                   MM_OK &&
               are_of_round(addresses, count, stride),
           "%s", words);
    }
    told_end();
}

// rows.append(Exam()), and an Exam that nobody keeps at the moment of the further snapshot
static void story_list(world *w) {
    heap_set(&w->h, w->shop, "rows", w->list);
    for (uint64_t i = 0; i < w->steps; i++) {
        heap_ref(&w->h, w->list, born(w, w->exam_type, i), MM_NAME_INDEX, (uint32_t)i);
    }
    if (w->further) {
        (void)born(w, w->exam_type, w->steps + 1000);
    }
}

// rows.append([Exam()])
static void story_nested(world *w) {
    heap_set(&w->h, w->shop, "rows", w->list);
    for (uint64_t i = 0; i < w->steps; i++) {
        uint32_t exam = born(w, w->exam_type, i * 2);
        uint32_t row = born(w, w->h.list_type, i * 2 + 1);
        heap_ref(&w->h, w->list, row, MM_NAME_INDEX, (uint32_t)i);
        heap_ref(&w->h, row, exam, MM_NAME_INDEX, 0);
    }
}

// first.next.next.next = Exam()
static void story_tail(world *w) {
    uint32_t below = MM_NONE;
    for (uint64_t i = 0; i < w->steps; i++) {
        uint32_t node = born(w, w->exam_type, i);
        if (below != MM_NONE) {
            heap_named(&w->h, below, node, "next");
        } else {
            heap_set(&w->h, w->shop, "first", node);
        }
        below = node;
    }
}

// C code forgets an Exam; others wait, or are kept.
static void story_forgotten(world *w) {
    heap_set(&w->h, w->shop, "rows", w->list);
    for (uint64_t i = 0; i < w->steps; i++) {
        uint32_t exam = born(w, w->exam_type, i);
        w->h.file.refcount[exam] = 1;
    }
    if (w->further) {
        uint32_t kept = born(w, w->exam_type, w->steps + 1000);
        heap_ref(&w->h, w->list, kept, MM_NAME_INDEX, 0);
    }
}

// The list itself is gone in the further round, and all that it held.
static void story_gone(world *w) {
    if (!w->further) {
        story_list(w);
    }
}

// Two that lead to each other wait; another one of the type is kept.
static void story_waits(world *w) {
    story_list(w);
    if (w->further) {
        uint32_t one = born(w, w->exam_type, w->steps + 2000);
        uint32_t other = born(w, w->exam_type, w->steps + 2001);
        heap_named(&w->h, one, other, "other");
        heap_named(&w->h, other, one, "other");
    }
}

static void test_gone(void) {
    const mm_growth_finding *finding = told(story_gone);
    uint64_t *addresses = NULL;
    uint32_t count = 1;
    mm_error err;
    if (ok(finding != NULL, "a list grows")) {
        mm_growth_input input = input_of();
        ok(mm_growth_made(&input, finding, &graphs[MARKS], &arena, &addresses, &count, &err) ==
                   MM_OK &&
               count == 0,
           "of a list that is gone nothing is said");
    }
    told_end();
}

static void test_waits(void) {
    uint64_t *addresses = NULL;
    uint32_t count = 0;
    mm_error err;
    (void)told(story_waits);
    mm_growth_input input = input_of();
    ok(mm_growth_waiting(&input, "shop.Exam", &graphs[MARKS], &arena, &addresses, &count, &err) ==
           MM_OK,
       "asked for what waits");
    // The one of story_list() that nobody keeps waits as well.
    is_u64(count, 3, "what waits, and nothing that is kept");
    ok(mm_growth_waiting(&input, "shop.Other", &graphs[MARKS], &arena, &addresses, &count, &err) ==
               MM_OK &&
           count == 0,
       "none of another type");
    told_end();
}

// Of a type that C code holds all is told that the round shows, so that the rest can be asked for.
static void test_seen(void) {
    mm_growth_seen *seen = NULL;
    uint32_t count = 0;
    mm_error err;
    const mm_growth_finding *finding = told(story_forgotten);
    mm_growth_input input = input_of();
    if (ok(finding != NULL && mm_growth_seen_of(&input, finding, &graphs[MARKS], &arena, &seen,
                                                &count, &err) == MM_OK,
           "asked for a type")) {
        const mm_file *file = graphs[MARKS].file;
        is_u64(count, 1, "it is one");
        is_u64(seen->type, file->address[file->types[worlds[MARKS].exam_type].object], "its class");
        is_u64(seen->count, (uint64_t)MOMENTS * ROUND_STEPS + 1, "those forgotten, and one kept");
        bool ascending = true;
        for (uint32_t i = 1; i < seen->count; i++) {
            ascending = ascending && seen->addresses[i - 1] < seen->addresses[i];
        }
        ok(ascending, "in the order of addresses");
    }
    told_end();
    finding = told(story_list);
    input = input_of();
    ok(finding != NULL &&
           mm_growth_seen_of(&input, finding, &graphs[MARKS], &arena, &seen, &count, &err) ==
               MM_OK &&
           count == 0,
       "of what is held nothing is asked for");
    told_end();
}

// Whatever runs out, the answer is that memory is out.
static void test_no_memory(void) {
    const mm_growth_finding *finding = told(story_nested);
    mm_growth_input input = input_of();
    unsigned refused = 0;
    mm_status status = MM_E_NOMEM;
    uint64_t *addresses = NULL;
    uint32_t count = 0;
    mm_error err;
    for (uint64_t limit = 4096; finding != NULL && limit < (1 << 24) && status == MM_E_NOMEM;
         limit += 4096) {
        mm_os_pages less;
        mm_arena small;
        mm_os_pages_init(&less);
        less.limit_bytes = limit;
        mm_arena_init(&small, mm_os_pages_view(&less), 4096);
        status = mm_growth_made(&input, finding, &graphs[MARKS], &small, &addresses, &count, &err);
        refused += status == MM_E_NOMEM;
        mm_os_pages_deinit(&less);
    }
    ok(status == MM_OK, "there is an arena that is large enough");
    ok(refused > 0, "every smaller one was refused");
    told_end();
}

int main(void) {
    mm_os_pages_init(&pages);
    is_made(story_list, MM_GROWTH_HELD, 1, "entries of a list");
    is_made(story_nested, MM_GROWTH_HELD, 2, "what entries lead to");
    is_made(story_tail, MM_GROWTH_HELD, 1, "the end of a chain");
    is_made(story_forgotten, MM_GROWTH_BY_C, 1, "what C code forgot");
    test_gone();
    test_waits();
    test_seen();
    test_no_memory();
    mm_os_pages_deinit(&pages);
    return done_testing();
}
