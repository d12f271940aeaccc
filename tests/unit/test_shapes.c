// Path shapes on small heaps: each is a story that is told by processes that did more and more, of
// which a test asks what there is more of. Processes begin at other addresses, so that nothing can
// be known by them.
#include "analyze/shapes.h"
#include "base/os/pages.h"
#include "heap_builder.h"
#include "tap.h"

enum { SNAPSHOTS_MAX = 3 };

static mm_os_pages pages;
static mm_arena arena;

// What is there before a story begins: a module with two classes, and an empty list and dict in it.
typedef struct world {
    heap h;
    uint32_t shop;
    uint32_t exam_class;
    uint32_t exam_type;
    uint32_t part_type;
    uint32_t list;
    uint32_t dict;
    uint32_t number;  // of the process
    uint32_t amount;  // how much it did
} world;

typedef void (*story)(world *w);

typedef struct session {
    world worlds[SNAPSHOTS_MAX];
    mm_graph graphs[SNAPSHOTS_MAX];
    mm_shape_mark marks[SNAPSHOTS_MAX];
    mm_type_names names;
    mm_shapes shapes;
    mm_shape_growth growth;
    uint32_t count;
} session;

static session at;

static uint32_t thing(world *w, uint32_t type) {
    return heap_object(&w->h, type, HEAP_EXACT);
}

static void world_init(world *w, uint32_t number, uint32_t amount) {
    memset(w, 0, sizeof(*w));
    heap *h = &w->h;
    heap_init(h);
    w->number = number;
    w->amount = amount;
    // Others have had other things there before.
    for (uint32_t i = 0; i < number * 7; i++) {
        (void)heap_object(h, h->int_type, MM_NONE);
    }
    w->shop = heap_module(h, "shop");
    w->exam_class = heap_class(h, w->shop, "Exam");
    w->exam_type = h->file.type_count - 1;
    (void)heap_class(h, w->shop, "Part");
    w->part_type = h->file.type_count - 1;
    w->list = thing(w, h->list_type);
    w->dict = thing(w, h->dict_type);
    heap_set(h, w->shop, "rows", w->list);
    heap_set(h, w->shop, "table", w->dict);
}

static mm_status session_ask(session *s) {
    mm_error err;
    mm_type_names_init(&s->names, &arena);
    mm_shapes_init(&s->shapes, &s->names, &arena);
    for (uint32_t i = 0; i < s->count; i++) {
        MM_TRY(mm_graph_build(&s->worlds[i].h.file, &arena, &s->graphs[i], &err));
        MM_TRY(mm_shapes_take(&s->shapes, &s->graphs[i], &arena, &s->marks[i], &err));
    }
    mm_shapes_input input = {&s->shapes, s->marks, s->count, &s->graphs[s->count - 1]};
    return mm_shapes_compare(&input, &arena, &s->growth, &err);
}

static void arena_start(void) {
    mm_os_pages_deinit(&pages);
    mm_arena_init(&arena, mm_os_pages_view(&pages), pages.limit_bytes != 0 ? 4096 : 1 << 20);
}

static void worlds_make(story tell, uint32_t count, const uint32_t *amounts) {
    at.count = count;
    for (uint32_t i = 0; i < count; i++) {
        world_init(&at.worlds[i], i, amounts[i]);
        tell(&at.worlds[i]);
        (void)heap_file(&at.worlds[i].h);
    }
}

// Tell a story of processes that did so much. Answers the first finding, or NULL.
static const mm_shape_finding *told(story tell, uint32_t count, const uint32_t *amounts) {
    arena_start();
    worlds_make(tell, count, amounts);
    bool found = session_ask(&at) == MM_OK;
    return ok(found, "asked") && at.growth.finding_count > 0 ? &at.growth.findings[0] : NULL;
}

static const mm_shape_finding *told_two(story tell, uint32_t before, uint32_t after) {
    const uint32_t amounts[] = {before, after};
    return told(tell, 2, amounts);
}

static void session_end(void) {
    for (uint32_t i = 0; i < at.count; i++) {
        heap_deinit(&at.worlds[i].h);
    }
}

static const char *type_of(const mm_shape_finding *finding) {
    return finding == NULL ? "" : at.names.names[finding->growth.type];
}

