// What belongs together. CPython spreads what a person sees as one thing over several objects: an
// instance and its __dict__, a function, the tuple of its closure and the cells in it. The inner
// ones are flagged MM_NODE_FOLDED and skipped in every answer: the reference into them and the one
// out of them make one step.
//
//     instance ──__dict__──▶ dict ──'attr'──▶ value          is   instance ──.attr──▶ value
//     function ──__closure__──▶ tuple ──[0]──▶ cell ──▶ v   is   function ──closure variable v──▶
//
// Fields are recognised by name, once: each field of each type gets a role, so that no string is
// compared in a loop over references.
#include <string.h>

#include "base/free/search.h"
#include "graph/inner.h"

typedef struct role_name {
    const char *name;
    mm_role role;
} role_name;

static const role_name role_names[] = {
    {"__dict__", MM_ROLE_DICT},
    {"tp_dict", MM_ROLE_DICT},
    {"md_dict", MM_ROLE_DICT},
    {"f_locals", MM_ROLE_LOCALS},
    {"__closure__", MM_ROLE_CLOSURE},
    {"__defaults__", MM_ROLE_DEFAULTS},
    {"__kwdefaults__", MM_ROLE_KWDEFAULTS},
    {"__globals__", MM_ROLE_GLOBALS},
    {"__builtins__", MM_ROLE_GLOBALS},
    {"f_globals", MM_ROLE_GLOBALS},
    {"f_builtins", MM_ROLE_GLOBALS},
    {"__code__", MM_ROLE_CODE},
    {"f_code", MM_ROLE_CODE},
    {"gi_code", MM_ROLE_CODE},
    {"cr_code", MM_ROLE_CODE},
    {"ag_code", MM_ROLE_CODE},
    {"cell_contents", MM_ROLE_CONTENTS},
    {"__traceback__", MM_ROLE_TRACEBACK},
    {"tb_frame", MM_ROLE_FRAME},
    {"__name__", MM_ROLE_NAME},
    {"md_name", MM_ROLE_NAME},
    {"ht_name", MM_ROLE_NAME},
    {"co_name", MM_ROLE_NAME},
    {"gi_name", MM_ROLE_NAME},
    {"__qualname__", MM_ROLE_QUALNAME},
    {"ht_qualname", MM_ROLE_QUALNAME},
    {"co_qualname", MM_ROLE_QUALNAME},
    {"gi_qualname", MM_ROLE_QUALNAME},
    {"__module__", MM_ROLE_MODULE},
    {"co_localsplusnames", MM_ROLE_LOCAL_NAMES},
    {"co_names", MM_ROLE_NAMES},
    {"co_filename", MM_ROLE_FILE},
    {"__self__", MM_ROLE_SELF},
};

static uint8_t role_of_name(const char *name) {
    for (size_t i = 0; i < MM_COUNTOF(role_names); i++) {
        if (strcmp(name, role_names[i].name) == 0) {
            return (uint8_t)role_names[i].role;
        }
    }
    return MM_ROLE_NONE;
}

void mm_graph_roles_fill(mm_graph *graph, uint32_t field_count) {
    const mm_file *file = graph->file;
    for (uint32_t i = 0; i < field_count; i++) {
        const char *name = file->fields[i].name;
        graph->field_role[i] = name != NULL ? role_of_name(name) : (uint8_t)MM_ROLE_NONE;
    }
    for (uint32_t i = 0; i < file->name_count; i++) {
        graph->name_role[i] = role_of_name(file->names[i]);
    }
}

// A base's word for its __dict__ may be another thing in a type that has put its own elsewhere.
static bool dict_is_elsewhere(const mm_graph *graph, uint32_t type, uint32_t base) {
    const mm_file *file = graph->file;
    for (uint32_t steps = 0; type != MM_NONE && type != base && steps < 64; steps++) {
        const mm_file_type *t = &file->types[type];
        for (uint32_t i = 0; i < t->field_count; i++) {
            uint32_t field = (uint32_t)graph->field_index[t->field_start + i];
            if (graph->field_role[field] == MM_ROLE_DICT) {
                return true;
            }
        }
        type = t->base;
    }
    return false;
}

