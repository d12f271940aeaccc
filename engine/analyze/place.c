// A front that has the program's source can show the very line that makes a holder. What it needs
// to be right is here: the scope whose attribute the holder is, the file of that scope, and
// anchors: first lines that code objects of the snapshot say of themselves. A file in which one of
// them stands elsewhere is not the file that ran.
//
// Attributes of modules and classes have such a line. An instance's are made in any method: the
// class is told whose methods mention the name, with "()" behind it.
#include <string.h>

#include "analyze/chain.h"

enum { TEXT_BYTES = 320, MODULES_MAX = 2 };

// Has a class a method whose code is of this file?
static bool class_has_code_of(const mm_graph *graph, uint32_t node, const char *path) {
    const mm_file *file = graph->file;
    uint32_t edge = mm_graph_edge_with_role(graph, node, MM_ROLE_DICT);
    uint32_t names = edge == MM_NONE ? MM_NONE : file->reference_target[edge];
    for (uint32_t i = names == MM_NONE ? 0 : file->reference_start[names];
         names != MM_NONE && i < file->reference_start[names + 1]; i++) {
        uint32_t target = file->reference_target[i];
        const char *have = NULL;
        uint32_t line = 0;
        if (mm_graph_kind(graph, target) == MM_KIND_FUNCTION &&
            mm_graph_place(graph, target, &have, &line) && strcmp(have, path) == 0) {
            return true;
        }
    }
    return false;
}

// File of the module that a class says it is from, if one module has that name.
static bool class_module_file(const mm_graph *graph, uint32_t node, const char **ret) {
    const mm_file *file = graph->file;
    uint32_t edge = mm_graph_attribute(graph, node, "__module__");
    const char *name = edge == MM_NONE ? NULL : mm_file_text_of(file, file->reference_target[edge]);
    uint32_t found = MM_NONE;
    uint32_t line = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; name != NULL && i < graph->root_node && count < MODULES_MAX; i++) {
        if (mm_graph_kind(graph, i) != MM_KIND_MODULE) {
            continue;
        }
        const char *have = mm_graph_module_name(graph, i);
        if (have != NULL && strcmp(have, name) == 0) {
            found = i;
            count++;
        }
    }
    return count == 1 && mm_graph_place(graph, found, ret, &line);
}

// File of a class: of its module, if a method is of that too; else of its methods, some of which a
// decorator of another file may have made; else of the module.
static bool class_file(const mm_graph *graph, uint32_t node, const char **ret) {
    const char *module = NULL;
    uint32_t line = 0;
    bool known = class_module_file(graph, node, &module);
    if (known && class_has_code_of(graph, node, module)) {
        *ret = module;
        return true;
    }
    // Methods that a dataclass has made are in no file.
    if (mm_graph_place(graph, node, ret, &line) && (*ret)[0] != '<') {
        return true;
    }
    if (known) {
        *ret = module;
    }
    return known;
}

// A comprehension or a lambda has no name that a file could be asked for.
static bool is_anchor_name(const char *name) {
    const char *dot = strrchr(name, '.');
    return (dot != NULL ? dot[1] : name[0]) != '<';
}

static MM_STATUS anchors_take(const mm_graph *graph, uint32_t scope, mm_arena *arena,
                              mm_why_chain *chain) {
    mm_why_anchor *anchors = MM_ARENA_NEW(arena, mm_why_anchor, MM_WHY_ANCHORS_MAX);
    uint32_t count = 0;
    uint64_t class_line = 0;
    if (anchors == NULL) {
        return MM_E_NOMEM;
    }
    if (mm_graph_kind(graph, scope) == MM_KIND_TYPE && chain->scope[0] != '\0' &&
        mm_file_fact_of(graph->file, scope, MM_FACT_FIRST_LINE, &class_line) &&
        class_line < MM_NONE) {
        anchors[count].name = chain->scope;
        anchors[count++].line = (uint32_t)class_line;
    }
    for (uint32_t i = 0; i < graph->root_node && count < MM_WHY_ANCHORS_MAX; i++) {
        const char *file = NULL;
        uint32_t line = 0;
        char name[TEXT_BYTES];
        if (mm_graph_kind(graph, i) != MM_KIND_CODE || !mm_graph_place(graph, i, &file, &line) ||
            line == 0 || strcmp(file, chain->scope_file) != 0) {
            continue;
        }
        bool whole = mm_graph_name_text(graph, i, name, sizeof(name)) < sizeof(name);
        if (!whole || !is_anchor_name(name)) {
            continue;
        }
        anchors[count].name = mm_why_text_keep(arena, name);
        anchors[count].line = line;
        if (anchors[count++].name == NULL) {
            return MM_E_NOMEM;
        }
    }
    chain->anchors = anchors;
    chain->anchor_count = count;
    return MM_OK;
}