static uint32_t source_of(const mm_shape_finding *finding) {
    return finding == NULL ? MM_NONE : finding->growth.guilty.source;
}

// rows.append(Exam()), each with a part
static void story_list(world *w) {
    for (uint32_t i = 0; i < w->amount; i++) {
        uint32_t exam = thing(w, w->exam_type);
        heap_ref(&w->h, w->list, exam, MM_NAME_INDEX, i);
        heap_set(&w->h, exam, "part", thing(w, w->part_type));
    }
}

static void test_list(void) {
    const mm_shape_finding *finding = told_two(story_list, 100, 300);
    if (ok(finding != NULL, "a list with more in it")) {
        is_u64(at.growth.finding_count, 1, "is all: parts come along with their owners");
        is_u64(source_of(finding), at.worlds[1].list, "it is held by the list");
        is_text(type_of(finding), "shop.Exam", "of a type");
        is_u64(finding->before, 100, "what there was");
        is_u64(finding->after, 300, "what there is");
        is_u64(finding->growth.grown_objects, 200, "so many more");
        is_u64(finding->growth.grown_bytes, 200 * 3 * 48, "with their dicts and parts");
        ok(finding->growth.settled == MM_SETTLED_UNKNOWN, "which is no leak");
        is_u64(at.growth.birth[finding->growth.newest], 1, "the object is one of those");
        is_u64(at.growth.birth[at.worlds[1].list], 0, "its holder is none of them");
    }
    session_end();
}

static void test_little(void) {
    ok(told_two(story_list, 300, 100) == NULL, "less is not told");
    session_end();
    ok(told_two(story_list, 100, 109) == NULL, "nine more are not told");
    session_end();
    ok(told_two(story_list, 2000, 2019) == NULL, "nor is less than a hundredth");
    session_end();
    ok(told_two(story_list, 100, 110) != NULL, "ten more are");
    session_end();
    const uint32_t back[] = {100, 300, 200};
    ok(told(story_list, 3, back) == NULL, "of three, each must have more than the one before");
    session_end();
    const uint32_t on[] = {100, 105, 200};
    ok(told(story_list, 3, on) != NULL, "how much more, all of them tell");
    session_end();
}

// The same objects, in a list or in a dict: what moves is no growth.
static void story_moves(world *w) {
    for (uint32_t i = 0; i < 200; i++) {
        uint32_t exam = thing(w, w->exam_type);
        if (i < w->amount) {
            heap_ref(&w->h, w->list, exam, MM_NAME_INDEX, i);
        } else {
            heap_entry(&w->h, w->dict, heap_object(&w->h, w->h.int_type, MM_NONE), exam);
        }
    }
}

static void test_moves(void) {
    const mm_shape_finding *finding = told_two(story_moves, 50, 150);
    ok(finding != NULL && finding->growth.kind == MM_GROWTH_ONE_OBJECT,
       "what moved from one holder to another is no more, though a holder is longer");
    is_text(type_of(finding), "list", "which is what is told");
    is_u64(at.growth.finding_count, 1, "and nothing else");
    session_end();
}

// Forty groups in the table; each has a list of exams.
static void story_fan(world *w) {
    for (uint32_t i = 0; i < 40; i++) {
        uint32_t group = thing(w, w->part_type);
        uint32_t list = thing(w, w->h.list_type);
        heap_entry(&w->h, w->dict, heap_object(&w->h, w->h.int_type, MM_NONE), group);
        heap_set(&w->h, group, "exams", list);
        for (uint32_t k = 0; k < w->amount + i; k++) {
            heap_ref(&w->h, list, thing(w, w->exam_type), MM_NAME_INDEX, k);
        }
    }
}

static void test_fan(void) {
    const mm_shape_finding *finding = told_two(story_fan, 10, 100);
    if (ok(finding != NULL && at.growth.finding_count == 1, "many lists of one shape are one")) {
        is_text(type_of(finding), "shop.Exam", "it begins where there are no more of the holders");
        is_u64(finding->growth.grown_objects, 40 * 90, "all of them together");
        const mm_file *file = &at.worlds[1].h.file;
        uint32_t list = source_of(finding);
        is_u64(file->reference_start[list + 1] - file->reference_start[list], 139,
               "the longest stands for all");
    }
    session_end();
}

