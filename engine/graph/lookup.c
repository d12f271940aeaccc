// Questions about one object that need its neighbours: its attributes, its code, its file and line.
//
// Everything here follows a bounded number of references and copies nothing: the texts that it
// answers live in the file. Nothing is recursive.
#include <string.h>

#include "base/free/search.h"
#include "graph/inner.h"

static const char *edge_key_text(const mm_graph *graph, uint32_t edge) {
    uint32_t key = graph->file->reference_argument[edge];
    return key == MM_NONE ? NULL : mm_file_text_of(graph->file, key);
}

const char *mm_graph_role_text(const mm_graph *graph, uint32_t node, mm_role role) {
    uint32_t edge = mm_graph_edge_with_role(graph, node, role);
    return edge == MM_NONE ? NULL
                           : mm_file_text_of(graph->file, graph->file->reference_target[edge]);
}

static const char *word_name(const mm_graph *graph, uint32_t type, uint32_t word) {
    uint32_t field = mm_graph_field_of_word(graph, type, word);
    return field == MM_NONE ? NULL : graph->file->fields[field].name;
}

static uint32_t inline_key(const mm_graph *graph, uint32_t source, uint32_t index) {
    const mm_file_type *type = &graph->file->types[graph->file->type[source]];
    return index < type->key_count ? graph->file->keys[type->key_start + index] : MM_NONE;
}

const char *mm_graph_edge_name(const mm_graph *graph, uint32_t source, uint32_t edge) {
    const mm_file *file = graph->file;
    uint32_t argument = file->reference_argument[edge];
    const char *name = NULL;
    switch (mm_file_naming(file, edge)) {
        case MM_NAME_WORD:
            name = word_name(graph, file->type[source], argument);
            break;
        case MM_NAME_NAMED:
            name = file->names[argument];
            break;
        case MM_NAME_INLINE: {
            uint32_t key = inline_key(graph, source, argument);
            name = key == MM_NONE ? NULL : mm_file_text_of(file, key);
            break;
        }
        case MM_NAME_LOCAL:
            name = mm_graph_variable(graph, mm_graph_code_of(graph, source), argument);
            break;
        case MM_NAME_VALUE:
            if (graph->keys || (graph->node_flags[source] & MM_NODE_NAMESPACE) != 0) {
                name = edge_key_text(graph, edge);
            }
            break;
        default:
            break;
    }
    return name != NULL && name[0] != '\0' ? name : NULL;
}

static bool naming_is_attribute(unsigned naming) {
    return naming == MM_NAME_WORD || naming == MM_NAME_INLINE || naming == MM_NAME_NAMED;
}

uint32_t mm_graph_referent(const mm_graph *graph, uint32_t node) {
    const mm_file *file = graph->file;
    MM_ASSERT(node < file->object_count);
    for (uint32_t i = file->reference_start[node]; i < file->reference_start[node + 1]; i++) {
        if ((file->reference_naming[i] & MM_REF_WEAK) != 0) {
            return file->reference_target[i];
        }
    }
    return MM_NONE;
}

uint32_t mm_graph_attribute(const mm_graph *graph, uint32_t node, const char *name) {
    const mm_file *file = graph->file;
    const uint32_t *start = file->reference_start;
    for (uint32_t edge = start[node]; edge < start[node + 1]; edge++) {
        if (!naming_is_attribute(mm_file_naming(file, edge))) {
            continue;
        }
        const char *have = mm_graph_edge_name(graph, node, edge);
        if (have != NULL && strcmp(have, name) == 0) {
            return edge;
        }
    }
    uint32_t at = mm_graph_edge_with_role(graph, node, MM_ROLE_DICT);
    if (at == MM_NONE) {
        return MM_NONE;
    }
    uint32_t dict = file->reference_target[at];
    for (uint32_t edge = start[dict]; edge < start[dict + 1]; edge++) {
        if (mm_file_naming(file, edge) == MM_NAME_VALUE) {
            const char *have = edge_key_text(graph, edge);
            if (have != NULL && strcmp(have, name) == 0) {
                return edge;
            }
        }
    }
    return MM_NONE;
}

