// The weak half of the evidence that a container is bounded: MM_FACT_LIMIT says that a function
// asks for a length, perhaps beside a number, or that an object has a number by which its class
// measures. Here is asked whether it is this container that is measured:
//
//     closure, default   the function holds the container as it holds the number
//     module             the function names the variable that the container stands in
//     instance           a method of its class, or of a base, names the attribute
//     itself             the container is the object that has the number
//     shards             it is one of a list's, and all of this holds for the list
//     belongs            links and indices whose entries are those of a table that is measured
//     slots              all of its keys or values stand in a list that was made beforehand; this
//                        and the last are in growth_parts.c
//
// A function may measure one container and let another grow. So the others that it names must have
// as many entries, as the order of a cache has, or next to none: else nobody knows which one the
// number is for, and what grows stays a leak. One with next to none is what the number is for where
// the function says so: code has its names in the order of their first use, and `len(idle) <
// maxsize` leaves these three side by side.
#include "analyze/growth_limits.h"

enum {
    HOLDERS_MAX = MM_GROWING_HOLDERS_MAX,
    REFERENCES_MAX = 4096,  ///< in search of a name: a link stands in the table of its keys
    NAMES_MAX = MM_LIMITS_NAMES_MAX,
    METHODS_MAX = 1024,  ///< of a class
    SHARDS_MAX = 1024,
    BASES_MAX = 8,
    FEW = MM_LIMITS_FEW
};

/// What a function names.
typedef struct names_view {
    uint32_t tuple;  ///< co_names, or MM_NONE
    uint32_t count;
} names_view;

uint64_t mm_growing_entries(const mm_graph *graph, uint32_t node) {
    uint64_t entries = 0;
    const uint32_t *start = graph->file->reference_start;
    return mm_graph_entries(graph, node, &entries) ? entries : start[node + 1] - start[node];
}

bool mm_limits_is_table(const mm_graph *graph, uint32_t node) {
    switch (mm_graph_kind(graph, node)) {
        case MM_KIND_DICT:
        case MM_KIND_ORDERED_DICT:
        case MM_KIND_LIST:
        case MM_KIND_SET:
            return true;
        case MM_KIND_FOREIGN: {
            uint64_t unused = 0;
            return mm_file_fact_of(graph->file, node, MM_FACT_ENTRIES, &unused) ||
                   mm_growing_entries(graph, node) > FEW;
        }
        default:
            return false;
    }
}

// May another container that the function names stand beside this one?
bool mm_limits_is_aside(const mm_limit_question *q, uint32_t other) {
    if (other == q->container || other == q->shards || !mm_limits_is_table(q->graph, other)) {
        return true;
    }
    uint64_t entries = mm_growing_entries(q->graph, other);
    uint64_t apart = entries > q->entries ? entries - q->entries : q->entries - entries;
    return entries <= FEW || apart <= q->entries / 8;
}

static bool takes(const mm_limit_question *q, uint32_t node) {
    uint64_t limit = 0;
    if (!mm_file_fact_of(q->graph->file, node, MM_FACT_LIMIT, &limit) || limit < q->entries ||
        limit == 0) {
        return false;
    }
    *q->ret_bound = limit;
    return true;
}

static bool measures(const mm_graph *graph, uint32_t node) {
    uint64_t limit = 0;
    return mm_graph_kind(graph, node) == MM_KIND_FUNCTION &&
           mm_file_fact_of(graph->file, node, MM_FACT_LIMIT, &limit);
}

static names_view names_of(const mm_graph *graph, uint32_t function) {
    uint32_t code = mm_graph_code_of(graph, function);
    uint32_t edge = code != MM_NONE ? mm_graph_edge_with_role(graph, code, MM_ROLE_NAMES) : MM_NONE;
    names_view view = {MM_NONE, 0};
    if (edge != MM_NONE) {
        const uint32_t *start = graph->file->reference_start;
        view.tuple = graph->file->reference_target[edge];
        view.count = start[view.tuple + 1] - start[view.tuple];
        view.count = view.count < NAMES_MAX ? view.count : NAMES_MAX;
    }
    return view;
}

