// The heaps that tests of analyze and report speak about.
#ifndef MM_TESTS_REPORT_HEAPS_H
#define MM_TESTS_REPORT_HEAPS_H

#include "heap_builder.h"

// shop.py:
//     class Within:
//         _seen = {}
//         def __init__(self, exam): Within._seen[exam] = self     # line 5
// and `count` Exam that nothing else holds. Answers the type of Exam.
__attribute__((unused)) static uint32_t heap_shop(heap *h, uint32_t count) {
    heap_init(h);
    uint32_t shop = heap_module(h, "shop");
    uint32_t within = heap_class(h, shop, "Within");
    uint32_t seen = heap_object(h, h->dict_type, HEAP_EXACT);
    heap_set(h, within, "_seen", seen);
    static const char *const variables[] = {"self", "exam"};
    uint32_t code = heap_code(h, "Within.__init__", "shop.py", 5, variables, 2);
    uint32_t names = heap_object(h, h->tuple_type, HEAP_EXACT);
    heap_named(h, code, names, "co_names");
    heap_ref(h, names, heap_str(h, "_seen"), MM_NAME_INDEX, 0);
    uint32_t init = heap_function(h, "Within.__init__", code);
    heap_named(h, init, heap_namespace(h, shop), "__globals__");
    heap_set(h, within, "__init__", init);
    heap_class(h, shop, "Exam");
    uint32_t exam_type = h->file.type_count - 1;
    uint32_t one = heap_object(h, h->int_type, MM_NONE);
    for (uint32_t i = 0; i < count; i++) {
        heap_entry(h, seen, heap_object(h, exam_type, HEAP_EXACT), one);
    }
    return exam_type;
}

// __main__: p1 = Person(); all_people = [p1], and one reference that nobody has. Answers p1.
__attribute__((unused)) static uint32_t heap_people(heap *h) {
    heap_init(h);
    uint32_t main_module = heap_module(h, "__main__");
    heap_class(h, main_module, "Person");
    uint32_t p1 = heap_object(h, h->file.type_count - 1, 3);
    uint32_t people = heap_object(h, h->list_type, HEAP_EXACT);
    heap_set(h, main_module, "p1", p1);
    heap_set(h, main_module, "all_people", people);
    heap_ref(h, people, p1, MM_NAME_INDEX, 0);
    return p1;
}

// A stored exception: shop.last -> ValueError -> traceback -> frame of load -> local order. Answers
// the order.
__attribute__((unused)) static uint32_t heap_exception(heap *h) {
    heap_init(h);
    uint32_t shop = heap_module(h, "shop");
    heap_class(h, shop, "Order");
    uint32_t order = heap_object(h, h->file.type_count - 1, HEAP_EXACT);
    uint32_t error = heap_object(h, h->exception_type, HEAP_EXACT);
    uint32_t traceback = heap_object(h, h->traceback_type, HEAP_EXACT);
    uint32_t frame = heap_object(h, h->frame_type, HEAP_EXACT);
    static const char *const variables[] = {"path", "order"};
    uint32_t code = heap_code(h, "load", "shop.py", 20, variables, 2);
    heap_set(h, shop, "last", error);
    heap_ref(h, error, traceback, MM_NAME_WORD, 5);
    heap_ref(h, traceback, frame, MM_NAME_WORD, 3);
    heap_named(h, frame, code, "f_code");
    heap_ref(h, frame, order, MM_NAME_LOCAL, 1);
    heap_fact(h, frame, MM_FACT_CURRENT_LINE, 23);
    return order;
}

// Every way of holding that the graph folds: see test_graph.c. Answers the objects held.
enum {
    HELD_CLOSURE,
    HELD_DEFAULT,
    HELD_KEYWORD_DEFAULT,
    HELD_FIELD,
    HELD_SET,
    HELD_GENERATOR,
    HELD_RUNNING,
    HELD_RUNNING_CELL,
    HELD_COUNT
};

__attribute__((unused)) static void heap_holders(heap *h, uint32_t held[HELD_COUNT]) {
    heap_init(h);
    uint32_t shop = heap_module(h, "shop");
    heap_class(h, shop, "Exam");
    uint32_t exam_type = h->file.type_count - 1;
    for (int i = 0; i < HELD_COUNT; i++) {
        held[i] = heap_object(h, exam_type, HEAP_EXACT);
    }
    static const char *const variables[] = {"a", "x", "k", "v"};
    uint32_t code = heap_code(h, "f", "shop.py", 9, variables, 4);
    heap_fact(h, code, MM_FACT_ARGUMENTS, 2);
    heap_fact(h, code, MM_FACT_KEYWORD_ARGUMENTS, 1);
    heap_fact(h, code, MM_FACT_FREE_VARIABLES, 1);
    uint32_t function = heap_function(h, "f", code);
    heap_set(h, shop, "f", function);
    uint32_t closure = heap_object(h, h->tuple_type, HEAP_EXACT);
    uint32_t cell = heap_object(h, h->cell_type, HEAP_EXACT);
    heap_named(h, function, closure, "__closure__");
    heap_ref(h, closure, cell, MM_NAME_INDEX, 0);
    heap_ref(h, cell, held[HELD_CLOSURE], MM_NAME_WORD, 2);
    uint32_t defaults = heap_object(h, h->tuple_type, HEAP_EXACT);
    heap_named(h, function, defaults, "__defaults__");
    heap_ref(h, defaults, held[HELD_DEFAULT], MM_NAME_INDEX, 0);
    uint32_t keywords = heap_object(h, h->dict_type, HEAP_EXACT);
    heap_named(h, function, keywords, "__kwdefaults__");
    heap_entry(h, keywords, heap_str(h, "k"), held[HELD_KEYWORD_DEFAULT]);
    uint32_t pair_class = heap_class(h, shop, "Pair");
    h->file.types[h->file.type_count - 1].kind = MM_KIND_TUPLE;
    uint32_t pair = heap_object(h, h->file.type_count - 1, HEAP_EXACT);
    uint32_t fields = heap_object(h, h->tuple_type, HEAP_EXACT);
    heap_ref(h, fields, heap_str(h, "x"), MM_NAME_INDEX, 0);
    heap_ref(h, fields, heap_str(h, "y"), MM_NAME_INDEX, 1);
    heap_set(h, pair_class, "_fields", fields);
    heap_ref(h, pair, pair_class, MM_NAME_INDEX, 0);
    heap_ref(h, pair, held[HELD_FIELD], MM_NAME_INDEX, 1);
    heap_set(h, shop, "pair", pair);
    uint32_t members = heap_object(h, h->set_type, HEAP_EXACT);
    heap_set(h, shop, "members", members);
    heap_ref(h, members, held[HELD_SET], MM_NAME_MEMBER, 0);
    uint32_t generator = heap_object(h, h->generator_type, HEAP_EXACT);
    heap_named(h, generator, code, "gi_code");
    heap_ref(h, generator, held[HELD_GENERATOR], MM_NAME_LOCAL, 1);
    heap_set(h, shop, "g", generator);
    uint32_t frame = heap_frame(h, code, 11, 0);
    uint32_t running_cell = heap_object(h, h->cell_type, HEAP_EXACT);
    heap_root(h, MM_ROOT_FRAME, held[HELD_RUNNING], 0, frame);
    heap_root(h, MM_ROOT_FRAME, running_cell, 1, frame);
    heap_ref(h, running_cell, held[HELD_RUNNING_CELL], MM_NAME_WORD, 2);
}

#endif
