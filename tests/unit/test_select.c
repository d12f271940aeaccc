// What WHAT may say, which of several classes it means, and how a refusal is worded.
#include "mm.h"
#include "report_heaps.h"
#include "tap.h"

static mm_os_pages pages;
static mm_arena arena;

static void arena_start(void) {
    mm_os_pages_deinit(&pages);
    mm_arena_init(&arena, mm_os_pages_view(&pages), 1 << 20);
}

static void is_selected(const mm_graph *graph, const char *what, mm_status expected, uint32_t count,
                        uint32_t node) {
    mm_selection selection = {0};
    mm_error err = {MM_OK, NULL, 0, 0};
    mm_status status = mm_select(graph, what, &arena, &selection, &err);
    bool right = status == expected && selection.node_count == count &&
                 (node == MM_NONE || selection.nodes[0] == node);
    if (!ok(right, "\"%s\" is %u objects, status %d", what, count, (int)expected)) {
        diag("status %d (%s), %u objects", (int)status, err.message != NULL ? err.message : "",
             selection.node_count);
    }
}

// The line for a WHAT that means nothing.
static void is_refused(const mm_graph *graph, const char *what, const char *line) {
    mm_error err = {MM_OK, NULL, 0, 0};
    const char *text = "";
    size_t count = 0;
    bool worded = mm_refusal_text(graph, what, "a.mort", &arena, &text, &count, &err) == MM_OK;
    ok(worded && strchr(text, '\n') == NULL, "\"%s\" is refused in one line", what);
    is_text(text, line, "and this is it");
}

// The answer's text begins so.
static void is_answered(const mm_graph *graph, const char *what, const char *start) {
    mm_why why;
    mm_error err = {MM_OK, NULL, 0, 0};
    mm_why_options options = {0};
    mm_report_options report = {0};
    const char *text = "";
    size_t count = 0;
    mm_status status = mm_why_find(graph, what, &options, &arena, &why, &err);
    status =
        status == MM_OK ? mm_why_text(&why, NULL, 0, &report, &arena, &text, &count, &err) : status;
    if (!ok(status == MM_OK && strncmp(text, start, strlen(start)) == 0, "why %s", what)) {
        diag("status %d:\n%s", (int)status, text);
    }
}

static void test_forms(void) {
    heap h;
    mm_graph graph;
    mm_error err;
    uint32_t exam = heap_shop(&h, 30);
    uint32_t list = heap_object(&h, h.list_type, HEAP_EXACT);
    uint32_t item = heap_object(&h, exam, HEAP_EXACT);
    uint32_t main_module = heap_module(&h, "__main__");
    heap_set(&h, main_module, "items", list);
    heap_ref(&h, list, item, MM_NAME_INDEX, 0);
    const mm_file *file = heap_file(&h);
    char address[32];
    snprintf(address, sizeof(address), "0x%llx", (unsigned long long)file->address[item]);
    arena_start();
    ok(mm_graph_build(file, &arena, &graph, &err) == MM_OK, "graph to select from");
    is_selected(&graph, "Exam", MM_OK, 31, MM_NONE);
    is_selected(&graph, "shop.Exam", MM_OK, 31, MM_NONE);
    is_selected(&graph, "shop:Exam", MM_OK, 1, file->types[exam].object);
    is_selected(&graph, address, MM_OK, 1, item);
    snprintf(address, sizeof(address), "%llu", (unsigned long long)file->address[item]);
    is_selected(&graph, address, MM_OK, 1, item);
    is_selected(&graph, "items[0]", MM_OK, 1, item);
    is_selected(&graph, "items[-1]", MM_OK, 1, item);
    is_selected(&graph, "__main__.items[0]", MM_OK, 1, item);
    is_selected(&graph, "__main__:items", MM_OK, 1, list);
    is_selected(&graph, "shop.Within._seen", MM_OK, 1, MM_NONE);
    is_selected(&graph, "shop", MM_OK, 1, MM_NONE);
    is_selected(&graph, "items[1]", MM_E_NOT_FOUND, 0, MM_NONE);
    is_selected(&graph, "items[", MM_E_ARGUMENT, 0, MM_NONE);
    is_selected(&graph, "items['a", MM_E_ARGUMENT, 0, MM_NONE);
    is_selected(&graph, "items.", MM_E_ARGUMENT, 0, MM_NONE);
    is_selected(&graph, "items()", MM_E_ARGUMENT, 0, MM_NONE);
    is_selected(&graph, "", MM_E_ARGUMENT, 0, MM_NONE);
    is_selected(&graph, "*", MM_E_ARGUMENT, 0, MM_NONE);
    is_selected(&graph, "-1", MM_E_ARGUMENT, 0, MM_NONE);
    is_selected(&graph, "0x", MM_E_ARGUMENT, 0, MM_NONE);
    is_selected(&graph, "0xzz", MM_E_NOT_FOUND, 0, MM_NONE);
    is_selected(&graph, "0x10", MM_E_NOT_FOUND, 0, MM_NONE);
    is_selected(&graph, "0x123456789012345678901", MM_E_ARGUMENT, 0, MM_NONE);
    is_selected(&graph, "nothing:x", MM_E_NOT_FOUND, 0, MM_NONE);
    is_selected(&graph, "nothing", MM_E_NOT_FOUND, 0, MM_NONE);
    is_selected(&graph, "shop.Within._seen['k']", MM_E_UNSUPPORTED, 0, MM_NONE);
    is_selected(&graph, "shop.Within._seen[1]", MM_E_UNSUPPORTED, 0, MM_NONE);
    heap_deinit(&h);
}

