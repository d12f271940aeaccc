// How findings are told, against golden texts and documents at several widths. The findings are
// made by hand: every field is shown known and unknown.
//
// MM_GOLDEN_WRITE=1 in the environment writes the golden texts instead of comparing.
#include "golden.h"
#include "mm.h"
#include "tap.h"

enum { FINDINGS_MAX = 8 };

static mm_os_pages pages;
static mm_arena arena;

static bool is_ascii(const char *text) {
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text >= 0x80) {
            return false;
        }
    }
    return true;
}

static void is_golden(const mm_findings *findings, const mm_why_source *source, const char *name) {
    static const uint32_t widths[] = {40, 80, 120};
    const char *text = "";
    size_t count = 0;
    mm_error err;
    char file[128];
    size_t sources = source != NULL;
    for (size_t i = 0; i < 2 * MM_COUNTOF(widths); i++) {
        bool verbose = i >= MM_COUNTOF(widths);
        mm_report_options options = {.width = widths[i % MM_COUNTOF(widths)]};
        snprintf(file, sizeof(file), "%s%s.%u.txt", name, verbose ? ".verbose" : "", options.width);
        bool done = mm_findings_text(findings, source, sources, verbose, &options, &arena, &text,
                                     &count, &err) == MM_OK;
        if (!ok(done && golden_same("findings", file, text), "%s", file)) {
            printf("# as it is now:\n%s", text);
        }
    }
    for (uint32_t width = 40; width < 140; width++) {
        mm_report_options options = {.width = width, .ascii = true};
        bool done = mm_findings_text(findings, source, sources, true, &options, &arena, &text,
                                     &count, &err) == MM_OK;
        if (!done || !lines_fit(text, width) || !is_ascii(text)) {
            ok(false, "%s at width %u in ASCII", name, width);
        }
    }
    mm_report_options colour = {.width = 80, .colour = true};
    snprintf(file, sizeof(file), "%s.colour.txt", name);
    bool done = mm_findings_text(findings, source, sources, false, &colour, &arena, &text, &count,
                                 &err) == MM_OK;
    ok(done && golden_same("findings", file, text), "%s", file);
    snprintf(file, sizeof(file), "%s.json", name);
    done = mm_findings_json(findings, source, sources, &arena, &text, &count, &err) == MM_OK;
    ok(done && golden_same("findings", file, text), "%s", file);
}

static mm_finding unknown(mm_finding_kind kind, const char *sentence) {
    return (mm_finding){.kind = kind,
                        .sentence = sentence,
                        .count = MM_UNKNOWN,
                        .grown_objects = MM_UNKNOWN,
                        .steps = MM_UNKNOWN,
                        .retained_bytes = MM_UNKNOWN,
                        .cut = {.freed_bytes = MM_UNKNOWN,
                                .other_holders = MM_UNKNOWN,
                                .would_drop_at_once = MM_UNKNOWN}};
}

static mm_finding_step seen_path[] = {
    {"module shop", ".Within", MM_UNKNOWN, "shop.py", 0, false, false},
    {"class Within", "._seen", MM_UNKNOWN, "shop.py", 1, false, false},
    {"dict", "[key]", 10000, NULL, 0, true, false},
    {"Exam", NULL, MM_UNKNOWN, NULL, 0, false, false},
};

static mm_finding holder(void) {
    mm_finding finding =
        unknown(MM_FINDING_HOLDER, "Within._seen keeps 10,000 Exam alive: 10.4 MiB");
    finding.type = "shop.Exam";
    finding.count = 10000;
    finding.retained_bytes = 10900000;
    finding.path = seen_path;
    finding.path_count = MM_COUNTOF(seen_path);
    finding.cut = (mm_finding_cut){"Within._seen[key]", 10900000, 0, 10000, "side table"};
    finding.cure = "weak-key-dictionary";
    finding.cure_text = "make it a weakref.WeakKeyDictionary";
    finding.holder = "Within._seen";
    finding.file = "/src/shop.py";
    finding.line = 3;
    finding.fingerprint = 0x53a546e2b122b5ac;
    return finding;
}

