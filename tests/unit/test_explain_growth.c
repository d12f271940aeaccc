// What is said of growth, on the stories of growth_story.h: which finding each rule makes, whether
// it is a leak, and which verdict the whole has. A leak has a holder only where there is one.
#include "explain/findings.h"
#include "growth_story.h"

// A snapshot of what was made while the collector was off; `h` is used where `used` says so.
typedef struct garbage {
    heap h;
    mm_graph graph;
    bool used;
} garbage;

static garbage made;
static mm_findings said;

static void garbage_begin(void) {
    memset(&made, 0, sizeof(made));
    heap_init(&made.h);
    heap_meta(&made.h, "round_steps", "20");
    made.used = true;
}

static bool garbage_build(void) {
    mm_error err;
    return !made.used || mm_graph_build(heap_file(&made.h), &arena, &made.graph, &err) == MM_OK;
}

static mm_status findings_ask(uint32_t mark_count) {
    uint32_t early = mark_count <= EARLY ? mark_count - 1 : EARLY;
    mm_growth_input input = {.marks = at.marks,
                             .mark_count = mark_count,
                             .early = early,
                             .early_graph = &at.graphs[early],
                             .late_graph = &at.graphs[mark_count - 1],
                             .names = &at.names,
                             .collected = true};
    mm_error err;
    return mm_findings_of_growth(&input, made.used ? &made.graph : NULL, &arena, &said, &err);
}

// Tell a story and what is garbage beside it. The first finding that is not hidden, or NULL.
static const mm_finding *explained_until(story tell, uint32_t mark_count) {
    arena_start();
    worlds_make(&at, tell, mark_count);
    bool done = garbage_build() && session_take(&at, mark_count) == MM_OK &&
                findings_ask(mark_count) == MM_OK;
    return ok(done, "explained") && said.finding_count > 0 && !said.findings[0].hidden
               ? &said.findings[0]
               : NULL;
}

static const mm_finding *explained(story tell) {
    return explained_until(tell, MARKS);
}

static void explained_end(void) {
    session_end();
    if (made.used) {
        heap_deinit(&made.h);
    }
    made.used = false;
}

static const char *verdict(void) {
    return said.verdict_count == 0 ? "clean" : mm_verdict_text(said.verdicts[0].verdict);
}

static uint32_t shown(void) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < said.finding_count; i++) {
        count += !said.findings[i].hidden;
    }
    return count;
}

// rows.append(Exam())
static void story_held(world *w) {
    for (uint64_t i = 0; i < w->steps; i++) {
        heap_ref(&w->h, w->list, born(w, w->exam_type, i), MM_NAME_INDEX, (uint32_t)i);
    }
}

// The same for as long as there are less than 200.
static void story_cache(world *w) {
    for (uint64_t i = 0; i < w->steps && i < 200; i++) {
        heap_ref(&w->h, w->list, born(w, w->exam_type, i), MM_NAME_INDEX, (uint32_t)i);
    }
}

// The same with a bound that is not reached yet.
static void story_bounded(world *w) {
    story_held(w);
    heap_fact(&w->h, w->list, MM_FACT_BOUND, 32768);
}

// Lists of one dict, each of which gets longer.
static void story_entries(world *w) {
    for (unsigned i = 0; i < 3; i++) {
        uint32_t list = heap_object(&w->h, w->h.list_type, HEAP_EXACT);
        w->h.file.storage_bytes[list] = (uint32_t)w->steps * 8;
        heap_entry(&w->h, w->dict, w->exam_class, list);
    }
}

static void test_entries(void) {
    const mm_finding *finding = explained(story_entries);
    if (ok(finding != NULL && shown() == 1, "lists of one dict are told at once")) {
        const char *begins = "shop.table[*] (list) grows in 3 such places: ";
        ok(strncmp(finding->sentence, begins, strlen(begins)) == 0, "said: %s", finding->sentence);
        is_u64(finding->growth->grown_bytes, UINT64_C(3) * 100 * 8, "with the bytes of all");
    }
    explained_end();
}

// Weak references beside the objects are their shadow.
static void story_shadow(world *w) {
    for (uint64_t i = 0; i < w->steps; i++) {
        heap_entry(&w->h, w->dict, born(w, w->exam_type, 2 * i), 0);
        heap_ref(&w->h, w->list, born(w, w->weakref_type, 2 * i + 1), MM_NAME_INDEX, (uint32_t)i);
    }
}

// setattr(shop, name, Exam()), with ever new names
static void story_names(world *w) {
    static char names[2000][8];
    for (uint64_t i = 0; i < w->steps; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "x%u", (unsigned)i);
        uint32_t text = born(w, w->h.str_type, 2 * i);
        heap_text(&w->h, text, names[i]);
        heap_entry(&w->h, w->h.namespaces[w->shop], text, born(w, w->exam_type, 2 * i + 1));
    }
}

