// Stories for tests of growth: a small world at nine moments, of which a test asks what grows.
//
// Moments are as `loop` makes them: a baseline, five rounds of twenty steps, a long run of a
// thousand, two rounds more. Objects of a story have addresses by their serial numbers, so that one
// that lives has the same in every mark and a dead one leaves a hole.
//
//     static void story_list(world *w) { ... }        for each moment, all there is by then
//     const mm_growth_finding *finding = told(story_list);
//     ...
//     session_end();
#ifndef MM_TESTS_GROWTH_STORY_H
#define MM_TESTS_GROWTH_STORY_H

#include "analyze/growth.h"
#include "base/os/pages.h"
#include "heap_builder.h"
#include "tap.h"

enum { MARKS = 9, EARLY = 5, FIRST_STEPS = 10, ROUND_STEPS = 20, LONG_STEPS = 1000 };

static mm_os_pages pages;
static mm_arena arena;

// What is there before a story begins: a module with a class, and an empty list and dict in it.
typedef struct world {
    heap h;
    uint32_t shop;
    uint32_t exam_class;
    uint32_t exam_type;
    uint32_t weakref_type;
    uint32_t list;
    uint32_t dict;
    uint64_t steps;
} world;

typedef void (*story)(world *w);

typedef struct session {
    world worlds[MARKS];
    mm_graph graphs[MARKS];
    mm_mark marks[MARKS];
    mm_type_names names;
    mm_growth growth;
    uint32_t mark_count;
} session;

static session at;

__attribute__((unused)) static void world_init(world *w, uint64_t steps) {
    memset(w, 0, sizeof(*w));
    heap *h = &w->h;
    heap_init(h);
    w->steps = steps;
    w->weakref_type = heap_type(h, "weakref.ReferenceType", MM_KIND_WEAKREF, 0, MM_NONE);
    w->shop = heap_module(h, "shop");
    w->exam_class = heap_class(h, w->shop, "Exam");
    w->exam_type = h->file.type_count - 1;
    w->list = heap_object(h, h->list_type, HEAP_EXACT);
    w->dict = heap_object(h, h->dict_type, HEAP_EXACT);
    heap_set(h, w->shop, "rows", w->list);
    heap_set(h, w->shop, "table", w->dict);
    for (unsigned i = 0; i < 40; i++) {  // so that names of stories are no new objects
        static char names[40][8];
        (void)snprintf(names[i], sizeof(names[i]), "n%u", i);
        (void)heap_str(h, names[i]);
    }
}

// An object of the story. Serials ascend within a moment.
__attribute__((unused)) static uint32_t born(world *w, uint32_t type, uint64_t serial) {
    uint32_t node = heap_object(&w->h, type, HEAP_EXACT);
    w->h.file.address[node] = 0x1000000 + serial * 64;
    return node;
}

__attribute__((unused)) static uint64_t steps_at(uint32_t mark) {
    return FIRST_STEPS + (uint64_t)mark * ROUND_STEPS + (mark > EARLY ? LONG_STEPS - 20 : 0);
}

__attribute__((unused)) static mm_status session_find(session *s, uint32_t mark_count,
                                                      bool collected) {
    mm_growth_input input = {.marks = s->marks,
                             .mark_count = mark_count,
                             .early = EARLY,
                             .early_graph = &s->graphs[EARLY],
                             .late_graph = &s->graphs[mark_count - 1],
                             .names = &s->names,
                             .collected = collected};
    mm_error err;
    return mm_growth_find(&input, &arena, &s->growth, &err);
}

__attribute__((unused)) static mm_status session_take(session *s, uint32_t mark_count) {
    mm_error err;
    s->mark_count = mark_count;
    mm_type_names_init(&s->names, &arena);
    for (uint32_t i = 0; i < mark_count; i++) {
        MM_TRY(mm_graph_build(&s->worlds[i].h.file, &arena, &s->graphs[i], &err));
        MM_TRY(mm_mark_take(&s->graphs[i], &s->names, &arena, &arena, &s->marks[i], &err));
        MM_TRY(mm_mark_reach(&s->graphs[i], &arena, &s->marks[i], &err));
        s->marks[i].process.steps = s->worlds[i].steps;
    }
    return MM_OK;
}

__attribute__((unused)) static void worlds_make(session *s, story tell, uint32_t mark_count) {
    for (uint32_t i = 0; i < mark_count; i++) {
        world_init(&s->worlds[i], steps_at(i));
        tell(&s->worlds[i]);
        (void)heap_file(&s->worlds[i].h);
    }
}

__attribute__((unused)) static void arena_start(void) {
    mm_os_pages_deinit(&pages);
    mm_arena_init(&arena, mm_os_pages_view(&pages), pages.limit_bytes != 0 ? 4096 : 1 << 20);
}

// Tell a story and ask. Answers the first finding, or NULL.
__attribute__((unused)) static const mm_growth_finding *told_until(story tell, uint32_t mark_count,
                                                                   bool collected) {
    arena_start();
    worlds_make(&at, tell, mark_count);
    bool found =
        session_take(&at, mark_count) == MM_OK && session_find(&at, mark_count, collected) == MM_OK;
    return ok(found, "asked") && at.growth.finding_count > 0 ? &at.growth.findings[0] : NULL;
}

__attribute__((unused)) static const mm_growth_finding *told(story tell) {
    return told_until(tell, MARKS, true);
}

__attribute__((unused)) static void session_end(void) {
    for (uint32_t i = 0; i < at.mark_count; i++) {
        heap_deinit(&at.worlds[i].h);
    }
}

__attribute__((unused)) static const char *type_of(const mm_growth_finding *finding) {
    return finding->type == MM_NONE ? "" : at.names.names[finding->type];
}

// The step of the guilty reference.
__attribute__((unused)) static const char *edge_of(const mm_growth_finding *finding) {
    static char text[64];
    (void)mm_graph_edge_text(&at.graphs[EARLY], finding->guilty.edge, text, sizeof(text));
    return text;
}

__attribute__((unused)) static uint32_t leaks(void) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < at.growth.finding_count; i++) {
        const mm_growth_finding *finding = &at.growth.findings[i];
        count += finding->settled == MM_SETTLED_LEAK && !finding->echo;
    }
    return count;
}

#endif