// Two modules of the program and one of the library, each with a class Item; __main__ has a Store
// without instances, and so has a module called ast with one.
static void heap_items(heap *h) {
    static const char *const modules[] = {"pkga", "pkgb", "ast"};
    heap_init(h);
    heap_meta(h, "stdlib", "/lib/python");
    for (uint32_t i = 0; i < MM_COUNTOF(modules); i++) {
        uint32_t module = heap_module(h, modules[i]);
        heap_set(h, module, "__file__",
                 heap_str(h, i == 2 ? "/lib/python/ast.py" : "/app/pkg/__init__.py"));
        uint32_t kept = heap_object(h, h->list_type, HEAP_EXACT);
        heap_set(h, module, "kept", kept);
        heap_class(h, module, "Item");
        for (uint32_t n = 0; n < 100 - 40 * i; n++) {
            heap_ref(h, kept, heap_object(h, h->file.type_count - 1, HEAP_EXACT), MM_NAME_INDEX, n);
        }
        if (i == 2) {
            heap_class(h, module, "Store");
            heap_set(h, module, "one", heap_object(h, h->file.type_count - 1, HEAP_EXACT));
        }
    }
    uint32_t main_module = heap_module(h, "__main__");
    heap_set(h, main_module, "__file__", heap_str(h, "/app/shop1.py"));
    heap_class(h, main_module, "Store");
    h->file.type_count--;  // no row: no object ever was of it
    heap_class(h, main_module, "Shape");
    uint32_t shape = h->file.type_count - 1;
    heap_class(h, main_module, "Circle");
    h->file.types[h->file.type_count - 1].base = shape;
    heap_set(h, main_module, "circle", heap_object(h, h->file.type_count - 1, HEAP_EXACT));
    heap_set(h, main_module, "cache", heap_object(h, h->dict_type, HEAP_EXACT));
}

static void test_ranks(void) {
    heap h;
    mm_graph graph;
    mm_error err;
    heap_items(&h);
    arena_start();
    ok(mm_graph_build(heap_file(&h), &arena, &graph, &err) == MM_OK, "graph of many Items");
    is_selected(&graph, "Item", MM_OK, 160, MM_NONE);
    is_selected(&graph, "pkga.Item", MM_OK, 100, MM_NONE);
    is_selected(&graph, "ast.Item", MM_OK, 20, MM_NONE);
    is_selected(&graph, "Store", MM_OK, 0, MM_NONE);
    is_selected(&graph, "ast.Store", MM_OK, 1, MM_NONE);
    is_selected(&graph, "__main__:Store", MM_OK, 1, MM_NONE);
    is_answered(&graph, "Item",
                "160 Item: 100 pkga.Item, 60 pkgb.Item\n\n160 references to 160 Item:");
    is_answered(&graph, "Store",
                "No __main__.Store is alive in this snapshot, but 1 ast.Store is.\n"
                "The class __main__.Store itself is there: ask for __main__:Store.\n");
    is_answered(
        &graph, "Shape",
        "No Shape is alive in this snapshot, but 1 __main__.Circle is, which derives from\nit.\n");
    is_answered(&graph, "__main__:Store", "1 reference: __main__.Store\n");
    heap_deinit(&h);
}