static bool names_text(const mm_graph *graph, const names_view *names, const char *text) {
    const mm_file *file = graph->file;
    for (uint32_t i = 0; text != NULL && i < names->count; i++) {
        uint32_t name = file->reference_target[file->reference_start[names->tuple] + i];
        const char *said = mm_file_text_of(file, name);
        if (said != NULL && mm_text_same(said, text, MM_GROWING_TEXT_BYTES)) {
            return true;
        }
    }
    return false;
}

static bool names_node(const mm_graph *graph, const names_view *names, uint32_t node) {
    const mm_file *file = graph->file;
    for (uint32_t i = 0; node != MM_NONE && i < names->count; i++) {
        if (file->reference_target[file->reference_start[names->tuple] + i] == node) {
            return true;
        }
    }
    return false;
}

// The two names behind `len`. Whether they are a table's and a number's is for the caller to ask.
typedef struct measured_names {
    uint32_t table;
    uint32_t number;
} measured_names;

static bool names_measured(const mm_graph *graph, const names_view *names, measured_names *ret) {
    const mm_file *file = graph->file;
    for (uint32_t i = 0; i + 2 < names->count; i++) {
        uint32_t at = file->reference_start[names->tuple] + i;
        const char *said = mm_file_text_of(file, file->reference_target[at]);
        if (said != NULL && mm_text_same(said, "len", MM_GROWING_TEXT_BYTES)) {
            ret->table = file->reference_target[at + 1];
            ret->number = file->reference_target[at + 2];
            return true;
        }
    }
    return false;
}

static bool is_little_beside(const mm_limit_question *q, uint32_t other) {
    return other != q->container && other != q->shards && mm_limits_is_table(q->graph, other) &&
           mm_growing_entries(q->graph, other) <= FEW;
}

// Of shards nobody knows whether the function measures one of them or the list that they stand in:
// only if it takes something out in a way in which nothing can be taken out of the list.
static bool is_about(const mm_limit_question *q, uint32_t function) {
    static const char *const removers[] = {"popitem", "popleft", "move_to_end", "discard",
                                           "next",    "pop",     "clear",       "remove"};
    enum { NOT_OF_LISTS = 5 };
    if (q->shards == MM_NONE) {
        return true;
    }
    bool list = mm_graph_kind(q->graph, q->shards) == MM_KIND_LIST;
    names_view names = names_of(q->graph, function);
    for (size_t i = 0; i < (list ? (size_t)NOT_OF_LISTS : MM_COUNTOF(removers)); i++) {
        if (names_text(q->graph, &names, removers[i])) {
            return true;
        }
    }
    return false;
}

// Closures and defaults --------------------------------------------------------------------------

// What stands in a tuple of cells or defaults.
static uint32_t content_of(const mm_graph *graph, uint32_t item) {
    const mm_file *file = graph->file;
    uint32_t edge = file->reference_start[item];
    bool filled =
        mm_graph_kind(graph, item) == MM_KIND_CELL && edge < file->reference_start[item + 1];
    return filled ? file->reference_target[edge] : item;
}

static bool tuple_limit(const mm_limit_question *q, uint32_t tuple) {
    const mm_file *file = q->graph->file;
    uint32_t function = mm_graph_owner(q->graph, tuple, NULL);
    if (function == MM_NONE || !measures(q->graph, function) || !takes(q, function) ||
        !is_about(q, function)) {
        return false;
    }
    for (uint32_t edge = file->reference_start[tuple]; edge < file->reference_start[tuple + 1];
         edge++) {
        if (!mm_limits_is_aside(q, content_of(q->graph, file->reference_target[edge]))) {
            return false;
        }
    }
    return true;
}

static bool cell_limit(const mm_limit_question *q, uint32_t cell) {
    uint32_t end = q->graph->reverse_start[cell + 1];
    uint32_t first = q->graph->reverse_start[cell];
    for (uint32_t i = first; i < end && i < first + HOLDERS_MAX; i++) {
        uint32_t tuple = mm_graph_reverse_source(q->graph, i);
        if (mm_graph_kind(q->graph, tuple) == MM_KIND_TUPLE && tuple_limit(q, tuple)) {
            return true;
        }
    }
    return false;
}

