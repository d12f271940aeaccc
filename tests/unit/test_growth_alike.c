// One leak that looks like several, although no two of them share an object: what is on the stacks
// of threads that do not end, and the same field of objects that one container holds.
#include "growth_story.h"

// What the threads of a story wait for.
typedef struct waiting {
    bool library;   // it is an object of the standard library
    bool has_list;  // and keeps what waits, too
} waiting;

// A thread a step. Frames: the inner one has the object that is waited for and a lock, the outer
// one the thread's own object.
static void threads(world *w, waiting how) {
    static const char *const inner_names[] = {"self", "lock"};
    static const char *const outer_names[] = {"self"};
    heap *h = &w->h;
    uint32_t inner = heap_code(h, "wait", "/lib/threading.py", 3, inner_names, 2);
    uint32_t outer = heap_code(h, "run", "/lib/threading.py", 9, outer_names, 1);
    uint32_t library = heap_module(h, "threading");
    heap_meta(h, "stdlib", "/lib");
    heap_set(h, library, "__file__", heap_str(h, "/lib/threading.py"));
    (void)heap_class(h, how.library ? library : w->shop, "Gate");
    uint32_t gate_type = h->file.type_count - 1;
    uint32_t lock_type = heap_type(h, "lock", MM_KIND_FOREIGN, 0, MM_NONE);
    uint32_t gate = heap_object(h, gate_type, HEAP_EXACT);
    uint32_t waiters = heap_object(h, h->list_type, HEAP_EXACT);
    heap_set(h, w->shop, "n1", gate);
    heap_set(h, gate, "n2", waiters);
    for (uint64_t i = 0; i < w->steps; i++) {
        uint32_t thread = born(w, w->exam_type, 2 * i);
        uint32_t lock = born(w, lock_type, 2 * i + 1);
        heap_entry(h, w->dict, heap_str(h, "n3"), thread);
        if (how.has_list) {
            heap_ref(h, waiters, lock, MM_NAME_INDEX, (uint32_t)i);
        }
        uint32_t frame = heap_frame(h, inner, 4, 0);
        h->file.frames[frame].thread = (uint32_t)i;
        heap_root(h, MM_ROOT_FRAME, gate, 0, frame);
        heap_root(h, MM_ROOT_FRAME, lock, 1, frame);
        frame = heap_frame(h, outer, 10, 0);
        h->file.frames[frame].thread = (uint32_t)i;
        heap_root(h, MM_ROOT_FRAME, thread, 0, frame);
    }
}

static void story_waiting(world *w) {
    threads(w, (waiting){.library = true, .has_list = true});
}

static void story_variables(world *w) {
    threads(w, (waiting){.library = true});
}

static void story_own_list(world *w) {
    threads(w, (waiting){.has_list = true});
}

static void test_stacks(void) {
    const mm_growth_finding *finding = told(story_waiting);
    if (ok(finding != NULL && leaks() == 1, "threads that wait for an object of the library")) {
        is_u64(finding->guilty.source, at.worlds[EARLY].dict, "are held where threads are");
        is_text(type_of(finding), "shop.Exam", "and it is they who are told of");
        is_u64(finding->grown_bytes, UINT64_C(2) * 4800, "with the bytes of what they wait on");
    }
    session_end();
    finding = told(story_variables);
    ok(finding != NULL && leaks() == 1 && finding->guilty.source == at.worlds[EARLY].dict,
       "what nothing but their frames has is theirs");
    session_end();
    finding = told(story_own_list);
    ok(finding != NULL && leaks() == 2, "a list of the program's own would keep it without them");
    session_end();
}

// Two observers with names of their own, each of which keeps what it is told, one in `every` steps
// the second.
static void observers(world *w, bool registered, uint64_t every) {
    heap *h = &w->h;
    static const char *const names[] = {"n1", "n2"};
    uint32_t kept[2];
    for (uint32_t k = 0; k < 2; k++) {
        uint32_t observer = heap_object(h, w->exam_type, HEAP_EXACT);
        kept[k] = heap_object(h, h->list_type, HEAP_EXACT);
        heap_set(h, w->shop, names[k], observer);
        heap_set(h, observer, "n3", kept[k]);
        if (registered) {
            heap_ref(h, w->list, observer, MM_NAME_INDEX, k);
        }
    }
    for (uint64_t i = 0; i < 2 * w->steps; i++) {
        if (i % 2 == 0 || i / 2 % every == 0) {
            heap_ref(h, kept[i % 2], born(w, h->tuple_type, i), MM_NAME_INDEX, (uint32_t)i);
        }
    }
}

static void story_observers(world *w) {
    observers(w, true, 1);
}

static void story_strangers(world *w) {
    observers(w, false, 1);
}

static void story_unequal(world *w) {
    observers(w, true, 4);
}

static void test_fields(void) {
    const mm_growth_finding *finding = told(story_observers);
    if (ok(finding != NULL && leaks() == 1, "the same field of two that one list holds")) {
        is_u64(finding->places, 2, "in two places");
        is_u64(finding->grown_objects, 200, "all of what they keep");
    }
    session_end();
    (void)told(story_strangers);
    is_u64(leaks(), 2, "nothing holds both: they may have nothing to do with each other");
    session_end();
    (void)told(story_unequal);
    is_u64(leaks(), 2, "nor have those that do not keep as many");
    session_end();
}

int main(void) {
    mm_os_pages_init(&pages);
    test_stacks();
    test_fields();
    mm_os_pages_deinit(&pages);
    return done_testing();
}