// Base chains are cut: a file may hold a circle.
uint32_t mm_graph_field_of_word(const mm_graph *graph, uint32_t type, uint32_t word) {
    const mm_file *file = graph->file;
    uint32_t first = type;
    for (uint32_t steps = 0; type != MM_NONE && steps < 64; steps++) {
        const mm_file_type *t = &file->types[type];
        const uint64_t *index = graph->field_index + t->field_start;
        size_t at = mm_lower_bound_u64(index, sizeof(*index), t->field_count, (uint64_t)word << 32);
        if (at < t->field_count && index[at] >> 32 == word) {
            uint32_t field = (uint32_t)index[at];
            bool moved = graph->field_role[field] == MM_ROLE_DICT && type != first &&
                         dict_is_elsewhere(graph, first, type);
            return moved ? MM_NONE : field;
        }
        type = t->base;
    }
    return MM_NONE;
}

mm_role mm_graph_edge_role(const mm_graph *graph, uint32_t source, uint32_t edge) {
    const mm_file *file = graph->file;
    unsigned naming = mm_file_naming(file, edge);
    uint32_t argument = file->reference_argument[edge];
    if (naming == MM_NAME_WORD) {
        uint32_t field = mm_graph_field_of_word(graph, file->type[source], argument);
        return field == MM_NONE ? MM_ROLE_NONE : (mm_role)graph->field_role[field];
    }
    return naming == MM_NAME_NAMED ? (mm_role)graph->name_role[argument] : MM_ROLE_NONE;
}

uint32_t mm_graph_edge_with_role(const mm_graph *graph, uint32_t node, mm_role role) {
    const uint32_t *start = graph->file->reference_start;
    for (uint32_t edge = start[node]; edge < start[node + 1]; edge++) {
        if (mm_graph_edge_role(graph, node, edge) == role) {
            return edge;
        }
    }
    return MM_NONE;
}

static bool kind_is_dict(uint32_t kind) {
    return kind == MM_KIND_DICT || kind == MM_KIND_ORDERED_DICT;
}

static bool role_folds(uint32_t source_kind, mm_role role, uint32_t target_kind) {
    switch (role) {
        case MM_ROLE_DICT:
            return kind_is_dict(target_kind);
        case MM_ROLE_CLOSURE:
        case MM_ROLE_DEFAULTS:
            return source_kind == MM_KIND_FUNCTION && target_kind == MM_KIND_TUPLE;
        case MM_ROLE_KWDEFAULTS:
            return source_kind == MM_KIND_FUNCTION && kind_is_dict(target_kind);
        default:
            return false;
    }
}

uint32_t mm_graph_owner(const mm_graph *graph, uint32_t node, uint32_t *ret_edge) {
    MM_ASSERT(node < graph->root_node);
    uint32_t edge = graph->owner_edge[node];
    if (edge == MM_NONE) {
        return MM_NONE;
    }
    MM_ASSERT((graph->node_flags[node] & MM_NODE_FOLDED) != 0);
    MM_ASSERT(graph->file->reference_target[edge] == node);
    if (ret_edge != NULL) {
        *ret_edge = edge;
    }
    return mm_graph_edge_source(graph, edge);
}

bool mm_graph_edge_folds(const mm_graph *graph, uint32_t source, uint32_t edge) {
    uint32_t target = graph->file->reference_target[edge];
    if ((graph->node_flags[target] & MM_NODE_FOLDED) == 0) {
        return false;
    }
    uint32_t target_kind = mm_graph_kind(graph, target);
    if (target_kind != MM_KIND_CELL) {
        return role_folds(mm_graph_kind(graph, source), mm_graph_edge_role(graph, source, edge),
                          target_kind);
    }
    // A cell is an internal of the closure tuple that it stands in, and of nothing else.
    return (graph->node_flags[source] & MM_NODE_FOLDED) != 0 &&
           mm_graph_kind(graph, source) == MM_KIND_TUPLE;
}

static bool text_starts(const char *text, const char *start) {
    return start != NULL && start[0] != '\0' && strncmp(text, start, strlen(start)) == 0;
}

// Module of the interpreter or the standard library: by its file, or because functions written in C
// are bound to it.
static bool module_is_stdlib(const mm_graph *graph, uint32_t module) {
    const mm_file *file = graph->file;
    const char *path = NULL;
    uint32_t line = 0;
    if (mm_graph_place(graph, module, &path, &line)) {
        return path[0] == '<' || (text_starts(path, mm_file_meta_of(file, "stdlib")) &&
                                  !text_starts(path, mm_file_meta_of(file, "site")));
    }
    for (uint32_t i = graph->reverse_start[module]; i < graph->reverse_start[module + 1]; i++) {
        if (mm_graph_kind(graph, mm_graph_reverse_source(graph, i)) == MM_KIND_BUILTIN) {
            return true;
        }
    }
    return false;
}

