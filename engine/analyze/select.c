// A class is meant before anything else that has its name, because that is what people ask for. The
// program's own classes come first, whether they have instances or not: an answer about a class of
// the library that happens to have the same name would be a wrong one. A name that leads to a class
// (an alias, a name that a package hands on) means its instances too; behind a colon, a subscript
// or an address it means the class itself.
#include "analyze/select.h"

#include <string.h>

#include "analyze/classes.h"
#include "analyze/what.h"

enum { WHAT_BYTES = 512, BASES_MAX = 64 };

typedef struct select_work {
    const mm_graph *graph;
    const char *what;
    mm_arena *arena;
    mm_classes classes;
    uint64_t *counts;  ///< by type: instances, mortmain's own left out
    uint8_t *chosen;   ///< by type
    mm_selection selection;
    mm_refused refused;
} select_work;

static MM_STATUS select_one(select_work *work, uint32_t node) {
    work->selection.nodes = MM_ARENA_NEW(work->arena, uint32_t, 1);
    if (work->selection.nodes == NULL) {
        return MM_E_NOMEM;
    }
    work->selection.nodes[0] = node;
    work->selection.node_count = 1;
    work->selection.type = MM_NONE;
    return MM_OK;
}

static bool text_is_address(const char *what) {
    bool digits = what[0] >= '0' && what[0] <= '9';
    return digits && what[strspn(what, "0123456789xXabcdefABCDEF_")] == '\0';
}

// "0x7f12.." as repr() writes it, or the digits that id() prints.
static MM_STATUS select_address(select_work *work) {
    static const char digits[] = "0123456789abcdef";
    const char *what = work->what;
    bool hex = what[0] == '0' && (what[1] == 'x' || what[1] == 'X');
    uint64_t base = hex ? 16 : 10;
    uint64_t address = 0;
    const char *at = hex ? what + 2 : what;
    bool good = *at != '\0';
    for (; good && *at != '\0'; at++) {
        char low = (*at >= 'A' && *at <= 'F') ? (char)(*at - 'A' + 'a') : *at;
        const char *digit = memchr(digits, low, (size_t)base);
        good = digit != NULL && address <= UINT64_MAX / base - 1;
        address = good ? address * base + (uint64_t)(digit - digits) : address;
    }
    uint32_t node = good ? mm_file_find(work->graph->file, address) : MM_NONE;
    if (node != MM_NONE) {
        return select_one(work, node);
    }
    work->refused =
        (mm_refused){good ? MM_REFUSED_ADDRESS : MM_REFUSED_ADDRESS_FORM, 0, strlen(what), MM_NONE};
    return MM_OK;
}

static MM_STATUS counts_fill(select_work *work) {
    const mm_file *file = work->graph->file;
    work->counts = MM_ARENA_NEW(work->arena, uint64_t, (size_t)file->type_count + 1);
    work->chosen = MM_ARENA_NEW(work->arena, uint8_t, (size_t)file->type_count + 1);
    if (work->counts == NULL || work->chosen == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t node = 0; node < file->object_count; node++) {
        work->counts[file->type[node]] += (work->graph->node_flags[node] & MM_NODE_OWN) == 0;
    }
    return MM_OK;
}

static uint64_t count_of(const select_work *work, const mm_class *item) {
    return item->type == MM_NONE ? 0 : work->counts[item->type];
}

// A short table of types by name, with counts. Those that do not fit are counted.
typedef struct type_table {
    mm_selected_type items[MM_SELECTED_TYPES_MAX];
    uint32_t count;
    uint32_t left_out_count;
} type_table;

static bool type_is_before(const mm_selected_type *a, const mm_selected_type *b) {
    static const char main_name[] = "__main__.";
    bool a_main = strncmp(a->text, main_name, sizeof(main_name) - 1) == 0;
    bool b_main = strncmp(b->text, main_name, sizeof(main_name) - 1) == 0;
    if (a_main != b_main) {
        return a_main;
    }
    return a->count != b->count ? a->count > b->count : strcmp(a->text, b->text) < 0;
}