// head = Exam(head)
static void story_chain(world *w) {
    uint32_t before = MM_NONE;
    for (uint32_t i = 0; i < w->amount; i++) {
        uint32_t exam = thing(w, w->exam_type);
        if (before != MM_NONE) {
            heap_set(&w->h, exam, "before", before);
        }
        before = exam;
    }
    heap_set(&w->h, w->shop, "head", before);
}

static void test_chain(void) {
    const mm_shape_finding *finding = told_two(story_chain, 500, 2000);
    if (ok(finding != NULL && at.growth.finding_count == 1, "a linked list is one shape")) {
        ok(finding->growth.chain, "a chain");
        const mm_graph *graph = &at.graphs[1];
        is_u64(mm_graph_owner(graph, source_of(finding), NULL), at.worlds[1].shop,
               "what holds its head is told");
        is_u64(finding->growth.grown_objects, 1500, "by how many it is longer");
        ok(at.shapes.count < 200, "however long it is");
    }
    session_end();
}

// Both hold the same exams.
static void story_both(world *w) {
    for (uint32_t i = 0; i < w->amount; i++) {
        uint32_t exam = thing(w, w->exam_type);
        heap_ref(&w->h, w->list, exam, MM_NAME_INDEX, i);
        heap_entry(&w->h, w->dict, heap_object(&w->h, w->h.int_type, MM_NONE), exam);
    }
}

static void test_both(void) {
    const mm_shape_finding *finding = told_two(story_both, 50, 150);
    uint32_t of_exams = 0;
    for (uint32_t i = 0; i < at.growth.finding_count; i++) {
        of_exams += strcmp(type_of(&at.growth.findings[i]), "shop.Exam") == 0;
    }
    is_u64(of_exams, 1, "two holders of the same are one finding");
    ok(finding != NULL && finding->growth.also_count == 1, "the other one is told beside it");
    session_end();
}

// rows.append(1): nothing is made, and the list is longer.
static void story_shared(world *w) {
    uint32_t one = heap_object(&w->h, w->h.int_type, MM_NONE);
    for (uint32_t i = 0; i < w->amount; i++) {
        heap_ref(&w->h, w->list, one, MM_NAME_INDEX, i);
    }
    w->h.file.storage_bytes[w->list] = w->amount * 8;
}

// A buffer that is larger.
static void story_buffer(world *w) {
    uint32_t buffer = heap_object(&w->h, w->h.int_type, HEAP_EXACT);
    heap_set(&w->h, w->shop, "buffer", buffer);
    w->h.file.storage_bytes[buffer] = w->amount;
}

static void test_one(void) {
    const mm_shape_finding *finding = told_two(story_shared, 100, 300);
    if (ok(finding != NULL && at.growth.finding_count == 1, "an object that is longer")) {
        ok(finding->growth.kind == MM_GROWTH_ONE_OBJECT, "grows by itself");
        is_u64(finding->growth.newest, at.worlds[1].list, "it is the list");
        is_u64(finding->growth.grown_objects, 200, "by so many entries");
        is_u64(finding->growth.grown_bytes, 1600, "and bytes");
    }
    session_end();
    finding = told_two(story_buffer, 1 << 20, 3 << 20);
    ok(finding != NULL && finding->growth.kind == MM_GROWTH_ONE_OBJECT, "so does a buffer");
    is_u64(finding == NULL ? 0 : finding->growth.grown_bytes, 2 << 20, "by its bytes");
    session_end();
    ok(told_two(story_buffer, 1 << 20, (1 << 20) + 4096) == NULL, "not by a few of them");
    session_end();
}

// Exam.name0 = Part(), Exam.name1 = Part(), ...
static void story_names(world *w) {
    static char names[200][16];
    for (uint32_t i = 0; i < w->amount; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "name%u", i);
        heap_set(&w->h, w->exam_class, names[i], thing(w, w->part_type));
    }
}

static void test_names(void) {
    const mm_shape_finding *finding = told_two(story_names, 30, 90);
    if (ok(finding != NULL && at.growth.finding_count == 1, "ever new names are one finding")) {
        ok(finding->growth.names, "it says so");
        is_text(type_of(finding), "shop.Part", "of what stands under them");
        is_u64(finding->growth.grown_objects, 60, "so many new ones");
    }
    session_end();
    finding = told_two(story_names, 30, 36);
    ok(finding == NULL, "a few new names are not told");
    session_end();
}

