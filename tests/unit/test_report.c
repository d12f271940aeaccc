// Renderings against golden texts at several widths, what no rendering may do, and numbers.
//
// MM_GOLDEN_WRITE=1 in the environment writes the golden texts instead of comparing.
#include "golden.h"
#include "mm.h"
#include "report/json.h"
#include "report_heaps.h"
#include "tap.h"

static mm_os_pages pages;
static mm_arena arena;

static void arena_start(void) {
    mm_os_pages_deinit(&pages);
    mm_arena_init(&arena, mm_os_pages_view(&pages), 1 << 20);
}

static void is_golden_with(const mm_why *why, const mm_why_source *sources, size_t source_count,
                           const char *name) {
    static const uint32_t widths[] = {40, 80, 120};
    const char *text = "";
    size_t count = 0;
    mm_error err;
    char file[128];
    for (size_t i = 0; i < MM_COUNTOF(widths); i++) {
        mm_report_options options = {.width = widths[i]};
        snprintf(file, sizeof(file), "%s.%u.txt", name, widths[i]);
        bool done =
            mm_why_text(why, sources, source_count, &options, &arena, &text, &count, &err) == MM_OK;
        if (!ok(done && golden_same("why", file, text), "%s", file)) {
            printf("# as it is now:\n%s", text);
        }
        ok(lines_fit(text, widths[i]), "no line of %s is too wide", file);
    }
    for (uint32_t width = 40; width < 140; width++) {
        mm_report_options options = {.width = width, .ascii = true};
        bool done =
            mm_why_text(why, sources, source_count, &options, &arena, &text, &count, &err) == MM_OK;
        bool ascii = true;
        for (size_t i = 0; i < count; i++) {
            ascii = ascii && (unsigned char)text[i] < 0x80;
        }
        if (!done || !lines_fit(text, width) || !ascii) {
            ok(false, "%s at width %u in ASCII", name, width);
        }
    }
    mm_report_options colour = {.width = 80, .colour = true};
    snprintf(file, sizeof(file), "%s.colour.txt", name);
    bool done =
        mm_why_text(why, sources, source_count, &colour, &arena, &text, &count, &err) == MM_OK;
    ok(done && golden_same("why", file, text), "%s", file);
    snprintf(file, sizeof(file), "%s.json", name);
    done = mm_why_json(why, sources, source_count, &arena, &text, &count, &err) == MM_OK;
    ok(done && golden_same("why", file, text), "%s", file);
}

static void is_golden(const mm_why *why, const char *name) {
    is_golden_with(why, NULL, 0, name);
}

static bool answer(const mm_file *file, const char *what, const mm_why_options *options,
                   mm_why *ret) {
    static mm_graph graph;
    mm_error err = {MM_OK, NULL, 0, 0};
    arena_start();
    bool done = mm_graph_build(file, &arena, &graph, &err) == MM_OK &&
                mm_why_find(&graph, what, options, &arena, ret, &err) == MM_OK;
    return ok(done, "answer for %s", what != NULL ? what : "an object");
}