// Modules ----------------------------------------------------------------------------------------

// Does the function hold the length of a small table in the module against a number there?
static bool globals_measure_another(const mm_limit_question *q, uint32_t dict,
                                    const names_view *names) {
    const mm_file *file = q->graph->file;
    measured_names said;
    if (!names_measured(q->graph, names, &said)) {
        return false;
    }
    bool table = false;
    bool number = false;
    for (uint32_t edge = file->reference_start[dict]; edge < file->reference_start[dict + 1];
         edge++) {
        if (mm_file_naming(file, edge) != MM_NAME_VALUE) {
            continue;
        }
        uint32_t name = file->reference_argument[edge];
        uint32_t target = file->reference_target[edge];
        table = table || (name == said.table && is_little_beside(q, target));
        number = number || (name == said.number && mm_graph_kind(q->graph, target) == MM_KIND_INT);
    }
    return table && number;
}

// Do the variables of a module that the function names stand beside the container?
static bool globals_aside(const mm_limit_question *q, uint32_t dict, const names_view *names) {
    const mm_file *file = q->graph->file;
    if (globals_measure_another(q, dict, names)) {
        return false;
    }
    for (uint32_t edge = file->reference_start[dict]; edge < file->reference_start[dict + 1];
         edge++) {
        if (mm_file_naming(file, edge) == MM_NAME_VALUE &&
            !mm_limits_is_aside(q, file->reference_target[edge]) &&
            names_node(q->graph, names, file->reference_argument[edge])) {
            return false;
        }
    }
    return true;
}

static bool code_limit(const mm_limit_question *q, uint32_t dict, uint32_t code) {
    const mm_graph *graph = q->graph;
    uint32_t end = graph->reverse_start[code + 1];
    for (uint32_t i = graph->reverse_start[code]; i < end; i++) {
        uint32_t function = mm_graph_reverse_source(graph, i);
        if (!measures(graph, function) || !takes(q, function) || !is_about(q, function)) {
            continue;
        }
        uint32_t globals = mm_graph_edge_with_role(graph, function, MM_ROLE_GLOBALS);
        names_view names = names_of(graph, function);
        return globals != MM_NONE && graph->file->reference_target[globals] == dict &&
               globals_aside(q, dict, &names);
    }
    return false;
}

// Functions that name the variable: its name is one object for all of them.
static bool module_limit(const mm_limit_question *q, uint32_t dict, uint32_t key) {
    const mm_graph *graph = q->graph;
    if (key == MM_NONE) {
        return false;
    }
    uint32_t first = graph->reverse_start[key];
    uint32_t end = graph->reverse_start[key + 1];
    for (uint32_t i = first; i < end && i < first + REFERENCES_MAX; i++) {
        uint32_t tuple = mm_graph_reverse_source(graph, i);
        if (mm_graph_kind(graph, tuple) != MM_KIND_TUPLE) {
            continue;
        }
        uint32_t last = graph->reverse_start[tuple + 1];
        for (uint32_t at = graph->reverse_start[tuple]; at < last; at++) {
            uint32_t code = mm_graph_reverse_source(graph, at);
            if (mm_graph_kind(graph, code) == MM_KIND_CODE && code_limit(q, dict, code)) {
                return true;
            }
        }
    }
    return false;
}

// Instances --------------------------------------------------------------------------------------

/// What is asked of the methods of an object's class.
typedef struct class_question {
    const mm_limit_question *limit;
    uint32_t object;  ///< that has the container, or the class that has it
    const char *attribute;
    bool own;  ///< the object's number takes what there is
    /// Is it so of one of them?
    bool (*asked)(const struct class_question *of, uint32_t function);
} class_question;

static uint32_t class_space(const mm_graph *graph, uint32_t class_object) {
    uint32_t edge = mm_graph_edge_with_role(graph, class_object, MM_ROLE_DICT);
    return edge != MM_NONE ? graph->file->reference_target[edge] : MM_NONE;
}