MM_STATUS mm_why_scope_find(const mm_graph *graph, uint32_t edge, mm_arena *arena,
                            mm_why_chain *chain) {
    MM_ASSERT(edge < graph->file->reference_count);
    uint32_t source = mm_graph_edge_source(graph, edge);
    uint32_t fold = MM_NONE;
    uint32_t scope = mm_graph_owner(graph, source, &fold);
    const char *attribute = mm_graph_edge_name(graph, source, edge);
    const char *file = NULL;
    uint32_t line = 0;
    char name[TEXT_BYTES];
    if (scope == MM_NONE || attribute == NULL ||
        mm_file_naming(graph->file, edge) != MM_NAME_VALUE) {
        return MM_OK;
    }
    name[0] = '\0';
    uint32_t kind = mm_graph_kind(graph, scope);
    if (kind == MM_KIND_TYPE) {
        if (!class_file(graph, scope, &file) ||
            mm_graph_name_text(graph, scope, name, sizeof(name)) >= sizeof(name)) {
            return MM_OK;
        }
    } else if (kind != MM_KIND_MODULE || !mm_graph_place(graph, scope, &file, &line)) {
        return MM_OK;
    }
    chain->scope = mm_why_text_keep(arena, name);
    chain->attribute = attribute;
    chain->scope_file = file;
    return chain->scope == NULL ? MM_E_NOMEM : anchors_take(graph, scope, arena, chain);
}

// A class's `__mro__`, or MM_NONE.
static uint32_t bases_of(const mm_graph *graph, uint32_t class_node) {
    const mm_file *file = graph->file;
    for (uint32_t i = file->reference_start[class_node]; i < file->reference_start[class_node + 1];
         i++) {
        const char *name = mm_graph_edge_name(graph, class_node, i);
        uint32_t target = file->reference_target[i];
        if (name != NULL && strcmp(name, "__mro__") == 0 &&
            mm_graph_kind(graph, target) == MM_KIND_TUPLE) {
            return target;
        }
    }
    return MM_NONE;
}

static bool function_mentions(const mm_graph *graph, uint32_t function, const char *attribute) {
    const mm_file *file = graph->file;
    uint32_t code = mm_graph_code_of(graph, function);
    uint32_t edge = code == MM_NONE ? MM_NONE : mm_graph_edge_with_role(graph, code, MM_ROLE_NAMES);
    uint32_t names = edge == MM_NONE ? MM_NONE : file->reference_target[edge];
    for (uint32_t i = names == MM_NONE ? 0 : file->reference_start[names];
         names != MM_NONE && i < file->reference_start[names + 1]; i++) {
        const char *name = mm_file_text_of(file, file->reference_target[i]);
        if (name != NULL && strcmp(name, attribute) == 0) {
            return true;
        }
    }
    return false;
}

static bool class_mentions(const mm_graph *graph, uint32_t class_node, const char *attribute) {
    const mm_file *file = graph->file;
    uint32_t edge = mm_graph_edge_with_role(graph, class_node, MM_ROLE_DICT);
    uint32_t names = edge == MM_NONE ? MM_NONE : file->reference_target[edge];
    for (uint32_t i = names == MM_NONE ? 0 : file->reference_start[names];
         names != MM_NONE && i < file->reference_start[names + 1]; i++) {
        uint32_t target = file->reference_target[i];
        if (mm_graph_kind(graph, target) == MM_KIND_FUNCTION &&
            function_mentions(graph, target, attribute)) {
            return true;
        }
    }
    return false;
}

MM_STATUS mm_why_instance_scope_find(const mm_graph *graph, uint32_t edge, mm_arena *arena,
                                     mm_why_chain *chain) {
    MM_ASSERT(edge < graph->file->reference_count);
    const mm_file *file = graph->file;
    uint32_t source = mm_graph_edge_source(graph, edge);
    uint32_t owner = mm_graph_owner(graph, source, NULL);
    owner = owner == MM_NONE ? source : owner;
    const mm_file_type *type = &file->types[file->type[owner]];
    const char *attribute = mm_graph_edge_name(graph, source, edge);
    if ((type->flags & MM_TYPE_CLASS) == 0 || (type->flags & MM_TYPE_METATYPE) != 0 ||
        type->object == MM_NONE || attribute == NULL) {
        return MM_OK;
    }
    uint32_t order = bases_of(graph, type->object);
    uint32_t found = type->object;
    for (uint32_t i = order == MM_NONE ? 0 : file->reference_start[order];
         order != MM_NONE && i < file->reference_start[order + 1]; i++) {
        if (class_mentions(graph, file->reference_target[i], attribute)) {
            found = file->reference_target[i];
            break;
        }
    }
    char name[TEXT_BYTES];
    const char *path = NULL;
    if (!class_file(graph, found, &path) ||
        mm_graph_name_text(graph, found, name, sizeof(name) - 2) >= sizeof(name) - 2) {
        return MM_OK;
    }
    chain->scope = name;
    chain->attribute = attribute;
    chain->scope_file = path;
    MM_TRY(anchors_take(graph, found, arena, chain));
    if (chain->anchor_count > 0 && chain->anchors[0].name == name) {
        chain->anchors[0].name = mm_why_text_keep(arena, name);
    }
    memcpy(name + strlen(name), "()", 3);
    chain->scope = mm_why_text_keep(arena, name);
    return chain->scope == NULL ? MM_E_NOMEM : MM_OK;
}