// Weak containers are part of the program that uses them.
static bool name_is_own(const char *name) {
    return name != NULL && strncmp(name, "mortmain", 8) == 0 &&
           (name[8] == '\0' || name[8] == '.') && strncmp(name, "mortmain.weak", 13) != 0 &&
           strncmp(name, "mortmain._weak", 14) != 0;
}

static void own_mark(mm_graph *graph, uint32_t module, uint32_t dict) {
    const mm_file *file = graph->file;
    graph->node_flags[module] |= MM_NODE_OWN;
    graph->node_flags[dict] |= MM_NODE_OWN;
    for (uint32_t i = graph->reverse_start[dict]; i < graph->reverse_start[dict + 1]; i++) {
        uint32_t source = mm_graph_reverse_source(graph, i);
        if (mm_graph_kind(graph, source) == MM_KIND_FUNCTION &&
            mm_graph_edge_role(graph, source, graph->reverse_edge[i]) == MM_ROLE_GLOBALS) {
            graph->node_flags[source] |= MM_NODE_OWN;
        }
    }
    for (uint32_t edge = file->reference_start[dict]; edge < file->reference_start[dict + 1];
         edge++) {
        uint32_t target = file->reference_target[edge];
        if (mm_graph_kind(graph, target) == MM_KIND_TYPE &&
            name_is_own(mm_graph_attribute_text(graph, target, "__module__"))) {
            graph->node_flags[target] |= MM_NODE_OWN;
        }
    }
}

static void module_mark(mm_graph *graph, uint32_t module) {
    const mm_file *file = graph->file;
    uint32_t at = mm_graph_edge_with_role(graph, module, MM_ROLE_DICT);
    // A dict that several modules share is looked at once.
    if (at == MM_NONE || graph->owner_edge[file->reference_target[at]] != at) {
        return;
    }
    uint32_t dict = file->reference_target[at];
    const char *name = mm_graph_module_name(graph, module);
    if (name_is_own(name)) {
        own_mark(graph, module, dict);
        return;
    }
    if ((name != NULL && strcmp(name, "__main__") == 0) || !module_is_stdlib(graph, module)) {
        return;
    }
    graph->node_flags[module] |= MM_NODE_STDLIB;
    for (uint32_t edge = file->reference_start[dict]; edge < file->reference_start[dict + 1];
         edge++) {
        uint32_t target = file->reference_target[edge];
        uint32_t kind = mm_graph_kind(graph, target);
        if (mm_file_naming(file, edge) == MM_NAME_VALUE &&
            (kind == MM_KIND_TYPE || kind == MM_KIND_FUNCTION)) {
            graph->node_flags[target] |= MM_NODE_STDLIB;
        }
    }
}

// The first reference that folds a node decides whose it is.
static void fold_mark(mm_graph *graph, uint32_t node, uint32_t edge) {
    graph->node_flags[node] |= MM_NODE_FOLDED;
    if (graph->owner_edge[node] == MM_NONE) {
        graph->owner_edge[node] = edge;
    }
}

// Mark the dicts that stand under `key` in the tables that have it.
static void values_mark(mm_graph *graph, uint32_t key) {
    const mm_file *file = graph->file;
    for (uint32_t i = graph->reverse_start[key]; i < graph->reverse_start[key + 1]; i++) {
        uint32_t table = mm_graph_reverse_source(graph, i);
        bool is_key = mm_file_naming(file, graph->reverse_edge[i]) == MM_NAME_KEY;
        uint32_t first = file->reference_start[table];
        uint32_t end = is_key ? file->reference_start[table + 1] : first;
        for (uint32_t at = first; at < end; at++) {
            uint32_t target = file->reference_target[at];
            if (mm_file_naming(file, at) == MM_NAME_VALUE && file->reference_argument[at] == key &&
                mm_graph_kind(graph, target) == MM_KIND_DICT) {
                graph->node_flags[target] |= MM_NODE_NAMESPACE;
            }
        }
    }
}

