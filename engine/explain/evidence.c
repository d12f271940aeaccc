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

bool mm_explain_calls_back(const mm_explain *work, uint32_t owner, uint32_t object) {
    const mm_file *file = work->file;
    uint32_t order = class_order(work, owner);
    bool calls = false;
    for (uint32_t at = order == MM_NONE ? 0 : file->reference_start[order];
         order != MM_NONE && at < file->reference_start[order + 1]; at++) {
        uint32_t dict = class_namespace(work, file->reference_target[at]);
        if (dict == MM_NONE) {
            continue;
        }
        for (uint32_t i = file->reference_start[dict]; i < file->reference_start[dict + 1]; i++) {
            uint32_t function = file->reference_target[i];
            bool method = mm_graph_kind(work->graph, function) == MM_KIND_FUNCTION &&
                          mm_file_naming(file, i) == MM_NAME_VALUE;
            if (method && code_mentions(work, function, object, &calls)) {
                return false;
            }
        }
    }
    return calls;
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