const char *mm_graph_attribute_text(const mm_graph *graph, uint32_t node, const char *name) {
    uint32_t edge = mm_graph_attribute(graph, node, name);
    return edge == MM_NONE ? NULL
                           : mm_file_text_of(graph->file, graph->file->reference_target[edge]);
}

const char *mm_graph_module_name(const mm_graph *graph, uint32_t node) {
    const char *name = mm_graph_role_text(graph, node, MM_ROLE_NAME);
    if (name != NULL) {
        return name;
    }
    // A namespace that several modules share says the name of one of them.
    uint32_t at = mm_graph_edge_with_role(graph, node, MM_ROLE_DICT);
    bool own = at != MM_NONE && graph->owner_edge[graph->file->reference_target[at]] == at;
    return own ? mm_graph_attribute_text(graph, node, "__name__") : NULL;
}

uint32_t mm_graph_type_of_class(const mm_graph *graph, uint32_t node) {
    MM_ASSERT(node < graph->root_node);
    const uint64_t *index = graph->class_index;
    size_t count = graph->file->type_count;
    size_t at = mm_lower_bound_u64(index, sizeof(*index), count, (uint64_t)node << 32);
    return at < count && index[at] >> 32 == node ? (uint32_t)index[at] : MM_NONE;
}

uint32_t mm_graph_code_of(const mm_graph *graph, uint32_t node) {
    const mm_file *file = graph->file;
    if (node == MM_NONE || mm_graph_kind(graph, node) == MM_KIND_CODE) {
        return node;
    }
    for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
         edge++) {
        if (mm_graph_kind(graph, file->reference_target[edge]) == MM_KIND_CODE &&
            mm_file_naming(file, edge) != MM_NAME_LOCAL) {
            return file->reference_target[edge];
        }
    }
    return MM_NONE;
}

// Item of a tuple or list, or MM_NONE.
static uint32_t item_of(const mm_graph *graph, uint32_t node, uint32_t index) {
    const mm_file *file = graph->file;
    uint32_t start = file->reference_start[node];
    uint32_t end = file->reference_start[node + 1];
    // Nearly always item i is reference i.
    if (index < end - start && file->reference_argument[start + index] == index &&
        mm_file_naming(file, start + index) == MM_NAME_INDEX) {
        return file->reference_target[start + index];
    }
    for (uint32_t edge = start; edge < end; edge++) {
        if (mm_file_naming(file, edge) == MM_NAME_INDEX &&
            file->reference_argument[edge] == index) {
            return file->reference_target[edge];
        }
    }
    return MM_NONE;
}

const char *mm_graph_variable(const mm_graph *graph, uint32_t code, uint32_t index) {
    if (code == MM_NONE) {
        return NULL;
    }
    uint32_t edge = mm_graph_edge_with_role(graph, code, MM_ROLE_LOCAL_NAMES);
    if (edge == MM_NONE) {
        return NULL;
    }
    uint32_t item = item_of(graph, graph->file->reference_target[edge], index);
    return item == MM_NONE ? NULL : mm_file_text_of(graph->file, item);
}

bool mm_graph_entries(const mm_graph *graph, uint32_t node, uint64_t *ret) {
    const mm_file *file = graph->file;
    uint32_t kind = mm_graph_kind(graph, node);
    if (mm_file_fact_of(file, node, MM_FACT_ENTRIES, ret)) {
        return true;
    }
    if (kind != MM_KIND_DICT && kind != MM_KIND_LIST && kind != MM_KIND_TUPLE &&
        kind != MM_KIND_SET && kind != MM_KIND_ORDERED_DICT) {
        return false;
    }
    uint64_t count = 0;
    for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
         edge++) {
        unsigned naming = mm_file_naming(file, edge);
        count += naming == MM_NAME_INDEX || naming == MM_NAME_VALUE || naming == MM_NAME_MEMBER;
    }
    *ret = count;
    return true;
}

static uint32_t fact_line(const mm_graph *graph, uint32_t node, mm_fact fact) {
    uint64_t line = 0;
    return mm_file_fact_of(graph->file, node, fact, &line) && line < MM_NONE ? (uint32_t)line : 0;
}

