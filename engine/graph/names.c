// How references, objects and roots are called. One rule for each naming of the file and one for
// each kind of object; a reference out of a folded internal is named as a step of its owner.
//
// The texts of data keys are shown only in files that were made with them: that a key happens to
// have a text because it is also the name of something gives nobody the right to show it.
#include <string.h>

#include "graph/inner.h"
#include "graph/label.h"

enum { NODE_TEXT_BYTES = 256 };

static void label_quoted(mm_label *label, const char *text) {
    mm_label_text(label, "['");
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte == '\'' || byte == '\\') {
            mm_label_text(label, "\\");
            mm_label_bytes(label, at, 1);
        } else if (byte < 0x20 || byte == 0x7f) {
            static const char hex[] = "0123456789abcdef";
            const char escape[4] = {'\\', 'x', hex[byte >> 4], hex[byte & 15]};
            mm_label_bytes(label, escape, sizeof(escape));
        } else {
            mm_label_bytes(label, at, 1);
        }
    }
    mm_label_text(label, "']");
}

// Number of positional arguments without a default decides which argument item `index` belongs to.
static const char *default_name(const mm_graph *graph, uint32_t function, uint32_t tuple,
                                uint32_t index) {
    uint64_t arguments = 0;
    uint64_t defaults = 0;
    uint32_t code = mm_graph_code_of(graph, function);
    if (code == MM_NONE || !mm_graph_entries(graph, tuple, &defaults) ||
        !mm_file_fact_of(graph->file, code, MM_FACT_ARGUMENTS, &arguments) ||
        arguments < defaults) {
        return NULL;
    }
    return mm_graph_variable(graph, code, (uint32_t)(arguments - defaults) + index);
}

static const char *closure_name(const mm_graph *graph, uint32_t function, uint32_t index) {
    uint64_t variables = 0;
    uint64_t free_variables = 0;
    uint32_t code = mm_graph_code_of(graph, function);
    if (code == MM_NONE || !mm_file_fact_of(graph->file, code, MM_FACT_VARIABLES, &variables) ||
        !mm_file_fact_of(graph->file, code, MM_FACT_FREE_VARIABLES, &free_variables) ||
        variables < free_variables) {
        return NULL;
    }
    return mm_graph_variable(graph, code, (uint32_t)(variables - free_variables) + index);
}

// Field `index` of a named tuple: item `index` of `_fields` in its class or a base of it.
static const char *tuple_field(const mm_graph *graph, uint32_t tuple, uint32_t index) {
    const mm_file *file = graph->file;
    uint32_t type = file->type[tuple];
    for (uint32_t steps = 0; type != MM_NONE && steps < 8; steps++) {
        const mm_file_type *t = &file->types[type];
        if (t->object == MM_NONE || (t->flags & MM_TYPE_CLASS) == 0) {
            return NULL;
        }
        uint32_t edge = mm_graph_attribute(graph, t->object, "_fields");
        uint32_t fields = edge == MM_NONE ? MM_NONE : file->reference_target[edge];
        if (fields != MM_NONE && mm_graph_kind(graph, fields) == MM_KIND_TUPLE) {
            uint32_t start = file->reference_start[fields];
            return index < file->reference_start[fields + 1] - start
                       ? mm_file_text_of(file, file->reference_target[start + index])
                       : NULL;
        }
        type = t->base;
    }
    return NULL;
}

static void label_index(const mm_graph *graph, mm_label *label, uint32_t source, uint32_t index) {
    uint32_t fold = MM_NONE;
    uint32_t owner = mm_graph_kind(graph, source) == MM_KIND_TUPLE
                         ? mm_graph_owner(graph, source, &fold)
                         : MM_NONE;
    if (owner != MM_NONE) {
        bool closure = mm_graph_edge_role(graph, owner, fold) == MM_ROLE_CLOSURE;
        const char *name =
            closure ? closure_name(graph, owner, index) : default_name(graph, owner, source, index);
        mm_label_text(label, closure ? "closure variable " : "default of ");
        if (name != NULL) {
            mm_label_text(label, name);
        } else {
            mm_label_number(label, index);
        }
        return;
    }
    const char *field =
        mm_graph_kind(graph, source) == MM_KIND_TUPLE ? tuple_field(graph, source, index) : NULL;
    if (field != NULL) {
        mm_label_text(label, ".");
        mm_label_text(label, field);
        return;
    }
    mm_label_text(label, "[");
    mm_label_number(label, index);
    mm_label_text(label, "]");
}