// Classes of one name, made by one statement that ran often, are one line.
static void table_add(type_table *table, const char *text, uint64_t count) {
    for (uint32_t i = 0; i < table->count; i++) {
        if (strcmp(table->items[i].text, text) == 0) {
            table->items[i].count += count;
            return;
        }
    }
    if (table->count == MM_SELECTED_TYPES_MAX) {
        table->left_out_count++;
        return;
    }
    table->items[table->count++] = (mm_selected_type){text, count};
}

static MM_STATUS table_keep(type_table *table, mm_arena *arena, const mm_selected_type **ret) {
    mm_selected_type *kept = MM_ARENA_NEW(arena, mm_selected_type, (size_t)table->count + 1);
    if (kept == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t i = 0; i < table->count; i++) {
        uint32_t at = i;
        for (; at > 0 && type_is_before(&table->items[i], &kept[at - 1]); at--) {
            kept[at] = kept[at - 1];
        }
        kept[at] = table->items[i];
    }
    *ret = kept;
    return MM_OK;
}

// The objects of the chosen types.
static MM_STATUS nodes_fill(select_work *work) {
    const mm_file *file = work->graph->file;
    mm_selection *selection = &work->selection;
    uint64_t total = 0;
    selection->type = MM_NONE;
    for (uint32_t type = 0; type < file->type_count; type++) {
        if (work->chosen[type] == 0) {
            continue;
        }
        total += work->counts[type];
        if (selection->type == MM_NONE || work->counts[type] > work->counts[selection->type]) {
            selection->type = type;
        }
    }
    selection->nodes = MM_ARENA_NEW(work->arena, uint32_t, (size_t)total + 1);
    if (selection->nodes == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t node = 0; total > 0 && node < file->object_count; node++) {
        if (work->chosen[file->type[node]] != 0 &&
            (work->graph->node_flags[node] & MM_NODE_OWN) == 0) {
            MM_ASSERT(selection->node_count < total);
            selection->nodes[selection->node_count++] = node;
        }
    }
    return MM_OK;
}

// WHAT that asks for the class itself: the name with a colon behind its module, if that leads back
// to it, else its address.
static MM_STATUS class_what_fill(select_work *work, const mm_class *item) {
    char *text = MM_ARENA_NEW(work->arena, char, WHAT_BYTES);
    size_t length = strlen(item->text);
    if (text == NULL) {
        return MM_E_NOMEM;
    }
    if (item->node == MM_NONE) {
        return MM_OK;
    }
    work->selection.class_what = text;
    for (size_t i = 1; i < length && length < WHAT_BYTES; i++) {
        uint32_t node = MM_NONE;
        mm_refused refused;
        if (item->text[i] != '.') {
            continue;
        }
        memcpy(text, item->text, length + 1);
        text[i] = ':';
        if (mm_what_follow(work->graph, &work->classes, text, &node, &refused) &&
            node == item->node) {
            return MM_OK;
        }
    }
    uint64_t address = work->graph->file->address[item->node];
    char *at = text;
    *at++ = '0';
    *at++ = 'x';
    for (int shift = 60; shift >= 0; shift -= 4) {
        if (address >> shift != 0 || shift == 0) {
            *at++ = "0123456789abcdef"[address >> shift & 15];
        }
    }
    *at = '\0';
    return MM_OK;
}

static bool row_derives(const mm_file *file, uint32_t type, uint32_t class_node) {
    for (uint32_t steps = 0; type != MM_NONE && steps < BASES_MAX; steps++) {
        if (file->types[type].object == class_node) {
            return true;
        }
        type = file->types[type].base;
    }
    return false;
}