static mm_finding shared_holder(void) {
    static mm_finding_step path[] = {
        {"module __main__", ".all_people", MM_UNKNOWN, NULL, 0, false, false},
        {"list", "[*]", 1, NULL, 0, true, false},
        {"Person", NULL, MM_UNKNOWN, NULL, 0, false, false},
    };
    static const char *also[] = {"Club.members[*]", "queue", "a", "b", "c", "d", "e"};
    mm_finding finding =
        unknown(MM_FINDING_HOLDER, "__main__.all_people keeps 1 Person alive: 48 B");
    finding.type = "__main__.Person";
    finding.count = 1;
    finding.retained_bytes = 48;
    finding.path = path;
    finding.path_count = MM_COUNTOF(path);
    finding.also_held_by = also;
    finding.also_count = MM_COUNTOF(also);
    finding.cut = (mm_finding_cut){"__main__.all_people[*]", 0, 7, 0, "list"};
    finding.cure = "remove-when-done";
    finding.cure_text =
        "only this list owns them: remove them when done, bound it, or make it local; a weak "
        "container would empty it";
    finding.file = "people.py";
    return finding;
}

static mm_finding cycle(void) {
    static mm_finding_step ring[] = {
        {"Parent", ".children", MM_UNKNOWN, NULL, 0, false, false},
        {"list", "[*]", 3, NULL, 0, false, false},
        {"Child", ".parent", MM_UNKNOWN, NULL, 0, false, true},
    };
    mm_finding finding =
        unknown(MM_FINDING_CYCLE, "10 rings `Parent.children` <-> `Child.parent` wait: 2.5 GiB");
    finding.type = "family.Parent";
    finding.count = 10;
    finding.retained_bytes = 2684354560;
    finding.ring = ring;
    finding.ring_count = MM_COUNTOF(ring);
    finding.cure = "weak-parent";
    finding.cure_text = "make `Child.parent` a weakref.ref: the owner outlives what it owns";
    finding.file = "family.py";
    finding.line = 12;
    return finding;
}

static mm_finding class_cycle(void) {
    static mm_finding_step ring[] = {
        {"class Plugin", ".instance", MM_UNKNOWN, NULL, 0, false, false},
        {"Plugin", NULL, MM_UNKNOWN, NULL, 0, false, false},
    };
    mm_finding finding = unknown(MM_FINDING_CYCLE, "1 ring `Plugin.instance` waits: 1.1 KiB");
    finding.count = 1;
    finding.retained_bytes = 1100;
    finding.ring = ring;
    finding.ring_count = MM_COUNTOF(ring);
    finding.hidden = true;
    return finding;
}

static mm_finding leak(void) {
    mm_finding finding = unknown(MM_FINDING_HELD_BY_C,
                                 "12,000 int with 1 unaccounted reference each: no Python object "
                                 "holds them, an extension forgot to release them");
    finding.is_leak = true;
    finding.count = 12000;
    finding.grown_objects = 500;
    finding.steps = 500;
    finding.library = "_fast.so";
    return finding;
}

static mm_findings make(mm_finding *list, uint32_t count) {
    static mm_own_objects own[] = {
        {"shop.Exam", 10000, 1090000, "Within._seen[key]"},
        {"shop.a_module_with_a_long_name.AndAClassWithALongerOne", 12, 960,
         "local examination_of_everything of main_function (shop.py:3)"},
        {"shop.Gone", 1, 48, NULL},
    };
    return (mm_findings){.object_count = 123456,
                         .bytes = 98765432,
                         .rss_bytes = MM_UNKNOWN,
                         .rss_accounted_percent = MM_UNKNOWN,
                         .findings = list,
                         .finding_count = count,
                         .own = own,
                         .own_count = MM_COUNTOF(own)};
}