static void label_value(const mm_graph *graph, mm_label *label, uint32_t source, uint32_t edge) {
    const char *name = mm_graph_edge_name(graph, source, edge);
    if (name == NULL) {
        mm_label_text(label, "[*]");
        return;
    }
    uint32_t fold = MM_NONE;
    uint32_t owner = mm_graph_owner(graph, source, &fold);
    if (owner == MM_NONE) {
        label_quoted(label, name);
        return;
    }
    bool is_default = mm_graph_edge_role(graph, owner, fold) == MM_ROLE_KWDEFAULTS;
    mm_label_text(label, is_default ? "default of " : ".");
    mm_label_text(label, name);
}

// The cell of a closure stands for its variable; any other cell is an object like others.
static bool label_cell(const mm_graph *graph, mm_label *label, uint32_t cell) {
    const mm_file *file = graph->file;
    uint32_t fold = MM_NONE;
    uint32_t tuple = mm_graph_owner(graph, cell, &fold);
    if (tuple == MM_NONE) {
        return false;
    }
    label_index(graph, label, tuple, file->reference_argument[fold]);
    return true;
}

static void label_field(const mm_graph *graph, mm_label *label, uint32_t source, uint32_t edge) {
    const char *name = mm_graph_edge_name(graph, source, edge);
    mm_role role = mm_graph_edge_role(graph, source, edge);
    if (role == MM_ROLE_TRACEBACK) {
        mm_label_text(label, "traceback");
    } else if (role == MM_ROLE_FRAME) {
        mm_label_text(label, "frame");
    } else if (role == MM_ROLE_CONTENTS && label_cell(graph, label, source)) {
        return;
    } else if (name == NULL && mm_file_naming(graph->file, edge) == MM_NAME_WORD) {
        mm_label_text(label, "+");
        mm_label_hex(label, (uint64_t)graph->file->reference_argument[edge] * 8);
    } else if (name == NULL) {
        mm_label_text(label, ".?");
    } else {
        // A name in words ("cached value") or with its own brackets is no attribute.
        if (name[0] != '[' && strchr(name, ' ') == NULL) {
            mm_label_text(label, ".");
        }
        mm_label_text(label, name);
    }
}

// Slots behind the variables are the evaluation stack: what lies there is between two steps of an
// expression, and has no name. Without the fact, the code has no variables.
static void label_local(const mm_graph *graph, mm_label *label, uint32_t code, uint32_t index) {
    const char *name = mm_graph_variable(graph, code, index);
    uint64_t variables = 0;
    if (name == NULL && code != MM_NONE) {
        (void)mm_file_fact_of(graph->file, code, MM_FACT_VARIABLES, &variables);
        if (index >= variables) {
            mm_label_text(label, "temporary");
            return;
        }
    }
    mm_label_text(label, "local ");
    if (name != NULL) {
        mm_label_text(label, name);
    } else {
        mm_label_number(label, index);
    }
}

size_t mm_graph_edge_text(const mm_graph *graph, uint32_t edge, char *out, size_t out_bytes) {
    const mm_file *file = graph->file;
    uint32_t source = mm_graph_edge_source(graph, edge);
    uint32_t argument = file->reference_argument[edge];
    mm_label label;
    mm_label_init(&label, out, out_bytes);
    switch (mm_file_naming(file, edge)) {
        case MM_NAME_INDEX:
            label_index(graph, &label, source, argument);
            break;
        case MM_NAME_KEY:
            mm_label_text(&label, "[key]");
            break;
        case MM_NAME_VALUE:
            label_value(graph, &label, source, edge);
            break;
        case MM_NAME_MEMBER:
            mm_label_text(&label, " member");
            break;
        case MM_NAME_LOCAL:
            label_local(graph, &label, mm_graph_code_of(graph, source), argument);
            break;
        default:
            label_field(graph, &label, source, edge);
            break;
    }
    return mm_label_end(&label);
}