static bool code_place(const mm_graph *graph, uint32_t code, const char **ret_file,
                       uint32_t *ret_line) {
    if (code == MM_NONE) {
        return false;
    }
    const char *file = mm_graph_role_text(graph, code, MM_ROLE_FILE);
    if (file == NULL) {
        return false;
    }
    *ret_file = file;
    *ret_line = fact_line(graph, code, MM_FACT_FIRST_LINE);
    return true;
}

// "Within.add" is a member of "Within"; "Within2.add" is not.
static bool is_member_of(const char *name, const char *scope) {
    size_t length = strlen(scope);
    return strncmp(name, scope, length) == 0 && name[length] == '.';
}

// A class has no file of its own: its methods do. Only functions whose qualified name begins with
// the class's are its methods; others were put there later.
static bool class_place(const mm_graph *graph, uint32_t node, const char **ret_file,
                        uint32_t *ret_line) {
    const mm_file *file = graph->file;
    uint32_t at = mm_graph_edge_with_role(graph, node, MM_ROLE_DICT);
    const char *name = mm_graph_role_text(graph, node, MM_ROLE_QUALNAME);
    uint32_t own_line = fact_line(graph, node, MM_FACT_FIRST_LINE);
    bool found = false;
    if (at == MM_NONE) {
        return false;
    }
    uint32_t dict = file->reference_target[at];
    for (uint32_t edge = file->reference_start[dict]; edge < file->reference_start[dict + 1];
         edge++) {
        uint32_t target = file->reference_target[edge];
        const char *path = NULL;
        uint32_t line = 0;
        if (mm_graph_kind(graph, target) != MM_KIND_FUNCTION ||
            !code_place(graph, mm_graph_code_of(graph, target), &path, &line)) {
            continue;
        }
        const char *method = mm_graph_role_text(graph, target, MM_ROLE_QUALNAME);
        if (name != NULL && method != NULL && !is_member_of(method, name)) {
            continue;
        }
        if (!found || line < *ret_line) {
            *ret_file = path;
            *ret_line = line;
            found = true;
        }
    }
    if (found && own_line != 0) {
        *ret_line = own_line;
    }
    return found;
}

// A module's file is what its __file__ says, or where its functions come from.
static bool module_place(const mm_graph *graph, uint32_t node, const char **ret_file) {
    const mm_file *file = graph->file;
    const char *path = mm_graph_attribute_text(graph, node, "__file__");
    if (path != NULL) {
        *ret_file = path;
        return true;
    }
    uint32_t at = mm_graph_edge_with_role(graph, node, MM_ROLE_DICT);
    if (at == MM_NONE) {
        return false;
    }
    uint32_t dict = file->reference_target[at];
    for (uint32_t i = graph->reverse_start[dict]; i < graph->reverse_start[dict + 1]; i++) {
        uint32_t source = mm_graph_reverse_source(graph, i);
        uint32_t line = 0;
        if (mm_graph_kind(graph, source) == MM_KIND_FUNCTION &&
            mm_graph_edge_role(graph, source, graph->reverse_edge[i]) == MM_ROLE_GLOBALS &&
            code_place(graph, mm_graph_code_of(graph, source), ret_file, &line)) {
            return true;
        }
    }
    return false;
}

bool mm_graph_place(const mm_graph *graph, uint32_t node, const char **ret_file,
                    uint32_t *ret_line) {
    const char *file = NULL;
    uint32_t line = 0;
    bool known = false;
    switch (mm_graph_kind(graph, node)) {
        case MM_KIND_MODULE:
            known = module_place(graph, node, &file);
            break;
        case MM_KIND_TYPE:
            known = class_place(graph, node, &file, &line);
            break;
        case MM_KIND_CODE:
        case MM_KIND_FUNCTION:
            known = code_place(graph, mm_graph_code_of(graph, node), &file, &line);
            break;
        case MM_KIND_FRAME:
        case MM_KIND_GENERATOR:
        case MM_KIND_COROUTINE:
        case MM_KIND_ASYNC_GENERATOR: {
            known = code_place(graph, mm_graph_code_of(graph, node), &file, &line);
            uint32_t current = fact_line(graph, node, MM_FACT_CURRENT_LINE);
            line = current != 0 ? current : line;
            break;
        }
        default:
            break;
    }
    if (known) {
        *ret_file = file;
        *ret_line = line;
    }
    return known;
}
