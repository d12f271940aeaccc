// What speaks for a role, in the structure of the program: where an instance stands, and which
// names the code of its class mentions.
#include <string.h>

#include "explain/explain.h"

enum { NAME_BYTES = 256 };

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
        uint32_t source = graph->reverse_source[i];
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

const char *mm_explain_table_name(const mm_explain *work, uint32_t container) {
    const mm_graph *graph = work->graph;
    for (uint32_t i = graph->reverse_start[container]; i < graph->reverse_start[container + 1];
         i++) {
        uint32_t source = graph->reverse_source[i];
        uint8_t wanted = MM_EXPLAIN_NAMES | MM_EXPLAIN_OWN;
        uint32_t owner = mm_graph_owner(graph, source, NULL);
        const char *name = mm_graph_edge_name(graph, source, graph->reverse_edge[i]);
        if ((work->marks[source] & wanted) == wanted && owner != MM_NONE && name != NULL &&
            mm_graph_kind(graph, owner) == MM_KIND_MODULE && is_upper_name(name) &&
            !mm_explain_says_cache(name) && !mm_explain_says_observer(name)) {
            return name;
        }
    }
    return NULL;
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

// Does a function mention the type, or the table in a way that may fill it?
static bool function_fills(const mm_explain *work, uint32_t function, const char *type,
                           const char *table, bool few) {
    const mm_file *file = work->file;
    char own_name[NAME_BYTES];
    uint32_t code = mm_graph_code_of(work->graph, function);
    uint32_t edge =
        code == MM_NONE ? MM_NONE : mm_graph_edge_with_role(work->graph, code, MM_ROLE_NAMES);
    uint32_t names = edge == MM_NONE ? MM_NONE : file->reference_target[edge];
    bool mentions = false;
    bool changes = !few;
    if (names == MM_NONE) {
        return false;
    }
    (void)mm_graph_name_text(work->graph, function, own_name, sizeof(own_name));
    const char *dot = strrchr(own_name, '.');
    changes = changes || strncmp(dot != NULL ? dot + 1 : own_name, "__", 2) == 0;
    for (uint32_t i = file->reference_start[names]; i < file->reference_start[names + 1]; i++) {
        const char *name = mm_file_text_of(file, file->reference_target[i]);
        if (name == NULL) {
            continue;
        }
        if (strcmp(name, type) == 0) {
            return true;
        }
        mentions = mentions || strcmp(name, table) == 0;
        changes = changes || is_mutator(name);
    }
    return mentions && changes;
}

bool mm_explain_is_filled_by_code(const mm_explain *work, const char *table, uint32_t object,
                                  bool few) {
    const char *type = mm_graph_type_short(work->graph, object);
    for (uint32_t node = 0; node < work->graph->root_node; node++) {
        if (mm_graph_kind(work->graph, node) == MM_KIND_FUNCTION &&
            (work->marks[node] & MM_EXPLAIN_OWN) != 0 &&
            function_fills(work, node, type, table, few)) {
            return true;
        }
    }
    return false;
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
        uint32_t source = graph->reverse_source[i];
        if ((work->marks[source] & MM_EXPLAIN_NAMES) != 0) {
            uint32_t owner = mm_graph_owner(graph, source, NULL);
            if (owner != MM_NONE && mm_graph_kind(graph, owner) == MM_KIND_TYPE) {
                return true;
            }
        }
    }
    return false;
}