void mm_graph_step_general(char *text) {
    size_t length = strlen(text);
    if (length < 4 || text[0] != '.' || text[length - 1] != ']') {
        return;
    }
    size_t at = length - 1;
    while (at > 0 && text[at - 1] >= '0' && text[at - 1] <= '9') {
        at--;
    }
    if (at < length - 1 && at > 0 && text[at - 1] == '[') {
        memcpy(text + at, "*]", 3);
    }
}

const char *mm_graph_type_short(const mm_graph *graph, uint32_t node) {
    const char *name = graph->file->types[graph->file->type[node]].name;
    const char *dot = strrchr(name, '.');
    return dot != NULL && dot[1] != '\0' ? dot + 1 : name;
}

static const char *callable_name(const mm_graph *graph, uint32_t node) {
    const char *name = mm_graph_role_text(graph, node, MM_ROLE_QUALNAME);
    return name != NULL ? name : mm_graph_role_text(graph, node, MM_ROLE_NAME);
}

// Name of a function, frame or generator; the code's name is good enough where it has none.
static void label_callable(const mm_graph *graph, mm_label *label, uint32_t node) {
    const char *name = callable_name(graph, node);
    uint32_t code = mm_graph_code_of(graph, node);
    if (name == NULL && code != MM_NONE) {
        name = callable_name(graph, code);
    }
    mm_label_text(label, name != NULL ? name : "?");
}

static void label_place(mm_label *label, const char *file, uint32_t line) {
    mm_label_text(label, " (");
    mm_label_file(label, file);
    if (line != 0) {
        mm_label_text(label, ":");
        mm_label_number(label, line);
    }
    mm_label_text(label, ")");
}

// The shortest name under which a namespace has an object, the first of them by text; or NULL.
static const char *name_in_namespaces(const mm_graph *graph, uint32_t node) {
    const char *best = NULL;
    for (uint32_t i = graph->reverse_start[node]; i < graph->reverse_start[node + 1]; i++) {
        uint32_t source = mm_graph_reverse_source(graph, i);
        uint32_t edge = graph->reverse_edge[i];
        if (mm_file_naming(graph->file, edge) != MM_NAME_VALUE) {
            continue;
        }
        const char *name = mm_graph_edge_name(graph, source, edge);
        if (name == NULL || (graph->node_flags[source] & MM_NODE_NAMESPACE) == 0) {
            continue;
        }
        size_t length = strlen(name);
        size_t have = best != NULL ? strlen(best) : SIZE_MAX;
        if (length < have || (length == have && strcmp(name, best) < 0)) {
            best = name;
        }
    }
    return best;
}

// Qualified name of a class without its module.
static void label_class(const mm_graph *graph, mm_label *label, uint32_t node) {
    const char *name = callable_name(graph, node);
    if (name == NULL) {
        name = mm_graph_attribute_text(graph, node, "__qualname__");
    }
    uint32_t type = name == NULL ? mm_graph_type_of_class(graph, node) : MM_NONE;
    if (type != MM_NONE) {
        const char *full = graph->file->types[type].name;
        const char *dot = strrchr(full, '.');
        name = dot != NULL && dot[1] != '\0' ? dot + 1 : full;
    }
    if (name == NULL) {
        name = name_in_namespaces(graph, node);
    }
    mm_label_text(label, name != NULL ? name : "?");
}

size_t mm_graph_name_text(const mm_graph *graph, uint32_t node, char *out, size_t out_bytes) {
    MM_ASSERT(node < graph->root_node);
    mm_label label;
    mm_label_init(&label, out, out_bytes);
    switch (mm_graph_kind(graph, node)) {
        case MM_KIND_MODULE: {
            const char *name = mm_graph_module_name(graph, node);
            mm_label_text(&label, name != NULL ? name : "?");
            break;
        }
        case MM_KIND_TYPE:
            label_class(graph, &label, node);
            break;
        case MM_KIND_FUNCTION:
        case MM_KIND_FRAME:
        case MM_KIND_CODE:
        case MM_KIND_GENERATOR:
        case MM_KIND_COROUTINE:
        case MM_KIND_ASYNC_GENERATOR:
            label_callable(graph, &label, node);
            break;
        default:
            break;
    }
    return mm_label_end(&label);
}