static void test_findings(void) {
    mm_finding list[FINDINGS_MAX];
    mm_why_source source = {0, "src/shop.py", 3, "_seen = {}  # all that were ever made", NULL};
    mm_why_chain chain = {.line = 3, .place_node = MM_NONE};
    static const char *notes[] = {
        "gc.garbage keeps 12 objects that the collector found: gc.set_debug(gc.DEBUG_SAVEALL) "
        "makes it put them there."};
    list[0] = holder();
    mm_findings one = make(list, 1);
    one.verdicts[one.verdict_count++] = (mm_verdict_bytes){MM_VERDICT_SUSPECTS, 10900000};
    is_golden(&one, NULL, "holder");
    chain.file = list[0].file;
    list[0].chain = &chain;
    is_golden(&one, &source, "source");
    list[0] = shared_holder();
    is_golden(&one, NULL, "shared");
    list[0] = cycle();
    one.verdicts[0] = (mm_verdict_bytes){MM_VERDICT_WAITING, 2684354560};
    is_golden(&one, NULL, "cycle");
    list[0] = leak();
    list[1] = cycle();
    list[2] = holder();
    list[3] = shared_holder();
    list[4] = class_cycle();
    mm_findings all = make(list, 5);
    all.verdicts[all.verdict_count++] = (mm_verdict_bytes){MM_VERDICT_LEAK, MM_UNKNOWN};
    all.verdicts[all.verdict_count++] = (mm_verdict_bytes){MM_VERDICT_WAITING, 2684354560};
    all.verdicts[all.verdict_count++] = (mm_verdict_bytes){MM_VERDICT_SUSPECTS, 10900000};
    all.notes = notes;
    all.note_count = 1;
    is_golden(&all, NULL, "all");
    list[0] = class_cycle();
    mm_findings clean = make(list, 1);
    is_golden(&clean, NULL, "clean");
    mm_findings nothing = {.rss_bytes = MM_UNKNOWN, .rss_accounted_percent = MM_UNKNOWN};
    is_golden(&nothing, NULL, "nothing");
}

static void test_types(void) {
    mm_type_row rows[33];
    mm_types types = {.object_count = 1234567, .bytes = 98765432, .rows = rows, .row_count = 33};
    const char *text = "";
    size_t count = 0;
    mm_error err;
    for (uint32_t i = 0; i < types.row_count; i++) {
        rows[i] = (mm_type_row){i, i == 1 ? "shop.a_module_with_a_long_name.AndAClassOfIt" : "dict",
                                1000000 / (i + 1), 90000000 / (i + 1)};
    }
    for (int i = 0; i < 3; i++) {
        mm_report_options options = {.width = i == 1 ? 40 : 80};
        char file[64];
        bool done = mm_types_text(&types, i == 2, &options, &arena, &text, &count, &err) == MM_OK;
        snprintf(file, sizeof(file), "types%s.%u.txt", i == 2 ? ".verbose" : "", options.width);
        ok(done && golden_same("findings", file, text), "%s", file);
        ok(lines_fit(text, options.width), "no line of %s is too wide", file);
    }
    bool done = mm_types_json(&types, NULL, &arena, &text, &count, &err) == MM_OK;
    ok(done && golden_same("findings", "types.json", text), "types.json");
}

static void test_tree(void) {
    mm_tree_row rows[] = {
        {0, 1, 1600000, NULL, "module shop"},
        {1, 1, 1600000, ".Within", "class Within"},
        {2, 2, 1600000, NULL, "dict"},
        {3, 10000, 1300000, NULL, "Exam"},
        {4, 10000, 600000, NULL, "str"},
        {0, 1, 250000, " its class",
         "an object with a name that is too long for a narrow terminal"},
        {0, 891, 977500, NULL, NULL},
    };
    mm_tree tree = {.bytes = 3400000, .rows = rows, .row_count = MM_COUNTOF(rows)};
    const char *text = "";
    size_t count = 0;
    mm_error err;
    for (int i = 0; i < 2; i++) {
        mm_report_options options = {.width = i == 0 ? 80 : 40};
        char file[64];
        bool done = mm_tree_text(&tree, &options, &arena, &text, &count, &err) == MM_OK;
        snprintf(file, sizeof(file), "tree.%u.txt", options.width);
        ok(done && golden_same("findings", file, text), "%s", file);
        ok(lines_fit(text, options.width), "no line of %s is too wide", file);
    }
    bool done = mm_tree_json(&tree, NULL, &arena, &text, &count, &err) == MM_OK;
    ok(done && golden_same("findings", "tree.json", text), "tree.json");
}

int main(void) {
    mm_os_pages_init(&pages);
    mm_arena_init(&arena, mm_os_pages_view(&pages), 1 << 20);
    test_findings();
    test_types();
    test_tree();
    mm_os_pages_deinit(&pages);
    return done_testing();
}