static void test_golden(void) {
    heap h;
    mm_why why;
    mm_why_options options = {0};
    heap_shop(&h, 10000);
    const mm_file *file = heap_file(&h);
    if (answer(file, "Exam", &options, &why)) {
        is_golden(&why, "class_dict");
        mm_why_source source = {0, "src/shop.py", 3, "_seen = {}  # all that were ever made", NULL};
        is_golden_with(&why, &source, 1, "source");
        const mm_why_chain *chain = &why.chains[0];
        is_text(chain->scope, "Within", "the class whose attribute it is");
        is_text(chain->attribute, "_seen", "the attribute");
        is_text(chain->scope_file, "shop.py", "the file to look into");
        is_u64(chain->anchor_count, 1, "and what must stand there");
        is_text(chain->anchors[0].name, "Within.__init__", "its method");
        is_u64(chain->anchors[0].line, 5, "with its line");
    }
    if (answer(file, "shop:Exam", &options, &why)) {
        is_golden(&why, "class_itself");
    }
    heap_deinit(&h);
    heap_shop(&h, 0);
    if (answer(heap_file(&h), "Exam", &options, &why)) {
        ok(why.by_type && why.object_count == 0, "no instance is left");
        is_golden(&why, "class_alone");
    }
    heap_deinit(&h);
    options.node = heap_people(&h);
    if (answer(heap_file(&h), NULL, &options, &why)) {
        is_golden(&why, "people");
    }
    options.temporary_count = 1;
    if (answer(&h.file, NULL, &options, &why)) {
        const char *text = "";
        size_t count = 0;
        mm_error err;
        mm_report_options report = {0};
        bool done = mm_refs_text(&why, &report, &arena, &text, &count, &err) == MM_OK;
        is_text(done ? text : "", "2 references: __main__.p1, all_people[0]\n",
                "what the call itself holds is not counted");
    }
    heap_deinit(&h);
    options.temporary_count = 0;
    options.node = heap_exception(&h);
    if (answer(heap_file(&h), NULL, &options, &why)) {
        is_golden(&why, "exception");
    }
    heap_deinit(&h);
    uint32_t held[HELD_COUNT];
    static const char *const names[HELD_COUNT] = {"closure", "default",     "keyword_default",
                                                  "field",   "set",         "generator",
                                                  "running", "running_cell"};
    heap_holders(&h, held);
    const mm_file *holders = heap_file(&h);
    for (int i = 0; i < HELD_COUNT; i++) {
        options.node = held[i];
        if (answer(holders, NULL, &options, &why)) {
            is_golden(&why, names[i]);
        }
    }
    heap_deinit(&h);
}

// The caller's frame, mortmain's own objects and weak references hold nothing.
static void test_left_out(void) {
    heap h;
    mm_why why;
    heap_init(&h);
    uint32_t own = heap_module(&h, "mortmain.api");
    uint32_t shop = heap_module(&h, "shop");
    heap_class(&h, shop, "Exam");
    uint32_t exam = heap_object(&h, h.file.type_count - 1, HEAP_EXACT);
    static const char *const variables[] = {"x"};
    uint32_t code = heap_code(&h, "test", "test.py", 1, variables, 1);
    uint32_t own_code = heap_code(&h, "refs", "api.py", 1, variables, 1);
    uint32_t own_frame = heap_frame(&h, own_code, 5, MM_FRAME_CALLER | MM_FRAME_OWN);
    uint32_t frame = heap_frame(&h, code, 7, MM_FRAME_CALLER);
    uint32_t outer = heap_frame(&h, code, 9, MM_FRAME_CALLER);
    heap_set(&h, own, "last", exam);
    heap_root(&h, MM_ROOT_FRAME, exam, 0, own_frame);
    heap_root(&h, MM_ROOT_FRAME, exam, 0, frame);
    uint32_t list = heap_object(&h, h.list_type, HEAP_EXACT);
    heap_set(&h, shop, "weak", list);
    heap_ref(&h, list, exam, MM_NAME_INDEX | MM_REF_WEAK, 0);
    const mm_file *file = heap_file(&h);
    mm_why_options options = {.node = exam, .leave_out_caller = true};
    if (answer(file, NULL, &options, &why)) {
        is_u64(why.reference_count, 0, "nothing is left");
        is_u64(why.hidden_count, 1, "but the asker");
        is_u64(why.weak_count, 1, "and a weak reference");
        is_u64(why.garbage_count, 0, "it is no garbage");
    }
    options.leave_out_caller = false;
    if (answer(file, NULL, &options, &why)) {
        is_u64(why.reference_count, 1, "the caller's frame counts if asked for");
        is_text(why.references[0].name, "local x of test (test.py:7)", "and has a name");
    }
    (void)outer;
    heap_deinit(&h);
}

static void test_garbage(void) {
    heap h;
    mm_why why;
    heap_init(&h);
    uint32_t shop = heap_module(&h, "shop");
    heap_class(&h, shop, "Node");
    uint32_t type = h.file.type_count - 1;
    uint32_t a = heap_object(&h, type, HEAP_EXACT);
    uint32_t b = heap_object(&h, type, HEAP_EXACT);
    heap_set(&h, a, "child", b);
    heap_set(&h, b, "parent", a);
    const mm_file *file = heap_file(&h);
    mm_why_options options = {.node = a};
    if (answer(file, NULL, &options, &why)) {
        is_u64(why.garbage_count, 1, "a ring without a holder waits for the collector");
        is_text(why.references[0].name, "Node.parent", "its reference has a name");
        is_golden(&why, "garbage");
    }
    heap_deinit(&h);
}