// What only the interpreter refers to, and what only an object of C has that stands in a module.
static void story_hooks(world *w) {
    uint32_t hooks = heap_object(&w->h, w->h.list_type, HEAP_EXACT);
    heap_root(&w->h, MM_ROOT_INTERPRETER, hooks, heap_name(&w->h, "after_fork"), MM_NONE);
    for (uint64_t i = 0; i < w->steps; i++) {
        heap_ref(&w->h, hooks, born(w, w->exam_type, i), MM_NAME_INDEX, (uint32_t)i);
    }
}

static void story_inside(world *w) {
    heap *h = &w->h;
    uint32_t parser_type = heap_type(h, "pyexpat.Parser", MM_KIND_FOREIGN, 0, MM_NONE);
    uint32_t builder_type = heap_type(h, "_et.Builder", MM_KIND_FOREIGN, 0, MM_NONE);
    uint32_t element_type = heap_type(h, "_et.Element", MM_KIND_FOREIGN, 0, MM_NONE);
    uint32_t parser = heap_object(h, parser_type, HEAP_EXACT);
    uint32_t builder = heap_object(h, builder_type, HEAP_EXACT);
    uint32_t element = heap_object(h, element_type, HEAP_EXACT);
    heap_set(h, w->shop, "n1", parser);
    heap_ref(h, parser, builder, MM_NAME_WORD, 2);
    heap_ref(h, builder, element, MM_NAME_WORD, 2);
    heap_ref(h, builder, element, MM_NAME_WORD, 3);
    for (uint64_t i = 0; i < w->steps; i++) {
        heap_ref(h, element, born(w, w->exam_type, i), MM_NAME_INDEX, (uint32_t)i);
    }
}

static void says(story tell, const char *begins, const char *reference) {
    const mm_finding *finding = explained(tell);
    if (ok(finding != NULL && shown() == 1, "%s", begins)) {
        ok(strncmp(finding->sentence, begins, strlen(begins)) == 0, "said: %s", finding->sentence);
        is_text(finding->cut.reference, reference, "by this reference");
    }
    explained_end();
}

static void test_containers(void) {
    says(story_names, "the namespace of module shop keeps 100 Exam alive", "shop.*");
    says(story_hooks, "the interpreter's after_fork (list) keeps 110 Exam alive",
         "the interpreter's after_fork[*]");
    says(story_inside, "Element inside of shop.n1 (Element) keeps 110 Exam alive",
         "Element inside of shop.n1[*]");
}

static void test_shadow(void) {
    const mm_finding *finding = explained(story_shadow);
    if (ok(finding != NULL && said.finding_count == 2 && shown() == 1, "a shadow is hidden")) {
        is_text(finding->type, "shop.Exam", "what casts it is told");
        ok(!said.findings[1].is_leak, "and alone a leak");
    }
    explained_end();
}

static void test_held(void) {
    const mm_finding *finding = explained(story_held);
    if (ok(finding != NULL && shown() == 1, "a list that keeps everything")) {
        is_u64(finding->kind, MM_FINDING_GROWTH, "growth");
        ok(finding->is_leak, "a leak");
        is_text(finding->type, "shop.Exam", "of a type");
        is_u64(finding->count, 110, "all that are there go with it");
        is_u64(finding->grown_objects, 100, "of which so many are new");
        is_u64(finding->steps, 100, "in so many steps");
        is_u64(finding->cut.freed_bytes, UINT64_C(110) * 48, "their bytes go");
        is_text(finding->cut.reference, "shop.rows[*]", "by this reference");
        is_text(finding->sentence,
                "shop.rows (list) keeps 110 Exam alive: 5.2 KiB, one more every step", "said");
        ok(finding->path_count == 3 && finding->path[1].guilty && !finding->path[0].guilty,
           "the item of the list is guilty");
        ok(finding->cure_text != NULL, "there is something to do about it");
        is_text(verdict(), "leak", "a leak");
        is_u64(said.watched.steps, LONG_STEPS + 7 * ROUND_STEPS, "watched for so many steps");
        is_u64(said.watched.counted_steps, 110, "of which the numbers are of so many");
        is_u64(said.note_count, 0, "nothing else is to be said");
    }
    explained_end();
    finding = explained_until(story_held, EARLY + 1);
    if (ok(finding != NULL && !finding->is_leak, "without a long run it may be a cache")) {
        is_text(verdict(), "suspects", "which is a suspicion");
        is_u64(said.note_count, 1, "and what would tell is said");
    }
    explained_end();
}

