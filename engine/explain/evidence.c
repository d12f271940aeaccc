// What speaks for a role, in the structure of the program: where an instance stands, and which
// names the code of its class mentions.
#include <string.h>

#include "explain/explain.h"

enum { NAME_BYTES = 256, CODE_OPTIMIZED = 1 };

// The classes that a class inherits from, itself the first: its `__mro__`.
static uint32_t class_order(const mm_explain *work, uint32_t object) {
    const mm_file *file = work->file;
    uint32_t node = file->types[file->type[object]].object;
    for (uint32_t edge = node == MM_NONE ? 0 : file->reference_start[node];
         node != MM_NONE && edge < file->reference_start[node + 1]; edge++) {
        const char *name = mm_graph_edge_name(work->graph, node, edge);
        uint32_t target = file->reference_target[edge];
        if (name != NULL && strcmp(name, "__mro__") == 0 &&
            mm_graph_kind(work->graph, target) == MM_KIND_TUPLE) {
            return target;
        }
    }
    return MM_NONE;
}

// Namespace of a class of the program; MM_NONE for others.
static uint32_t class_namespace(const mm_explain *work, uint32_t node) {
    uint32_t edge = (work->marks[node] & MM_EXPLAIN_OWN) == 0
                        ? MM_NONE
                        : mm_graph_edge_with_role(work->graph, node, MM_ROLE_DICT);
    return edge == MM_NONE ? MM_NONE : work->file->reference_target[edge];
}

bool mm_explain_class_defines(const mm_explain *work, uint32_t object, const char *name) {
    const mm_file *file = work->file;
    uint32_t order = class_order(work, object);
    for (uint32_t i = order == MM_NONE ? 0 : file->reference_start[order];
         order != MM_NONE && i < file->reference_start[order + 1]; i++) {
        uint32_t node = file->reference_target[i];
        bool heap = (work->graph->node_flags[node] & MM_NODE_STDLIB) == 0;
        if (heap && mm_graph_attribute(work->graph, node, name) != MM_NONE) {
            return true;
        }
    }
    return false;
}

// Does the code of a method mention the class by name, or a method of it? A method of the same name
// as the one that mentions it hands a call on, as the inner nodes of a tree do.
static bool code_mentions(const mm_explain *work, uint32_t function, uint32_t object,
                          bool *ret_calls) {
    const mm_file *file = work->file;
    char own_name[NAME_BYTES];
    uint32_t code = mm_graph_code_of(work->graph, function);
    uint32_t edge =
        code == MM_NONE ? MM_NONE : mm_graph_edge_with_role(work->graph, code, MM_ROLE_NAMES);
    uint32_t names = edge == MM_NONE ? MM_NONE : file->reference_target[edge];
    if (names == MM_NONE) {
        return false;
    }
    (void)mm_graph_name_text(work->graph, function, own_name, sizeof(own_name));
    const char *dot = strrchr(own_name, '.');
    const char *method = dot != NULL ? dot + 1 : own_name;
    for (uint32_t i = file->reference_start[names]; i < file->reference_start[names + 1]; i++) {
        const char *name = mm_file_text_of(file, file->reference_target[i]);
        if (name == NULL) {
            continue;
        }
        if (strcmp(name, mm_graph_type_short(work->graph, object)) == 0) {
            return true;
        }
        *ret_calls = *ret_calls || (name[0] != '_' && strcmp(name, method) != 0 &&
                                    mm_explain_class_defines(work, object, name));
    }
    return false;
}

// Go through the methods of an instance's class and its bases.
static void methods_look(const mm_explain *work, uint32_t owner, uint32_t object,
                         bool *ret_mentions, bool *ret_calls, bool *ret_notifies) {
    const mm_file *file = work->file;
    uint32_t order = class_order(work, owner);
    for (uint32_t at = order == MM_NONE ? 0 : file->reference_start[order];
         order != MM_NONE && at < file->reference_start[order + 1]; at++) {
        uint32_t dict = class_namespace(work, file->reference_target[at]);
        if (dict == MM_NONE) {
            continue;
        }
        for (uint32_t i = file->reference_start[dict]; i < file->reference_start[dict + 1]; i++) {
            uint32_t function = file->reference_target[i];
            if (mm_graph_kind(work->graph, function) != MM_KIND_FUNCTION ||
                mm_file_naming(file, i) != MM_NAME_VALUE) {
                continue;
            }
            const char *name = mm_graph_edge_name(work->graph, dict, i);
            *ret_notifies = *ret_notifies || (name != NULL && mm_explain_says_notify(name));
            *ret_mentions = code_mentions(work, function, object, ret_calls) || *ret_mentions;
        }
    }
}

bool mm_explain_calls_back(const mm_explain *work, uint32_t owner, uint32_t object) {
    bool mentions = false;
    bool calls = false;
    bool notifies = false;
    methods_look(work, owner, object, &mentions, &calls, &notifies);
    return calls && notifies && !mentions;
}

bool mm_explain_makes(const mm_explain *work, uint32_t owner, uint32_t object) {
    bool mentions = false;
    bool calls = false;
    bool notifies = false;
    methods_look(work, owner, object, &mentions, &calls, &notifies);
    return mentions;
}

