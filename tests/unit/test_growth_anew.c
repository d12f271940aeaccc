// An object that is made anew and larger with every step, inside of another that is made anew.
#include "growth_story.h"

// shop.n1 = Exam(text=shop.n1.text + "...")
static void record(world *w, uint64_t length) {
    heap *h = &w->h;
    uint32_t exam = born(w, w->exam_type, 100000 + 2 * w->steps);
    uint32_t text = born(w, h->str_type, 100001 + 2 * w->steps);
    h->file.size_bytes[text] = 49 + (uint32_t)length;
    heap_named(h, exam, text, "text");
    heap_set(h, w->shop, "n1", exam);
}

static void story_copied(world *w) {
    record(w, 100 * w->steps);
}

static void story_full(world *w) {
    record(w, 100 * (w->steps < 200 ? w->steps : 200));
}

static void story_cut(world *w) {
    record(w, 100 * (w->steps % 50));
}

static void story_beside(world *w) {
    for (uint64_t i = 0; i < w->steps; i++) {
        heap_ref(&w->h, w->list, born(w, w->exam_type, i), MM_NAME_INDEX, (uint32_t)i);
    }
    record(w, 100 * w->steps);
}

// As many bytes more, but in ever more texts, which nobody holds.
static void story_many(world *w) {
    for (uint64_t i = 0; i < w->steps; i++) {
        uint32_t text = born(w, w->h.str_type, i);
        w->h.file.size_bytes[text] = 100;
    }
}

static void test_copied(void) {
    const mm_growth_finding *finding = told(story_copied);
    if (ok(finding != NULL && leaks() == 1, "a record that is copied with a longer text")) {
        is_u64(finding->kind, MM_GROWTH_ONE_OBJECT, "one object grows");
        is_text(edge_of(finding), ".n1", "by what an old object has of it");
        is_text(type_of(finding), "str", "it is the text");
        is_u64(finding->grown_bytes, 10000, "so many bytes");
        is_u64(finding->steps, 100, "in so many steps");
        uint32_t newest = finding->newest;
        ok(at.graphs[EARLY].file->size_bytes[newest] == 49 + 100 * at.worlds[EARLY].steps,
           "which is the one that is there");
    }
    session_end();
}

static void test_others(void) {
    (void)told(story_full);
    is_u64(leaks(), 0, "one that stops at its length");
    session_end();
    (void)told(story_cut);
    is_u64(leaks(), 0, "one that is cut from time to time");
    session_end();
    const mm_growth_finding *finding = told(story_beside);
    ok(finding != NULL && leaks() == 1 && finding->kind == MM_GROWTH_HELD,
       "beside a leak it is not asked about");
    session_end();
    (void)told(story_many);
    for (uint32_t i = 0; i < at.growth.finding_count; i++) {
        ok(at.growth.findings[i].kind != MM_GROWTH_ONE_OBJECT, "many texts are not one");
    }
    session_end();
}

int main(void) {
    mm_os_pages_init(&pages);
    test_copied();
    test_others();
    mm_os_pages_deinit(&pages);
    return done_testing();
}