// Has a class, or one of its bases, a number of this name?
static bool class_has_number(const mm_graph *graph, uint32_t type, const char *name) {
    const mm_file *file = graph->file;
    for (unsigned i = 0; type != MM_NONE && i < BASES_MAX; i++) {
        uint32_t object = file->types[type].object;
        uint32_t space = object != MM_NONE ? class_space(graph, object) : MM_NONE;
        uint32_t first = space != MM_NONE ? file->reference_start[space] : 0;
        uint32_t end = space != MM_NONE ? file->reference_start[space + 1] : 0;
        for (uint32_t edge = first; edge < end && edge < first + METHODS_MAX; edge++) {
            const char *said = mm_graph_edge_name(graph, space, edge);
            if (mm_graph_kind(graph, file->reference_target[edge]) == MM_KIND_INT && said != NULL &&
                mm_text_same(said, name, MM_GROWING_TEXT_BYTES)) {
                return true;
            }
        }
        type = file->types[type].base;
    }
    return false;
}

// Does the method hold the length of a small table of the object's against a number of it?
static bool method_measures_another(const mm_limit_question *q, uint32_t object,
                                    const names_view *names) {
    measured_names said;
    if (!names_measured(q->graph, names, &said)) {
        return false;
    }
    const char *table_name = mm_file_text_of(q->graph->file, said.table);
    const char *number_name = mm_file_text_of(q->graph->file, said.number);
    if (table_name == NULL || number_name == NULL) {
        return false;
    }
    bool table = false;
    bool number = class_has_number(q->graph, q->graph->file->type[object], number_name);
    mm_attribute_walk walk = mm_limits_attributes(q->graph, object, MM_LIMITS_NAMES_MAX);
    while (mm_limits_attribute_next(&walk)) {
        const char *name = mm_graph_edge_name(q->graph, walk.place, walk.edge);
        if (name == NULL) {
            continue;
        }
        table = table || (is_little_beside(q, walk.target) &&
                          mm_text_same(name, table_name, MM_GROWING_TEXT_BYTES));
        number = number || (mm_graph_kind(q->graph, walk.target) == MM_KIND_INT &&
                            mm_text_same(name, number_name, MM_GROWING_TEXT_BYTES));
    }
    return table && number;
}

// Do the other attributes of the object that the method names stand beside the container?
static bool attributes_aside(const mm_limit_question *q, uint32_t object, const names_view *names) {
    if (method_measures_another(q, object, names)) {
        return false;
    }
    mm_attribute_walk walk = mm_limits_attributes(q->graph, object, UINT32_MAX);
    while (mm_limits_attribute_next(&walk)) {
        if (!mm_limits_is_aside(q, walk.target) &&
            names_text(q->graph, names, mm_graph_edge_name(q->graph, walk.place, walk.edge))) {
            return false;
        }
    }
    return true;
}

static bool method_limit(const class_question *of, uint32_t function) {
    const mm_limit_question *q = of->limit;
    if (!measures(q->graph, function) || (!of->own && !takes(q, function)) ||
        !is_about(q, function)) {
        return false;
    }
    names_view names = names_of(q->graph, function);
    return names_text(q->graph, &names, of->attribute) && attributes_aside(q, of->object, &names);
}

// Whatever the number is.
static bool method_measures_it(const class_question *of, uint32_t function) {
    const mm_graph *graph = of->limit->graph;
    if (!measures(graph, function)) {
        return false;
    }
    names_view names = names_of(graph, function);
    return names_text(graph, &names, of->attribute) &&
           !method_measures_another(of->limit, of->object, &names);
}

static bool method_is_of_another(const class_question *of, uint32_t function) {
    const mm_graph *graph = of->limit->graph;
    if (!measures(graph, function)) {
        return false;
    }
    names_view names = names_of(graph, function);
    return method_measures_another(of->limit, of->object, &names);
}