// Without an object: what is alive that could have been meant. Objects that derive from the class
// first, else those of other classes that have the name.
static MM_STATUS others_fill(select_work *work, const mm_class *item) {
    type_table derived = {.count = 0};
    type_table named = {.count = 0};
    for (uint32_t i = 0; i < work->classes.count; i++) {
        const mm_class *other = &work->classes.items[i];
        uint64_t count = count_of(work, other);
        if (count == 0) {
            continue;
        }
        if (item->node != MM_NONE && row_derives(work->graph->file, other->type, item->node)) {
            table_add(&derived, other->text, count);
        } else if (mm_class_is_named(other, work->what)) {
            table_add(&named, other->text, count);
        }
    }
    work->selection.others_derive = derived.count > 0;
    type_table *table = derived.count > 0 ? &derived : &named;
    work->selection.other_count = table->count;
    return table_keep(table, work->arena, &work->selection.others);
}

// __main__ and the program's other modules are one tier: their classes are asked about together.
static mm_class_rank tier_of(mm_class_rank rank) {
    return rank == MM_CLASS_MAIN ? MM_CLASS_PROGRAM : rank;
}

// A full name is not to be mistaken for the end of another one.
static bool class_is_exactly(const mm_class *item, const char *what) {
    return strchr(what, '.') != NULL && strcmp(item->text, what) == 0;
}

// Ask about all classes of `rank` that are called so, or about `only`.
static MM_STATUS select_classes(select_work *work, const mm_class *only, mm_class_rank rank) {
    type_table table = {.count = 0};
    mm_selection *selection = &work->selection;
    const mm_class *first = only;
    bool exact = false;
    for (uint32_t i = 0; only == NULL && i < work->classes.count; i++) {
        exact = exact || class_is_exactly(&work->classes.items[i], work->what);
    }
    for (uint32_t i = 0; i < work->classes.count; i++) {
        const mm_class *item = &work->classes.items[i];
        bool meant = only != NULL ? item == only
                     : exact      ? class_is_exactly(item, work->what)
                                  : mm_class_is_named(item, work->what);
        if (!meant) {
            continue;
        }
        mm_class_rank have = mm_class_rank_of(work->graph, &work->classes, item);
        if (only == NULL && tier_of(have) != tier_of(rank)) {
            continue;
        }
        if (item->type != MM_NONE) {
            work->chosen[item->type] = 1;
        }
        table_add(&table, item->text, count_of(work, item));
        first = first == NULL || have == MM_CLASS_MAIN ? item : first;
    }
    MM_ASSERT(first != NULL);
    selection->by_type = true;
    selection->type_count = table.count;
    selection->type_left_out_count = table.left_out_count;
    MM_TRY(table_keep(&table, work->arena, &selection->types));
    MM_TRY(nodes_fill(work));
    selection->type_text = selection->node_count > 0 ? selection->types[0].text : first->text;
    if (selection->node_count > 0) {
        return MM_OK;
    }
    MM_TRY(class_what_fill(work, first));
    return others_fill(work, first);
}

// The best rank of a class that is called so; MM_CLASS_STDLIB + 1 when there is none.
static mm_class_rank rank_best(const select_work *work) {
    int best = MM_CLASS_STDLIB + 1;
    bool exact = false;
    for (uint32_t i = 0; i < work->classes.count; i++) {
        const mm_class *item = &work->classes.items[i];
        if (!mm_class_is_named(item, work->what)) {
            continue;
        }
        int rank = (int)mm_class_rank_of(work->graph, &work->classes, item);
        bool full = class_is_exactly(item, work->what);
        if ((full && !exact) || (full == exact && rank < best)) {
            best = rank;
        }
        exact = exact || full;
    }
    return (mm_class_rank)best;
}

static const mm_class *class_of(const mm_classes *classes, uint32_t node) {
    for (uint32_t i = 0; i < classes->count; i++) {
        if (classes->items[i].node == node) {
            return &classes->items[i];
        }
    }
    return NULL;
}