size_t mm_graph_node_text(const mm_graph *graph, uint32_t node, char *out, size_t out_bytes) {
    MM_ASSERT(node < graph->root_node);
    const char *prefix = NULL;
    bool placed = false;
    mm_label label;
    mm_label_init(&label, out, out_bytes);
    switch (mm_graph_kind(graph, node)) {
        case MM_KIND_MODULE: {
            const char *name = mm_graph_module_name(graph, node);
            mm_label_text(&label, "module ");
            mm_label_text(&label, name != NULL ? name : "?");
            return mm_label_end(&label);
        }
        case MM_KIND_TYPE:
            mm_label_text(&label, "class ");
            label_class(graph, &label, node);
            return mm_label_end(&label);
        case MM_KIND_FUNCTION:
            prefix = "function ";
            placed = true;
            break;
        case MM_KIND_FRAME:
            prefix = "frame of ";
            placed = true;
            break;
        case MM_KIND_CODE:
            prefix = "code of ";
            break;
        case MM_KIND_GENERATOR:
            prefix = "generator ";
            break;
        case MM_KIND_COROUTINE:
            prefix = "coroutine ";
            break;
        case MM_KIND_ASYNC_GENERATOR:
            prefix = "async generator ";
            break;
        default:
            mm_label_text(&label, mm_graph_type_short(graph, node));
            return mm_label_end(&label);
    }
    mm_label_text(&label, prefix);
    label_callable(graph, &label, node);
    const char *file = NULL;
    uint32_t line = 0;
    if (placed && mm_graph_place(graph, node, &file, &line)) {
        label_place(&label, file, line);
    }
    return mm_label_end(&label);
}

size_t mm_graph_object_text(const mm_graph *graph, uint32_t node, char *out, size_t out_bytes) {
    char text[NODE_TEXT_BYTES];
    mm_label label;
    uint64_t named = 0;
    const char *name = mm_file_fact_of(graph->file, node, MM_FACT_NAMED, &named)
                           ? mm_graph_attribute_text(graph, node, "name")
                           : NULL;
    if (name == NULL) {
        return mm_graph_node_text(graph, node, out, out_bytes);
    }
    (void)mm_graph_node_text(graph, node, text, sizeof(text));
    mm_label_init(&label, out, out_bytes);
    mm_label_text(&label, text);
    mm_label_text(&label, " '");
    mm_label_text(&label, name);
    mm_label_text(&label, "'");
    return mm_label_end(&label);
}

static void label_running_frame(const mm_graph *graph, mm_label *label, uint32_t frame) {
    const mm_file_frame *f = &graph->file->frames[frame];
    if (f->code == MM_NONE) {
        mm_label_text(label, "a running frame");
        return;
    }
    label_callable(graph, label, f->code);
    const char *path = NULL;
    uint32_t line = 0;
    if (mm_graph_place(graph, f->code, &path, &line)) {
        label_place(label, path, f->line != 0 ? f->line : line);
    }
}

// What a root belongs to; for those that are no part of anything, what it is.
static void label_root_owner(const mm_graph *graph, mm_label *label, const mm_file_root *root) {
    switch (root->kind) {
        case MM_ROOT_MODULES:
            mm_label_text(label, "sys.modules");
            break;
        case MM_ROOT_BUILTINS:
            mm_label_text(label, "builtins");
            break;
        case MM_ROOT_FRAME:
        case MM_ROOT_THREAD:
            if (root->frame != MM_NONE) {
                mm_label_text(label, "running frame of ");
                label_running_frame(graph, label, root->frame);
            } else {
                mm_label_text(label, root->kind == MM_ROOT_FRAME ? "running frame" : "thread");
            }
            break;
        case MM_ROOT_RUNTIME:
            mm_label_text(label, "runtime");
            break;
        case MM_ROOT_STATIC_TYPE:
            mm_label_text(label, "built-in type");
            break;
        case MM_ROOT_INTERNED:
            mm_label_text(label, "interned strings");
            break;
        case MM_ROOT_C_STATIC:
            mm_label_text(label, "C variable");
            break;
        case MM_ROOT_HELD:
            mm_label_text(label, "C code");
            break;
        default:
            mm_label_text(label, "interpreter");
            break;
    }
}