bool mm_explain_is_cache(const mm_graph *graph, uint32_t node) {
    return strcmp(mm_graph_type_short(graph, node), "_lru_cache_wrapper") == 0;
}

bool mm_explain_is_descriptor(const mm_explain *work, uint32_t node) {
    if (mm_graph_kind(work->graph, node) == MM_KIND_TYPE) {
        return mm_graph_attribute(work->graph, node, "__get__") != MM_NONE ||
               mm_graph_attribute(work->graph, node, "__set__") != MM_NONE;
    }
    return (work->marks[node] & MM_EXPLAIN_INSTANCE) != 0 &&
           (mm_explain_class_defines(work, node, "__get__") ||
            mm_explain_class_defines(work, node, "__set__"));
}

static bool is_enum_member(const mm_explain *work, uint32_t node) {
    const mm_file *file = work->file;
    uint32_t order = class_order(work, node);
    for (uint32_t i = order == MM_NONE ? 0 : file->reference_start[order];
         order != MM_NONE && i < file->reference_start[order + 1]; i++) {
        char name[NAME_BYTES];
        (void)mm_graph_name_text(work->graph, file->reference_target[i], name, sizeof(name));
        if (strcmp(name, "enum.Enum") == 0 || strcmp(name, "Enum") == 0) {
            return true;
        }
    }
    return false;
}

static bool is_upper_name(const char *name) {
    bool letters = false;
    for (; *name != '\0'; name++) {
        if (*name >= 'a' && *name <= 'z') {
            return false;
        }
        letters = letters || (*name >= 'A' && *name <= 'Z');
    }
    return letters;
}

bool mm_explain_is_constant(const mm_explain *work, uint32_t node) {
    const mm_graph *graph = work->graph;
    for (uint32_t i = graph->reverse_start[node]; i < graph->reverse_start[node + 1]; i++) {
        uint32_t source = mm_graph_reverse_source(graph, i);
        if ((work->marks[source] & MM_EXPLAIN_NAMES) == 0 ||
            (work->marks[source] & MM_EXPLAIN_OWN) == 0) {
            continue;
        }
        uint32_t owner = mm_graph_owner(graph, source, NULL);
        const char *name = mm_graph_edge_name(graph, source, graph->reverse_edge[i]);
        bool in_class = owner != MM_NONE && mm_graph_kind(graph, owner) == MM_KIND_TYPE;
        if (in_class || (name != NULL && is_upper_name(name))) {
            return true;
        }
    }
    return is_enum_member(work, node);
}

uint32_t mm_explain_table_names(const mm_explain *work, uint32_t container, const char **ret,
                                uint32_t room) {
    const mm_graph *graph = work->graph;
    uint32_t count = 0;
    for (uint32_t i = graph->reverse_start[container]; i < graph->reverse_start[container + 1];
         i++) {
        uint32_t source = mm_graph_reverse_source(graph, i);
        uint8_t wanted = MM_EXPLAIN_NAMES | MM_EXPLAIN_OWN;
        const char *name = mm_graph_edge_name(graph, source, graph->reverse_edge[i]);
        if ((work->marks[source] & wanted) != wanted || name == NULL ||
            mm_graph_owner(graph, source, NULL) == MM_NONE) {
            continue;
        }
        if (mm_explain_says_cache(name) || mm_explain_says_observer(name)) {
            return 0;
        }
        if (count < room) {
            ret[count++] = name;
        }
    }
    return count;
}