// The function in a classmethod, staticmethod or property: the first that it refers to.
static uint32_t wrapped_function(const mm_graph *graph, uint32_t member) {
    const mm_file *file = graph->file;
    uint32_t end = file->reference_start[member + 1];
    uint32_t kind = mm_graph_kind(graph, member);
    if (kind != MM_KIND_CLASSMETHOD && kind != MM_KIND_STATICMETHOD && kind != MM_KIND_PROPERTY) {
        return member;
    }
    for (uint32_t edge = file->reference_start[member]; edge < end; edge++) {
        if (mm_graph_kind(graph, file->reference_target[edge]) == MM_KIND_FUNCTION) {
            return file->reference_target[edge];
        }
    }
    return member;
}

// A method, or what a decorated one wraps.
static bool member_asked(const class_question *of, uint32_t member) {
    const mm_graph *graph = of->limit->graph;
    const mm_file *file = graph->file;
    member = wrapped_function(graph, member);
    if (mm_graph_kind(graph, member) != MM_KIND_FUNCTION) {
        return false;
    }
    if (of->asked(of, member)) {
        return true;
    }
    uint32_t closure = mm_graph_edge_with_role(graph, member, MM_ROLE_CLOSURE);
    uint32_t tuple = closure != MM_NONE ? file->reference_target[closure] : MM_NONE;
    uint32_t end = tuple != MM_NONE ? file->reference_start[tuple + 1] : 0;
    for (uint32_t edge = tuple != MM_NONE ? file->reference_start[tuple] : 0; edge < end; edge++) {
        if (of->asked(of, content_of(graph, file->reference_target[edge]))) {
            return true;
        }
    }
    return false;
}

// Is it so of a method in the namespace of this class?
static bool class_asked(const class_question *of, uint32_t class_object) {
    const mm_file *file = of->limit->graph->file;
    uint32_t space = class_space(of->limit->graph, class_object);
    if (space == MM_NONE) {
        return false;
    }
    uint32_t first = file->reference_start[space];
    uint32_t end = file->reference_start[space + 1];
    for (uint32_t edge = first; edge < end && edge < first + METHODS_MAX; edge++) {
        if (mm_file_naming(file, edge) == MM_NAME_VALUE &&
            member_asked(of, file->reference_target[edge])) {
            return true;
        }
    }
    return false;
}

// The object may be a class, whose methods are its own.
static bool methods_asked(const class_question *of) {
    const mm_graph *graph = of->limit->graph;
    if (mm_graph_kind(graph, of->object) == MM_KIND_TYPE) {
        return class_asked(of, of->object);
    }
    uint32_t type = graph->file->type[of->object];
    for (unsigned i = 0; type != MM_NONE && i < BASES_MAX; i++) {
        const mm_file_type *t = &graph->file->types[type];
        if ((t->flags & MM_TYPE_CLASS) != 0 && t->object != MM_NONE && class_asked(of, t->object)) {
            return true;
        }
        type = t->base;
    }
    return false;
}

bool mm_limits_by_instance(const mm_limit_question *q, uint32_t object, const char *attribute) {
    class_question of = {q, object, attribute, takes(q, object), method_limit};
    return attribute != NULL && methods_asked(&of);
}

bool mm_growing_is_for_another(const mm_graph *graph, uint32_t container, uint32_t object) {
    uint64_t unused = 0;
    mm_limit_question q = {graph, container, mm_growing_entries(graph, container), &unused,
                           MM_NONE};
    class_question of = {&q, object, NULL, false, method_is_of_another};
    mm_attribute_walk walk = mm_limits_attributes(graph, object, MM_LIMITS_NAMES_MAX);
    while (of.attribute == NULL && mm_limits_attribute_next(&walk)) {
        if (walk.target == container) {
            of.attribute = mm_graph_edge_name(graph, walk.place, walk.edge);
        }
    }
    if (of.attribute == NULL || !methods_asked(&of)) {
        return false;
    }
    of.asked = method_measures_it;
    return !methods_asked(&of);
}

// Holders ----------------------------------------------------------------------------------------