// What settled is a note without a cure, and hidden.
static void is_note(story tell, const char *end, const char *words) {
    const mm_finding *finding = explained(tell);
    ok(finding == NULL && said.finding_count == 1, "%s", words);
    if (said.finding_count == 1) {
        finding = &said.findings[0];
        ok(finding->hidden && !finding->is_leak, "is a note");
        ok(strstr(finding->sentence, end) != NULL, "that says why");
        ok(finding->cure_text == NULL && finding->cut.role == NULL, "there is nothing to mend");
    }
    is_text(verdict(), "clean", "clean");
    explained_end();
}

// Objects with a reference that nobody has.
static void story_forgotten(world *w) {
    for (uint64_t i = 0; i < w->steps; i++) {
        uint32_t exam = born(w, w->exam_type, i);
        w->h.file.refcount[exam] = 1;
    }
}

// Objects that nobody leads to and that two collections left.
static void story_invisible(world *w) {
    for (uint64_t i = 0; i < w->steps; i++) {
        uint32_t exam = born(w, w->exam_type, i);
        heap_named(&w->h, exam, exam, "self");
    }
}

static void test_without_holder(void) {
    const mm_finding *finding = explained(story_forgotten);
    if (ok(finding != NULL && shown() == 1, "references that nobody accounts for")) {
        is_u64(finding->kind, MM_FINDING_HELD_BY_C, "held by C");
        ok(finding->is_leak && strcmp(finding->type, "shop.Exam") == 0, "a leak of a type");
        is_u64(finding->grown_objects, 100, "so many");
        ok(finding->path_count == 0 && finding->cut.reference == NULL && finding->holder == NULL,
           "and no holder is invented");
        is_text(verdict(), "held by C", "held by C");
    }
    explained_end();
    finding = explained(story_invisible);
    if (ok(finding != NULL, "rings that the collector leaves")) {
        is_u64(finding->kind, MM_FINDING_GC_INVISIBLE, "are invisible to it");
        ok(finding->path_count == 0 && finding->holder == NULL, "without a holder");
        is_text(verdict(), "gc-invisible", "gc-invisible");
    }
    explained_end();
}

static void story_nothing(world *w) {
    (void)w;
}

// Rings of two, as a round of twenty steps leaves them with the collector off.
static void rings_make(const char *class_name) {
    heap *h = &made.h;
    uint32_t shop = heap_module(h, "shop");
    heap_class(h, shop, class_name);
    uint32_t type = h->file.type_count - 1;
    for (unsigned i = 0; i < 20; i++) {
        uint32_t parent = heap_object(h, type, HEAP_EXACT);
        uint32_t child = heap_object(h, type, HEAP_EXACT);
        heap_named(h, parent, child, "child");
        heap_named(h, child, parent, "parent");
    }
}

static void test_cycle(void) {
    garbage_begin();
    rings_make("Node");
    const mm_finding *finding = explained(story_nothing);
    if (ok(finding != NULL && shown() == 1, "rings that wait for the collector")) {
        is_u64(finding->kind, MM_FINDING_CYCLE, "are cycles");
        is_u64(finding->count, 20, "so many");
        ok(!finding->is_leak && finding->ring_count > 0, "and no leak");
        is_text(verdict(), "waiting for gc", "waiting for gc");
    }
    explained_end();
    garbage_begin();
    rings_make("Node");
    (void)explained(story_held);
    ok(shown() == 2 && said.findings[0].is_leak && said.findings[1].kind == MM_FINDING_CYCLE,
       "beside a leak they come behind it");
    is_text(verdict(), "leak", "the leak is the verdict");
    explained_end();
    garbage_begin();
    rings_make("Node");
    (void)explained(story_cache);
    ok(said.finding_count == 2 && said.findings[0].kind == MM_FINDING_CYCLE,
       "before what is hidden");
    explained_end();
    garbage_begin();
    rings_make("Exam");
    (void)explained(story_invisible);
    ok(said.finding_count == 1 && said.findings[0].kind == MM_FINDING_GC_INVISIBLE,
       "rings that the collector cannot see do not wait for it");
    explained_end();
}

// What a function that runs has in a variable.
static void story_variable(world *w) {
    static const char *const names[] = {"exam"};
    uint32_t code = heap_code(&w->h, "run", "/app/shop.py", 3, names, 1);
    uint32_t frame = heap_frame(&w->h, code, 4, 0);
    heap_root(&w->h, MM_ROOT_FRAME, born(w, w->exam_type, w->steps), 0, frame);
}

static void test_two_snapshots(void) {
    ok(explained_until(story_variable, 2) == NULL, "two snapshots of what runs show nothing");
    explained_end();
    const mm_finding *finding = explained_until(story_held, 2);
    ok(finding != NULL && !finding->is_leak, "of a list they show something");
    ok(said.note_count == 1 && strstr(said.notes[0], "third") != NULL, "and what would tell");
    explained_end();
}

