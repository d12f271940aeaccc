// The graph: reverse references and counts against a slow model, folding and naming on tiny heaps.
#include "mm.h"
#include "report_heaps.h"
#include "tap.h"

static mm_os_pages pages;
static mm_arena arena;

static mm_graph graph_of(const mm_file *file) {
    mm_graph graph;
    mm_error err;
    mm_arena_init(&arena, mm_os_pages_view(&pages), 1 << 20);
    ok(mm_graph_build(file, &arena, &graph, &err) == MM_OK, "graph of %u objects",
       file->object_count);
    return graph;
}

static uint32_t random_next(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static void test_random(uint64_t seed) {
    static const unsigned flags[] = {0, 0, 0, 0, MM_REF_WEAK, MM_REF_BORROWED, MM_REF_GUESSED};
    heap h;
    heap_init(&h);
    uint64_t state = seed;
    uint32_t count = 50;
    for (uint32_t i = 0; i < count; i++) {
        heap_object(&h, h.list_type, random_next(&state) % 6);
    }
    for (uint32_t i = 0; i < 200; i++) {
        uint32_t first = h.modules + 1;
        heap_ref(&h, first + random_next(&state) % count, first + random_next(&state) % count,
                 MM_NAME_INDEX | flags[random_next(&state) % MM_COUNTOF(flags)], i);
    }
    const mm_file *file = heap_file(&h);
    mm_graph graph = graph_of(file);
    bool reverse = true;
    bool sources = true;
    bool counts = true;
    for (uint32_t node = 0; node < file->object_count; node++) {
        uint32_t at = graph.reverse_start[node];
        uint32_t strong = 0;
        uint32_t guessed = 0;
        for (uint32_t s = 0; s < file->object_count; s++) {
            for (uint32_t e = file->reference_start[s]; e < file->reference_start[s + 1]; e++) {
                sources = sources && mm_graph_edge_source(&graph, e) == s;
                if (file->reference_target[e] != node) {
                    continue;
                }
                reverse = reverse && mm_graph_reverse_source(&graph, at) == s &&
                          graph.reverse_edge[at] == e;
                at++;
                unsigned f = file->reference_naming[e] & 0xf0u;
                strong += f == 0;
                guessed += f == MM_REF_GUESSED;
            }
        }
        strong += node == h.modules;  // its root
        reverse = reverse && at == graph.reverse_start[node + 1];
        uint32_t refcount = file->refcount[node];
        uint32_t left = refcount == MM_NONE || refcount <= strong ? 0 : refcount - strong;
        left = left > guessed ? left - guessed : 0;
        counts = counts && mm_graph_unaccounted(&graph, node) == left;
    }
    ok(reverse, "reverse references are all there and ascend");
    ok(sources, "every reference knows its source");
    ok(counts, "unaccounted counts equal the model's");
    heap_deinit(&h);
    mm_os_pages_deinit(&pages);
}

static void is_direct(const mm_graph *graph, uint32_t node, const char *expected) {
    char text[128] = "";
    for (uint32_t i = graph->reverse_start[node]; i < graph->reverse_start[node + 1]; i++) {
        (void)mm_graph_edge_text(graph, graph->reverse_edge[i], text, sizeof(text));
    }
    is_text(text, expected, "a reference is called \"%s\"", expected);
}

static void test_names(void) {
    heap h;
    uint32_t held[HELD_COUNT];
    char text[128];
    heap_holders(&h, held);
    mm_graph graph = graph_of(heap_file(&h));
    is_direct(&graph, held[HELD_CLOSURE], "closure variable v");
    is_direct(&graph, held[HELD_DEFAULT], "default of x");
    is_direct(&graph, held[HELD_KEYWORD_DEFAULT], "default of k");
    is_direct(&graph, held[HELD_FIELD], ".y");
    is_direct(&graph, held[HELD_SET], " member");
    is_direct(&graph, held[HELD_GENERATOR], "local x");
    (void)mm_graph_root_text(&graph, 1, text, sizeof(text));
    is_text(text, "local a of f (shop.py:11)", "a running frame's local");
    ok(mm_graph_root_text(&graph, 1, text, 8) == 25, "the whole length is told");
    is_text(text, "local a", "a text is cut at its buffer");
    (void)mm_graph_type_text(&graph, h.file.type[held[0]], text, sizeof(text));
    is_text(text, "shop.Exam", "a type's qualified name");
    heap_deinit(&h);
    mm_os_pages_deinit(&pages);
}

static void test_counts(void) {
    heap h;
    uint32_t exam = heap_shop(&h, 1000);
    mm_graph graph = graph_of(heap_file(&h));
    uint32_t class_node = h.file.types[exam].object;
    is_u64(graph.instance_count[exam], 1000, "instances are counted");
    ok(graph.strong_found[class_node] >= 1001, "each instance refers to its class");
    is_u64(mm_graph_unaccounted(&graph, class_node), 0, "so that the class is accounted for");
    is_u64(graph.reverse_start[class_node + 1] - graph.reverse_start[class_node], 1,
           "without a reference for each");
    char text[64];
    (void)mm_graph_name_text(&graph, class_node, text, sizeof(text));
    is_text(text, "Exam", "name of a class by itself");
    is_u64(mm_graph_type_of_class(&graph, class_node), exam, "a class knows its type");
    heap_deinit(&h);
    mm_os_pages_deinit(&pages);
}

// Texts of data keys stay out unless the file was made with them.
static void test_keys(bool keys) {
    heap h;
    heap_init(&h);
    uint32_t shop = heap_module(&h, "shop");
    uint32_t cache = heap_object(&h, h.dict_type, HEAP_EXACT);
    uint32_t value = heap_object(&h, h.list_type, HEAP_EXACT);
    heap_set(&h, shop, "token", heap_str(&h, "token"));
    heap_set(&h, shop, "cache", cache);
    heap_entry(&h, cache, heap_str(&h, "token"), value);
    if (keys) {
        heap_meta(&h, "keys", "yes");
    }
    mm_graph graph = graph_of(heap_file(&h));
    is_direct(&graph, value, keys ? "['token']" : "[*]");
    is_direct(&graph, cache, ".cache");
    char text[64];
    (void)mm_graph_holder_text(&graph, cache, false, text, sizeof(text));
    is_text(text, "shop.cache", "a module's global is named after the module");
    heap_deinit(&h);
    mm_os_pages_deinit(&pages);
}

// The heap of a C program: a root may stand for many references, an ephemeron entry for one, and
// the items of an array that is part of its object have names.
static void test_c_heap(void) {
    heap h;
    heap_init(&h);
    uint32_t person_type = heap_type(&h, "Person", MM_KIND_OBJECT, 0, MM_NONE);
    uint32_t key = heap_object(&h, person_type, 3);
    uint32_t table = heap_object(&h, h.dict_type, 1);
    uint32_t value = heap_object(&h, person_type, 2);
    heap_named(&h, key, value, "friends[12]");
    heap_ephemeron(&h, table, key, value);
    uint32_t held = heap_root(&h, MM_ROOT_HELD, key, MM_NONE, MM_NONE);
    h.file.roots[held].owner = 3;
    uint32_t garbage = heap_root(&h, MM_ROOT_HELD, table, heap_name(&h, "garbage list"), MM_NONE);
    h.file.roots[garbage].owner = 1;
    mm_graph graph = graph_of(heap_file(&h));
    is_u64(mm_graph_root_count(&graph, held), 3, "a root tells how many references it is");
    is_u64(mm_graph_unaccounted(&graph, key), 0, "all of them are accounted for");
    is_u64(graph.strong_found[value], 2, "an ephemeron entry has a reference to its value");
    char text[64];
    (void)mm_graph_root_text(&graph, held, text, sizeof(text));
    is_text(text, "held by C", "what C holds");
    (void)mm_graph_root_text(&graph, garbage, text, sizeof(text));
    is_text(text, "C code: garbage list", "what the library holds");
    is_direct(&graph, value, ".friends[12]");
    static const char *const steps[][2] = {
        {".friends[12]", ".friends[*]"},
        {"[12]", "[12]"},
        {".x[]", ".x[]"},
        {".x[a]", ".x[a]"},
        {".12]", ".12]"},
        {"", ""},
    };
    for (size_t i = 0; i < MM_COUNTOF(steps); i++) {
        (void)snprintf(text, sizeof(text), "%s", steps[i][0]);
        mm_graph_step_general(text);
        is_text(text, steps[i][1], "\"%s\" in general", steps[i][0]);
    }
    heap_deinit(&h);
    mm_os_pages_deinit(&pages);
}

// The name of an interpreter's root is a name of the file, that of a frame's variable is not.
static void test_atexit(void) {
    heap h;
    heap_init(&h);
    uint32_t object = heap_object(&h, h.list_type, 9);
    uint32_t frame = heap_frame(&h, heap_code(&h, "f", "shop.py", 1, NULL, 0), 1, 0);
    uint32_t name = heap_name(&h, "atexit callback: func");
    const uint32_t roots[] = {
        heap_root(&h, MM_ROOT_INTERPRETER, object, name, MM_NONE),
        heap_root(&h, MM_ROOT_INTERPRETER, object, MM_NONE, MM_NONE),
        heap_root(&h, MM_ROOT_FRAME, object, name, frame),
        heap_root(&h, MM_ROOT_FRAME, object, 0xfffffff0u, frame),
    };
    mm_graph graph = graph_of(heap_file(&h));
    for (size_t i = 0; i < MM_COUNTOF(roots); i++) {
        ok(mm_graph_root_is_atexit(&graph, roots[i]) == (i == 0), "root %zu", i);
    }
    heap_deinit(&h);
    mm_os_pages_deinit(&pages);
}

int main(void) {
    mm_os_pages_init(&pages);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        test_random(seed);
    }
    test_names();
    test_counts();
    test_keys(false);
    test_keys(true);
    test_c_heap();
    test_atexit();
    return done_testing();
}