static bool holder_limit(const mm_limit_question *q, uint32_t holder, uint32_t edge) {
    const mm_graph *graph = q->graph;
    uint32_t owner = mm_graph_owner(graph, holder, NULL);
    uint32_t kind = mm_graph_kind(graph, holder);
    if (kind == MM_KIND_CELL) {
        return cell_limit(q, holder);
    }
    if (kind == MM_KIND_TUPLE) {
        return owner != MM_NONE && tuple_limit(q, holder);
    }
    if (kind == MM_KIND_DICT && (graph->node_flags[holder] & MM_NODE_NAMESPACE) != 0) {
        uint32_t owner_kind = owner != MM_NONE ? mm_graph_kind(graph, owner) : MM_KIND_MODULE;
        if (owner_kind == MM_KIND_MODULE) {
            return mm_file_naming(graph->file, edge) == MM_NAME_VALUE &&
                   module_limit(q, holder, graph->file->reference_argument[edge]);
        }
        return mm_limits_by_instance(q, owner, mm_graph_edge_name(graph, holder, edge));
    }
    return (graph->file->types[graph->file->type[holder]].flags & MM_TYPE_CLASS) != 0 &&
           mm_limits_by_instance(q, holder, mm_graph_edge_name(graph, holder, edge));
}

// By what holds the container, or the list that it is a shard of.
static bool holders_limit(const mm_limit_question *q, uint32_t node) {
    const mm_graph *graph = q->graph;
    uint32_t end = graph->reverse_start[node + 1];
    uint32_t last = MM_NONE;
    uint32_t holders = 0;
    for (uint32_t i = graph->reverse_start[node]; i < end; i++) {
        uint32_t holder = mm_graph_reverse_source(graph, i);
        if (holder == last) {
            continue;
        }
        last = holder;
        if (++holders > HOLDERS_MAX) {
            break;
        }
        if (mm_graph_edge_owns(graph, graph->reverse_edge[i]) &&
            holder_limit(q, holder, graph->reverse_edge[i])) {
            return true;
        }
    }
    return false;
}

// Shards -----------------------------------------------------------------------------------------

// A list or tuple, none of whose items is anything but another container of the same type.
static bool is_of_shards(const mm_limit_question *q, uint32_t list) {
    const mm_file *file = q->graph->file;
    uint32_t kind = mm_graph_kind(q->graph, list);
    uint32_t first = file->reference_start[list];
    uint32_t end = file->reference_start[list + 1];
    if ((kind != MM_KIND_LIST && kind != MM_KIND_TUPLE) || end - first < 2 ||
        end - first > SHARDS_MAX) {
        return false;
    }
    for (uint32_t edge = first; edge < end; edge++) {
        if (file->type[file->reference_target[edge]] != file->type[q->container]) {
            return false;
        }
    }
    return true;
}

// The bound is that of all shards together, for growth is told of all of them.
static bool shards_limit(const mm_limit_question *q) {
    const mm_graph *graph = q->graph;
    const uint32_t *start = graph->file->reference_start;
    uint32_t first = graph->reverse_start[q->container];
    uint32_t end = graph->reverse_start[q->container + 1];
    for (uint32_t i = first; i < end && i < first + HOLDERS_MAX; i++) {
        mm_limit_question inner = *q;
        inner.shards = mm_graph_reverse_source(graph, i);
        if (is_of_shards(q, inner.shards) && holders_limit(&inner, inner.shards)) {
            *q->ret_bound *= start[inner.shards + 1] - start[inner.shards];
            return true;
        }
    }
    return false;
}

// ------------------------------------------------------------------------------------------------

bool mm_growing_is_limited(const mm_graph *graph, uint32_t container, uint64_t *ret_bound) {
    uint64_t bound = 0;
    mm_limit_question q = {graph, container, mm_growing_entries(graph, container), &bound, MM_NONE};
    // An object that is no table has one entry, however much hangs on it.
    bool table = q.entries > 0 && mm_limits_is_table(graph, container);
    bool found = table && (takes(&q, container) || holders_limit(&q, container) ||
                           shards_limit(&q) || mm_limits_by_slots(&q));
    found = found || mm_limits_by_table(graph, container, &bound);
    if (found) {
        *ret_bound = bound;
    }
    return found;
}