// Five rounds of `steps` steps, each of which took so many bytes.
static void rounds_make(const char *const texts[5]) {
    for (unsigned i = 0; i < 5; i++) {
        heap_meta(&made.h, "native_round", texts[i]);
    }
}

static void test_native(void) {
    static const char *const grows[5] = {"1000 1000000 1000000", "1000 1100000 1000000",
                                         "1000 1200000 1000000", "1000 1300000 1000000",
                                         "1000 1400000 1000000"};
    static const char *const stands[5] = {"1000 1000000 1000000", "1000 1100000 1000000",
                                          "1000 1100000 1000000", "1000 1100000 1000000",
                                          "1000 1100000 1000000"};
    static const char *const broken[5] = {"1000  1000000", "1000  1100000", "1000  1200000",
                                          "1000  1300000", "1000  1400000"};
    garbage_begin();
    rounds_make(grows);
    const mm_finding *finding = explained(story_nothing);
    if (ok(finding != NULL && shown() == 1, "memory that no object explains")) {
        is_u64(finding->kind, MM_FINDING_NATIVE, "native");
        ok(finding->is_leak && finding->path_count == 0, "a leak without a holder");
        is_u64(finding->count, MM_UNKNOWN, "of nothing that can be counted");
        is_u64(finding->retained_bytes, UINT64_C(100) * (LONG_STEPS + 7 * ROUND_STEPS),
               "100 bytes a step");
        is_text(verdict(), "native", "native");
    }
    explained_end();
    garbage_begin();
    rounds_make(grows);
    (void)explained(story_held);
    ok(shown() == 1 && said.findings[0].kind == MM_FINDING_GROWTH, "a leak explains it");
    explained_end();
    garbage_begin();
    rounds_make(stands);
    ok(explained(story_nothing) == NULL, "memory that stands still");
    is_text(verdict(), "clean", "clean");
    explained_end();
    garbage_begin();
    rounds_make(broken);
    ok(explained(story_nothing) == NULL, "rounds that make no sense are passed over");
    explained_end();
}

static void test_clean(void) {
    ok(explained(story_nothing) == NULL && said.finding_count == 0, "nothing grows");
    is_text(verdict(), "clean", "clean");
    ok(said.watched.known && said.watched.rounds == MARKS - 1, "how long is said");
    is_u64(said.watched.smallest_bytes_per_step, 205, "and what would not have been seen");
    explained_end();
}

// shop.n1 = Exam(text=shop.n1.text + "...")
static void story_copied(world *w) {
    uint32_t exam = born(w, w->exam_type, 2 * w->steps);
    uint32_t text = born(w, w->h.str_type, 2 * w->steps + 1);
    w->h.file.size_bytes[text] = 49 + 100 * (uint32_t)w->steps;
    heap_ref(&w->h, exam, text, MM_NAME_INDEX, 0);
    heap_set(&w->h, w->shop, "n1", exam);
}

static void test_inside(void) {
    const mm_finding *finding = explained(story_copied);
    if (ok(finding != NULL && finding->is_leak, "what grows inside of what is made anew")) {
        is_text(finding->sentence,
                "shop.n1 (Exam) keeps one str that grows: 10.8 KiB, 100 B more every step", "said");
        ok(finding->path_count == 3 && finding->path[0].guilty, "with the way to it");
    }
    explained_end();
}

static void test_memory(void) {
    unsigned refused = 0;
    mm_status status = MM_E_NOMEM;
    worlds_make(&at, story_held, MARKS);
    at.mark_count = MARKS;
    for (uint64_t limit = 1 << 16; limit < (UINT64_C(1) << 28) && status == MM_E_NOMEM;
         limit += limit / 8) {
        pages.limit_bytes = limit;
        arena_start();
        pages.limit_bytes = limit;
        status = session_take(&at, MARKS);
        status = status == MM_OK ? findings_ask(MARKS) : status;
        refused += status == MM_E_NOMEM;
    }
    ok(status == MM_OK && refused > 3, "every smaller arena was refused");
    pages.limit_bytes = 0;
    session_end();
}

int main(void) {
    mm_os_pages_init(&pages);
    test_entries();
    test_held();
    test_containers();
    test_shadow();
    is_note(story_cache, "it did not grow in the last rounds, with ", "a cache that is full");
    is_note(story_bounded, "it is bounded at 32,768", "one with a bound");
    test_without_holder();
    test_cycle();
    test_two_snapshots();
    test_native();
    test_clean();
    test_inside();
    test_memory();
    mm_os_pages_deinit(&pages);
    return done_testing();
}