static void test_refusals(void) {
    heap h;
    mm_graph graph;
    mm_error err;
    heap_items(&h);
    arena_start();
    ok(mm_graph_build(heap_file(&h), &arena, &graph, &err) == MM_OK, "graph to ask wrongly");
    static const char forms[] =
        "; give a type (shop.Order), a name (shop:cache[0]), or an address (0x7f12ab40)";
    char line[256];
    snprintf(line, sizeof(line), "WHAT is empty%s", forms);
    is_refused(&graph, "", line);
    snprintf(line, sizeof(line), "'*' is no type, name or address%s", forms);
    is_refused(&graph, "*", line);
    snprintf(line, sizeof(line), "no type or name 'Quaternion' in a.mort%s", forms);
    is_refused(&graph, "Quaternion", line);
    is_refused(&graph, "Itme", "no type or name 'Itme' in a.mort; did you mean Item?");
    is_refused(&graph, "shape", "no type or name 'shape' in a.mort; did you mean Shape?");
    is_refused(&graph, "kept", "no type or name 'kept' in a.mort; did you mean pkga:kept?");
    is_refused(&graph, "cach", "no type or name 'cach' in a.mort; did you mean cache?");
    is_refused(&graph, "pkg.Item", "no type or name 'pkg.Item' in a.mort; did you mean pkga.Item?");
    is_refused(&graph, "pkga.Itm",
               "'pkga' has no attribute 'Itm' in a.mort; "
               "did you mean pkga.Item?");
    is_refused(&graph, "pkgz:Item", "no module 'pkgz' in a.mort; did you mean pkga?");
    is_refused(&graph, "shop1.Store",
               "no module 'shop1' in a.mort: the program itself is "
               "__main__; ask for __main__.Store");
    is_refused(&graph, "shop1:Store",
               "no module 'shop1' in a.mort: the program itself is "
               "__main__; ask for __main__:Store");
    is_refused(&graph, "pkga.kept[100]",
               "'pkga.kept' has no item 100 in a.mort; "
               "its items are 0 to 99");
    is_refused(&graph, "cache['k']",
               "the keys of 'cache' are not in a.mort; "
               "take it with mortmain.snapshot(path, keys=True)");
    is_refused(&graph, "cache[3]",
               "'cache' is a dict, and no snapshot has keys that are numbers; "
               "ask for 'cache' or for the type of what it holds");
    is_refused(&graph, "0x10",
               "no object at 0x10 in a.mort; "
               "ask for a type (shop.Order) or a name (shop:cache[0])");
    is_refused(&graph, "cache\x1b[",
               "'cache\\x1b[' is no type, name or address; give a type "
               "(shop.Order), a name (shop:cache[0]), or an address "
               "(0x7f12ab40)");
    heap_deinit(&h);
}

// With memory for n pages, for every n until it is enough.
static void test_memory(void) {
    heap h;
    heap_items(&h);
    const mm_file *file = heap_file(&h);
    bool always = true;
    mm_status status = MM_E_NOMEM;
    unsigned n = 1;
    for (; status != MM_OK && n < 2000; n++) {
        mm_graph graph;
        mm_selection selection;
        mm_error err;
        const char *text = NULL;
        size_t count = 0;
        mm_os_pages_deinit(&pages);
        pages.limit_bytes = (uint64_t)n * 4096;
        mm_arena_init(&arena, mm_os_pages_view(&pages), 4096);
        status = mm_graph_build(file, &arena, &graph, &err);
        status = status == MM_OK ? mm_select(&graph, "Store", &arena, &selection, &err) : status;
        status = status == MM_OK ? mm_refusal_text(&graph, "Itme", "a", &arena, &text, &count, &err)
                                 : status;
        always = always && (status == MM_OK || status == MM_E_NOMEM);
    }
    ok(always, "every answer before there is enough memory is MM_E_NOMEM");
    ok(status == MM_OK && n > 3, "and then there is enough (%u pages)", n);
    pages.limit_bytes = 0;
    heap_deinit(&h);
}

int main(void) {
    mm_os_pages_init(&pages);
    test_forms();
    test_ranks();
    test_refusals();
    test_memory();
    mm_os_pages_deinit(&pages);
    return done_testing();
}