// Which part of its owner a root is; nothing for those that are all of it.
static void label_root_edge(const mm_graph *graph, mm_label *label, const mm_file_root *root) {
    const mm_file *file = graph->file;
    switch (root->kind) {
        case MM_ROOT_MODULES:
        case MM_ROOT_BUILTINS:
        case MM_ROOT_STATIC_TYPE:
        case MM_ROOT_INTERNED:
            break;
        case MM_ROOT_FRAME:
            if (root->frame != MM_NONE) {
                label_local(graph, label, file->frames[root->frame].code, root->name);
            } else {
                mm_label_text(label, "local");
            }
            break;
        case MM_ROOT_HELD:
            mm_label_text(label, root->name != MM_NONE ? file->names[root->name] : "held");
            break;
        default:
            mm_label_text(label, root->name != MM_NONE ? file->names[root->name] : "");
            break;
    }
}

size_t mm_graph_root_owner_text(const mm_graph *graph, uint32_t root, char *out, size_t out_bytes) {
    MM_ASSERT(root < graph->file->root_count);
    mm_label label;
    mm_label_init(&label, out, out_bytes);
    label_root_owner(graph, &label, &graph->file->roots[root]);
    return mm_label_end(&label);
}

size_t mm_graph_root_edge_text(const mm_graph *graph, uint32_t root, char *out, size_t out_bytes) {
    MM_ASSERT(root < graph->file->root_count);
    mm_label label;
    mm_label_init(&label, out, out_bytes);
    label_root_edge(graph, &label, &graph->file->roots[root]);
    return mm_label_end(&label);
}

size_t mm_graph_root_text(const mm_graph *graph, uint32_t root, char *out, size_t out_bytes) {
    MM_ASSERT(root < graph->file->root_count);
    const mm_file_root *r = &graph->file->roots[root];
    mm_label label;
    mm_label_init(&label, out, out_bytes);
    if (r->kind == MM_ROOT_HELD && r->name == MM_NONE) {
        mm_label_text(&label, "held by C");
        return mm_label_end(&label);
    }
    if (r->kind != MM_ROOT_FRAME) {
        label_root_owner(graph, &label, r);
        bool part = r->frame == MM_NONE && r->name != MM_NONE && r->kind != MM_ROOT_MODULES &&
                    r->kind != MM_ROOT_BUILTINS && r->kind != MM_ROOT_STATIC_TYPE &&
                    r->kind != MM_ROOT_INTERNED;
        mm_label_text(&label, part ? ": " : "");
        if (part) {
            label_root_edge(graph, &label, r);
        }
        return mm_label_end(&label);
    }
    label_root_edge(graph, &label, r);
    mm_label_text(&label, " of ");
    if (r->frame != MM_NONE) {
        label_running_frame(graph, &label, r->frame);
    } else {
        mm_label_text(&label, "a running frame");
    }
    return mm_label_end(&label);
}

size_t mm_graph_type_text(const mm_graph *graph, uint32_t type, char *out, size_t out_bytes) {
    const mm_file_type *t = &graph->file->types[type];
    mm_label label;
    mm_label_init(&label, out, out_bytes);
    // Types that claim one class between them are called by what the file calls each.
    if ((t->flags & MM_TYPE_CLASS) == 0 || t->object == MM_NONE ||
        mm_graph_type_of_class(graph, t->object) != type) {
        mm_label_text(&label, t->name);
        return mm_label_end(&label);
    }
    const char *module = mm_graph_attribute_text(graph, t->object, "__module__");
    if (module != NULL) {
        mm_label_text(&label, module);
        mm_label_text(&label, ".");
        label_class(graph, &label, t->object);
    } else {
        mm_label_text(&label, t->name);
    }
    return mm_label_end(&label);
}