static MM_STATUS select_named(select_work *work) {
    bool plain = strpbrk(work->what, ":[") == NULL;
    mm_class_rank rank = (mm_class_rank)(MM_CLASS_STDLIB + 1);
    uint32_t node = MM_NONE;
    if (plain) {
        MM_TRY(counts_fill(work));
        rank = rank_best(work);
    }
    if (rank <= MM_CLASS_PROGRAM) {
        return select_classes(work, NULL, rank);
    }
    // A name of the program's own wins over classes of others.
    bool found = mm_what_follow(work->graph, &work->classes, work->what, &node, &work->refused);
    const mm_class *item = found && plain ? class_of(&work->classes, node) : NULL;
    if (item != NULL) {
        return select_classes(work, item, rank);
    }
    bool library = found && mm_graph_kind(work->graph, node) == MM_KIND_MODULE &&
                   mm_module_rank(work->graph, node) > MM_CLASS_PROGRAM;
    if (rank <= MM_CLASS_STDLIB && (!found || library)) {
        return select_classes(work, NULL, rank);
    }
    return found ? select_one(work, node) : MM_OK;
}

// MM_OK with a reason in work->refused when WHAT means nothing.
static MM_STATUS select_run(select_work *work, mm_error *err) {
    if (work->what[0] == '\0') {
        work->refused.why = MM_REFUSED_EMPTY;
        return MM_OK;
    }
    if (text_is_address(work->what)) {
        return select_address(work);
    }
    MM_TRY(mm_classes_list(work->graph, work->arena, &work->classes, err));
    MM_TRY(select_named(work));
    if (work->selection.nodes != NULL) {
        work->refused.why = MM_REFUSED_NOT;
    }
    return MM_OK;
}

MM_STATUS mm_select_refused(const mm_graph *graph, const char *what, mm_arena *arena,
                            mm_refused *ret, mm_error *err) {
    select_work work = {.graph = graph, .what = what, .arena = arena};
    work.refused.node = MM_NONE;
    if (select_run(&work, err) != MM_OK) {
        return mm_fail(err, MM_E_NOMEM, "no memory to select objects", 0);
    }
    *ret = work.refused;
    return MM_OK;
}

MM_STATUS mm_select(const mm_graph *graph, const char *what, mm_arena *arena, mm_selection *ret,
                    mm_error *err) {
    static const struct {
        mm_status status;
        const char *message;
    } failures[MM_REFUSED_COUNT] = {
        [MM_REFUSED_EMPTY] = {MM_E_ARGUMENT, "WHAT is empty"},
        [MM_REFUSED_FORM] = {MM_E_ARGUMENT, "neither an address, nor a type, nor a dotted name"},
        [MM_REFUSED_ADDRESS_FORM] = {MM_E_ARGUMENT, "not an address"},
        [MM_REFUSED_ADDRESS] = {MM_E_NOT_FOUND, "no object at this address"},
        [MM_REFUSED_NAME] = {MM_E_NOT_FOUND, "no type or name like this"},
        [MM_REFUSED_MODULE] = {MM_E_NOT_FOUND, "no module of this name"},
        [MM_REFUSED_MAIN] = {MM_E_NOT_FOUND, "the program itself is __main__"},
        [MM_REFUSED_AFTER_DOT] = {MM_E_ARGUMENT, "a name was expected after the dot"},
        [MM_REFUSED_ATTRIBUTE] = {MM_E_NOT_FOUND, "no attribute of this name"},
        [MM_REFUSED_SUBSCRIPT] = {MM_E_ARGUMENT, "a subscript is a number or a string in quotes"},
        [MM_REFUSED_ITEM] = {MM_E_NOT_FOUND, "no item of this index"},
        [MM_REFUSED_NUMBER_KEY] = {MM_E_UNSUPPORTED, "numbers as keys are in no snapshot"},
        [MM_REFUSED_KEYS] = {MM_E_UNSUPPORTED, "keys of data are not in this file"},
        [MM_REFUSED_KEY] = {MM_E_NOT_FOUND, "no entry of this key"},
    };
    MM_ASSERT(graph != NULL);
    MM_ASSERT(what != NULL);
    select_work work = {.graph = graph, .what = what, .arena = arena};
    if (select_run(&work, err) != MM_OK) {
        return mm_fail(err, MM_E_NOMEM, "no memory to select objects", 0);
    }
    if (work.refused.why != MM_REFUSED_NOT) {
        return mm_fail(err, failures[work.refused.why].status, failures[work.refused.why].message,
                       work.refused.at);
    }
    *ret = work.selection;
    return MM_OK;
}