static void is_written(void (*put)(mm_text *, uint64_t), uint64_t value, const char *expected) {
    mm_text text;
    const char *written = "";
    size_t count = 0;
    mm_text_init(&text, &arena);
    put(&text, value);
    bool done = mm_text_end(&text, &written, &count, NULL) == MM_OK;
    is_text(done ? written : "", expected, "%s", expected);
}

static void test_numbers(void) {
    arena_start();
    is_written(mm_text_number, 0, "0");
    is_written(mm_text_number, 999, "999");
    is_written(mm_text_number, 10000, "10,000");
    is_written(mm_text_number, UINT64_MAX, "18,446,744,073,709,551,615");
    is_written(mm_text_size, 0, "0 B");
    is_written(mm_text_size, 1023, "1,023 B");
    is_written(mm_text_size, 1024, "1.0 KiB");
    is_written(mm_text_size, 10900000, "10.4 MiB");
    is_written(mm_text_size, 1048575, "1.0 MiB");
    is_written(mm_text_size, (1u << 20) - 60000, "965.4 KiB");
    is_written(mm_text_size, 1047392, "1,022.8 KiB");
    is_written(mm_text_size, UINT64_MAX, "16.0 EiB");
}

static void test_names(void) {
    mm_text text;
    const char *written = "";
    size_t count = 0;
    arena_start();
    mm_text_init(&text, &arena);
    static const char odd[] =
        "a\x1b[31m\xc2\x9b\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8f\xd8\x9c"
        "b\n\xff\x7f";
    static const char harmless[] = "a\\x1b[31m\\x9b\\u202e\\u2066\\u200f\\u061cb\\x0a\\xff\\x7f";
    mm_text_name(&text, odd);
    is_u64(mm_text_end(&text, &written, &count, NULL), 0, "a name with control characters");
    is_text(written, harmless, "moves no cursor and turns no text");
    is_u64(mm_text_columns(odd, strlen(odd)), strlen(harmless), "and is as wide as it is written");
    mm_text_init(&text, &arena);
    is_u64(mm_text_name_cut(&text, "\xe4\xb8\xad\xe6\x96\x87\xe5\xad\x97", 5, false), 5,
           "wide characters are two columns each");
    is_u64(mm_text_end(&text, &written, &count, NULL), 0, "a cut name");
    is_text(written, "\xe4\xb8\xad\xe6\x96\x87\xe2\x80\xa6", "is cut between characters");
    mm_json json;
    mm_text_init(&text, &arena);
    mm_json_init(&json, &text);
    mm_json_object(&json, NULL);
    mm_json_text(&json, "a\"\\\n\xc2\x9b\xe2\x80\xae", NULL);
    mm_json_close(&json, '}');
    is_u64(mm_text_end(&text, &written, &count, NULL), 0, "a document");
    is_text(written, "{\n  \"a\\\"\\\\\\u000a\\u009b\\u202e\": null\n}\n", "with an odd key");
}

static void test_lines(void) {
    heap h;
    mm_error err = {MM_E_FORMAT, "a varint is cut off", 1234, 0};
    mm_report_options options = {0};
    const char *text = "";
    size_t count = 0;
    arena_start();
    heap_shop(&h, 10000);
    const mm_file *file = heap_file(&h);
    ok(mm_error_text(&err, "a.mort", &arena, &text, &count, NULL) == MM_OK, "an error line");
    is_text(text, "a.mort: damaged at byte 1234: a varint is cut off; take the snapshot again",
            "says what, where and what to do");
    bool done = mm_verify_json(NULL, &err, &arena, &text, &count, NULL) == MM_OK;
    ok(done && golden_same("why", "verify_bad.json", text), "verify of a bad file as JSON");
    done = mm_verify_json(file, NULL, &arena, &text, &count, NULL) == MM_OK;
    ok(done && golden_same("why", "verify.json", text), "verify as JSON");
    done = mm_verify_text(file, &options, &arena, &text, &count, NULL) == MM_OK;
    ok(done && golden_same("why", "verify.txt", text), "verify as text");
    heap_deinit(&h);
}

int main(void) {
    mm_os_pages_init(&pages);
    test_golden();
    test_left_out();
    test_garbage();
    test_numbers();
    test_names();
    test_lines();
    mm_os_pages_deinit(&pages);
    return done_testing();
}