// What a module has that only the second process loaded.
static void story_module(world *w) {
    if (w->amount == 0) {
        return;
    }
    uint32_t late = heap_module(&w->h, "late");
    uint32_t list = thing(w, w->h.list_type);
    heap_set(&w->h, late, "rows", list);
    for (uint32_t i = 0; i < w->amount; i++) {
        heap_ref(&w->h, list, thing(w, w->exam_type), MM_NAME_INDEX, i);
    }
}

static void test_module(void) {
    ok(told_two(story_module, 0, 100) == NULL, "what came with a module is not told by itself");
    is_u64(at.growth.new_module_count, 1, "the module is");
    ok(at.growth.new_module_bytes > 100 * 48, "with all that hangs on it");
    session_end();
    const uint32_t on[] = {0, 100, 300};
    ok(told(story_module, 3, on) != NULL, "what grows in it afterwards is told");
    is_u64(at.growth.new_module_count, 0, "and it is no new module");
    session_end();
}

// Nobody accounts for a reference to each.
static void story_by_c(world *w) {
    for (uint32_t i = 0; i < w->amount; i++) {
        (void)heap_object(&w->h, w->exam_type, 1);
    }
}

static void test_by_c(void) {
    const mm_shape_finding *finding = told_two(story_by_c, 20, 180);
    if (ok(finding != NULL && at.growth.finding_count == 1, "what C code holds")) {
        ok(finding->growth.kind == MM_GROWTH_BY_C, "is told as that");
        is_u64(source_of(finding), MM_NONE, "without a holder");
        is_u64(finding->growth.grown_objects, 160, "so many more");
    }
    session_end();
    finding = told_two(story_by_c, 20, 80);
    ok(finding == NULL, "some tens more are chance");
    session_end();
}

// Each object with a path has one shape, as its parent and the step say, and the counts are theirs.
static void test_counts(void) {
    (void)told_two(story_fan, 10, 20);
    const mm_shape_mark *mark = &at.marks[1];
    const mm_graph *graph = &at.graphs[1];
    uint64_t objects = 0;
    uint64_t bytes = 0;
    uint64_t folded = 0;
    uint64_t own = 0;
    uint32_t reached = 0;
    for (uint32_t node = 0; node < graph->root_node; node++) {
        bool inside =
            mark->paths.via[node] == MM_VIA_EDGE &&
            mm_graph_edge_folds(graph, mm_graph_edge_source(graph, mark->paths.link[node]),
                                mark->paths.link[node]);
        reached += mark->paths.via[node] != MM_VIA_NOTHING;
        folded += inside;
        own += mark->of_node[node] != MM_NONE ? 48 : 0;
    }
    for (uint32_t shape = 0; shape < mark->count; shape++) {
        uint32_t parent = at.shapes.items[shape].parent;
        objects += mark->counts[shape].objects;
        bytes += mark->counts[shape].bytes;
        if (parent != MM_NONE && parent >= shape) {
            ok(false, "parents come first");
        }
    }
    is_u64(objects + folded, reached, "each object with a path counts once");
    is_u64(bytes, own, "and its bytes, internals included");
    session_end();
}

static void test_no_memory(void) {
    const uint32_t amounts[] = {50, 100, 150};
    unsigned refused = 0;
    mm_status status = MM_E_NOMEM;
    worlds_make(story_both, 3, amounts);
    for (uint64_t limit = 1 << 16; limit < (UINT64_C(1) << 28) && status != MM_OK;
         limit += limit / 8) {
        pages.limit_bytes = limit;
        arena_start();
        pages.limit_bytes = limit;
        status = session_ask(&at);
        refused += status == MM_E_NOMEM;
        if (status != MM_OK && status != MM_E_NOMEM) {
            break;
        }
    }
    ok(status == MM_OK && refused > 3, "every smaller arena was refused");
    pages.limit_bytes = 0;
    session_end();
}

int main(void) {
    mm_os_pages_init(&pages);
    test_list();
    test_little();
    test_moves();
    test_fan();
    test_chain();
    test_both();
    test_one();
    test_names();
    test_module();
    test_by_c();
    test_counts();
    test_no_memory();
    mm_os_pages_deinit(&pages);
    return done_testing();
}