// A threading.local has a dict for each thread that used it, all of them in one dict under that
// thread's `dummy`, or up to 3.12 under weak references to it: what stands in them are attributes.
static void thread_local_mark(mm_graph *graph, uint32_t dummy) {
    values_mark(graph, dummy);
    for (uint32_t i = graph->reverse_start[dummy]; i < graph->reverse_start[dummy + 1]; i++) {
        uint32_t source = mm_graph_reverse_source(graph, i);
        if (mm_graph_kind(graph, source) == MM_KIND_WEAKREF) {
            values_mark(graph, source);
        }
    }
}

// Flags that a node's outgoing references decide.
static void internals_mark(mm_graph *graph, uint32_t node, uint32_t kind) {
    const mm_file *file = graph->file;
    for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
         edge++) {
        // Only fields have a role: entries are left alone without a look at what they lead to.
        unsigned naming = mm_file_naming(file, edge);
        if (naming != MM_NAME_WORD && naming != MM_NAME_NAMED) {
            continue;
        }
        uint32_t target = file->reference_target[edge];
        uint32_t target_kind = mm_graph_kind(graph, target);
        if (!kind_is_dict(target_kind) && target_kind != MM_KIND_TUPLE) {
            continue;
        }
        mm_role role = mm_graph_edge_role(graph, node, edge);
        if (role == MM_ROLE_LOCALS && kind_is_dict(target_kind)) {
            graph->node_flags[target] |= MM_NODE_NAMESPACE;
        }
        if (!role_folds(kind, role, target_kind)) {
            continue;
        }
        fold_mark(graph, target, edge);
        if (role == MM_ROLE_DICT || role == MM_ROLE_KWDEFAULTS) {
            graph->node_flags[target] |= MM_NODE_NAMESPACE;
        }
        if (role != MM_ROLE_CLOSURE) {
            continue;
        }
        for (uint32_t i = file->reference_start[target]; i < file->reference_start[target + 1];
             i++) {
            if (mm_graph_kind(graph, file->reference_target[i]) == MM_KIND_CELL) {
                fold_mark(graph, file->reference_target[i], i);
            }
        }
    }
}

void mm_graph_flags_fill(mm_graph *graph) {
    const mm_file *file = graph->file;
    for (uint32_t node = 0; node < file->object_count; node++) {
        const mm_file_type *type = &file->types[file->type[node]];
        uint8_t *flags = &graph->node_flags[node];
        if ((type->flags & MM_TYPE_OWN) != 0) {
            *flags |= MM_NODE_OWN;
        }
        if (type->kind == MM_KIND_MODULE || type->kind == MM_KIND_TYPE ||
            type->kind == MM_KIND_FUNCTION || type->kind == MM_KIND_CODE) {
            *flags |= MM_NODE_CODE;
        }
        internals_mark(graph, node, type->kind);
        if (type->name[0] == '_' && strcmp(type->name, "_thread._localdummy") == 0) {
            thread_local_mark(graph, node);
        }
    }
    for (uint32_t i = 0; i < file->fact_count; i++) {
        if (file->facts[i].fact == MM_FACT_NAMESPACE && file->facts[i].value != 0) {
            graph->node_flags[file->facts[i].object] |= MM_NODE_NAMESPACE;
        }
    }
    for (uint32_t i = 0; i < file->root_count; i++) {
        if (file->roots[i].kind == MM_ROOT_MODULES) {
            graph->node_flags[file->roots[i].object] |= MM_NODE_NAMESPACE;
        }
    }
    for (uint32_t i = 0; i < file->type_count; i++) {
        const mm_file_type *type = &file->types[i];
        if (type->object != MM_NONE && (type->flags & MM_TYPE_HEAP) == 0) {
            graph->node_flags[type->object] |= MM_NODE_STDLIB;
        }
        if (type->object != MM_NONE && (type->flags & MM_TYPE_OWN) != 0) {
            graph->node_flags[type->object] |= MM_NODE_OWN;
        }
    }
    // Modules last: their marks look names up in namespaces.
    for (uint32_t node = 0; node < file->object_count; node++) {
        if (mm_graph_kind(graph, node) == MM_KIND_MODULE) {
            module_mark(graph, node);
        }
    }
    for (uint32_t node = 0; node < file->object_count; node++) {
        uint32_t class_node = file->types[file->type[node]].object;
        if (class_node != MM_NONE && (graph->node_flags[class_node] & MM_NODE_OWN) != 0) {
            graph->node_flags[node] |= MM_NODE_OWN;
        }
    }
}