static bool is_mutator(const char *name) {
    static const char *const names[] = {"append", "add",    "update",    "setdefault",
                                        "insert", "extend", "appendleft"};
    for (size_t i = 0; i < MM_COUNTOF(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

// What the code of functions says of a table.
typedef struct table_talk {
    bool table;  // it is mentioned
    bool type;   // so is the class of what it holds
    bool fills;  // the table, with a method that changes it, or under a name that says so
} table_talk;

static bool is_one_of(const char *name, const char *const *names, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

// An assignment to an entry leaves no name behind.
static void code_listen(const mm_explain *work, uint32_t code, const char *type,
                        const char *const *tables, uint32_t table_count, table_talk *talk) {
    const mm_file *file = work->file;
    char own_name[NAME_BYTES];
    uint32_t edge = mm_graph_edge_with_role(work->graph, code, MM_ROLE_NAMES);
    bool mentions = false;
    if (edge == MM_NONE) {
        return;
    }
    uint32_t names = file->reference_target[edge];
    (void)mm_graph_name_text(work->graph, code, own_name, sizeof(own_name));
    const char *dot = strrchr(own_name, '.');
    const char *method = dot != NULL ? dot + 1 : own_name;
    bool changes = strncmp(method, "__", 2) == 0 || mm_explain_says_store(method);
    for (uint32_t i = file->reference_start[names]; i < file->reference_start[names + 1]; i++) {
        const char *name = mm_file_text_of(file, file->reference_target[i]);
        if (name != NULL) {
            talk->type = talk->type || strcmp(name, type) == 0;
            mentions = mentions || is_one_of(name, tables, table_count);
            changes = changes || is_mutator(name);
        }
    }
    talk->table = talk->table || mentions;
    talk->fills = talk->fills || (mentions && changes);
}

bool mm_explain_is_filled_by_code(const mm_explain *work, const char *const *tables,
                                  uint32_t table_count, uint32_t object) {
    const mm_graph *graph = work->graph;
    const char *type = mm_graph_type_short(graph, object);
    table_talk talk = {false, false, false};
    for (uint32_t node = 0; node < graph->root_node; node++) {
        const char *path = NULL;
        uint32_t line = 0;
        uint64_t flags = 0;
        // Code, not functions: what a comprehension or an inner function says is said there alone.
        // The bodies of modules and classes, there while a module runs, are run once: their
        // variables are not optimized. A fact of 0 is not written.
        if (mm_graph_kind(graph, node) != MM_KIND_CODE) {
            continue;
        }
        (void)mm_file_fact_of(work->file, node, MM_FACT_CODE_FLAGS, &flags);
        if ((flags & CODE_OPTIMIZED) != 0 && (graph->node_flags[node] & MM_NODE_OWN) == 0 &&
            mm_graph_place(graph, node, &path, &line) && mm_explain_path_is_own(work->file, path)) {
            code_listen(work, node, type, tables, table_count, &talk);
        }
    }
    return talk.table && (talk.type || talk.fills);
}

bool mm_explain_share_base(const mm_explain *work, uint32_t object, uint32_t other) {
    const mm_file *file = work->file;
    uint32_t order = class_order(work, object);
    uint32_t others = class_order(work, other);
    if (order == MM_NONE || others == MM_NONE) {
        return false;
    }
    // The first in the order of a class is the class itself.
    for (uint32_t i = file->reference_start[order] + 1; i < file->reference_start[order + 1]; i++) {
        uint32_t base = file->reference_target[i];
        for (uint32_t j = file->reference_start[others] + 1;
             (work->marks[base] & MM_EXPLAIN_OWN) != 0 && j < file->reference_start[others + 1];
             j++) {
            if (file->reference_target[j] == base) {
                return true;
            }
        }
    }
    return false;
}

uint32_t mm_explain_handler_of(const mm_explain *work, uint32_t object) {
    const mm_graph *graph = work->graph;
    const mm_file *file = work->file;
    uint32_t dict = mm_graph_edge_with_role(graph, object, MM_ROLE_DICT);
    uint32_t places[2] = {object, dict == MM_NONE ? object : file->reference_target[dict]};
    for (size_t at = 0; at < MM_COUNTOF(places) && (at == 0 || dict != MM_NONE); at++) {
        for (uint32_t i = file->reference_start[places[at]];
             i < file->reference_start[places[at] + 1]; i++) {
            uint32_t target = file->reference_target[i];
            uint32_t kind = mm_graph_kind(graph, target);
            bool made = kind == MM_KIND_FUNCTION || kind == MM_KIND_TYPE;
            if (made && (work->marks[target] & MM_EXPLAIN_OWN) != 0 &&
                mm_graph_edge_owns(graph, i) && target != mm_graph_type_object(graph, object)) {
                return target;
            }
        }
    }
    return MM_NONE;
}

bool mm_explain_knows_gc(const mm_explain *work) {
    const mm_file *file = work->file;
    for (uint32_t node = 0; node < work->graph->root_node; node++) {
        bool function = mm_graph_kind(work->graph, node) == MM_KIND_FUNCTION;
        if ((work->marks[node] & MM_EXPLAIN_OWN) == 0 ||
            (!function && (work->marks[node] & MM_EXPLAIN_NAMES) == 0)) {
            continue;
        }
        uint32_t names = node;
        if (function) {
            uint32_t code = mm_graph_code_of(work->graph, node);
            uint32_t edge = code == MM_NONE
                                ? MM_NONE
                                : mm_graph_edge_with_role(work->graph, code, MM_ROLE_NAMES);
            names = edge == MM_NONE ? MM_NONE : file->reference_target[edge];
        }
        for (uint32_t i = names == MM_NONE ? 0 : file->reference_start[names];
             names != MM_NONE && i < file->reference_start[names + 1]; i++) {
            const char *name = function ? mm_file_text_of(file, file->reference_target[i])
                                        : mm_graph_edge_name(work->graph, names, i);
            if (name != NULL && strcmp(name, "gc") == 0) {
                return true;
            }
        }
    }
    return false;
}

bool mm_explain_stands_in_class(const mm_explain *work, uint32_t node) {
    const mm_graph *graph = work->graph;
    for (uint32_t i = graph->reverse_start[node]; i < graph->reverse_start[node + 1]; i++) {
        uint32_t source = mm_graph_reverse_source(graph, i);
        if ((work->marks[source] & MM_EXPLAIN_NAMES) != 0) {
            uint32_t owner = mm_graph_owner(graph, source, NULL);
            if (owner != MM_NONE && mm_graph_kind(graph, owner) == MM_KIND_TYPE) {
                return true;
            }
        }
    }
    return false;
}
