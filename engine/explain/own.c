// What is the program's own: modules whose file lies outside the library's folder and every
// site-packages, `__main__`, the classes and functions of those modules, and what is made from
// them.
//
// What is not the program's and no structure either (lists, dicts, bound methods, a library's
// instances) carries no mark: a walk from a holder to what it holds leads through it.
#include <string.h>

#include "explain/explain.h"

enum { NAME_BYTES = 256 };

static bool path_below(const char *path, const char *folder) {
    size_t length = folder != NULL ? strlen(folder) : 0;
    while (length > 0 && folder[length - 1] == '/') {
        length--;
    }
    return length > 0 && strncmp(path, folder, length) == 0 &&
           (path[length] == '/' || path[length] == '\0');
}

bool mm_explain_path_is_own(const mm_file *file, const char *path) {
    return path[0] != '<' && !path_below(path, mm_file_meta_of(file, "stdlib")) &&
           !path_below(path, mm_file_meta_of(file, "site")) &&
           strstr(path, "/site-packages/") == NULL && strstr(path, "/dist-packages/") == NULL;
}

static uint32_t namespace_of(const mm_graph *graph, uint32_t node) {
    uint32_t edge = mm_graph_edge_with_role(graph, node, MM_ROLE_DICT);
    return edge == MM_NONE ? MM_NONE : graph->file->reference_target[edge];
}

static bool module_is_own(const mm_explain *work, uint32_t module) {
    const char *path = NULL;
    uint32_t line = 0;
    const char *name = mm_graph_module_name(work->graph, module);
    if (name != NULL && strcmp(name, "__main__") == 0) {
        return true;
    }
    return mm_graph_place(work->graph, module, &path, &line) &&
           mm_explain_path_is_own(work->file, path);
}

static void modules_mark(mm_explain *work) {
    for (uint32_t node = 0; node < work->file->object_count; node++) {
        if (mm_graph_kind(work->graph, node) != MM_KIND_MODULE) {
            continue;
        }
        bool ours = (work->graph->node_flags[node] & MM_NODE_OWN) != 0;
        uint8_t own = !ours && module_is_own(work, node) ? MM_EXPLAIN_OWN : 0;
        uint32_t names = namespace_of(work->graph, node);
        work->marks[node] |= MM_EXPLAIN_STOP | own;
        if (names != MM_NONE) {
            work->marks[names] |= (uint8_t)(MM_EXPLAIN_STOP | MM_EXPLAIN_NAMES | own);
        }
    }
}

// Is the module of this name the program's? `*ret_known`: there is one.
static bool module_name_is_own(const mm_explain *work, const char *name, const uint32_t *modules,
                               uint32_t module_count, bool *ret_known) {
    *ret_known = false;
    for (uint32_t i = 0; i < module_count; i++) {
        const char *have = mm_graph_module_name(work->graph, modules[i]);
        if (have != NULL && strcmp(have, name) == 0) {
            *ret_known = true;
            return (work->marks[modules[i]] & MM_EXPLAIN_OWN) != 0;
        }
    }
    return false;
}

static bool class_is_own(const mm_explain *work, uint32_t node, const uint32_t *modules,
                         uint32_t module_count) {
    const mm_graph *graph = work->graph;
    uint32_t edge = mm_graph_attribute(graph, node, "__module__");
    const char *name =
        edge == MM_NONE ? NULL : mm_file_text_of(work->file, work->file->reference_target[edge]);
    bool known = false;
    bool own = name != NULL && module_name_is_own(work, name, modules, module_count, &known);
    const char *path = NULL;
    uint32_t line = 0;
    if (!known && mm_graph_place(graph, node, &path, &line)) {
        own = mm_explain_path_is_own(work->file, path);
    }
    return own;
}

static bool made_inside(const mm_graph *graph, uint32_t node) {
    char name[NAME_BYTES];
    (void)mm_graph_name_text(graph, node, name, sizeof(name));
    return strstr(name, "<locals>") != NULL;
}

static MM_STATUS classes_mark(mm_explain *work) {
    const mm_graph *graph = work->graph;
    uint32_t count = 0;
    size_t room = (size_t)graph->root_node + 1;
    uint32_t *modules = MM_ARENA_NEW(work->arena, uint32_t, room);
    if (modules == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t node = 0; node < graph->root_node; node++) {
        if (mm_graph_kind(graph, node) == MM_KIND_MODULE) {
            modules[count++] = node;
        }
    }
    for (uint32_t node = 0; node < graph->root_node; node++) {
        if (mm_graph_kind(graph, node) != MM_KIND_TYPE) {
            continue;
        }
        bool ours = (graph->node_flags[node] & (MM_NODE_OWN | MM_NODE_STDLIB)) != 0;
        uint8_t own = !ours && class_is_own(work, node, modules, count) ? MM_EXPLAIN_OWN : 0;
        uint32_t names = namespace_of(graph, node);
        work->marks[node] |= MM_EXPLAIN_STOP | own;
        if (own != 0 && made_inside(graph, node)) {
            work->marks[node] |= MM_EXPLAIN_LOCAL;
        }
        if (names != MM_NONE) {
            work->marks[names] |= (uint8_t)(MM_EXPLAIN_STOP | MM_EXPLAIN_NAMES | own);
        }
    }
    MM_ARENA_GIVE_BACK(work->arena, modules, room);
    return MM_OK;
}

// Of a function, frame or generator: its file, or the globals of what has none.
static bool code_is_own(const mm_explain *work, uint32_t node) {
    const char *path = NULL;
    uint32_t line = 0;
    if (!mm_graph_place(work->graph, node, &path, &line)) {
        return false;
    }
    if (path[0] != '<') {
        return mm_explain_path_is_own(work->file, path);
    }
    uint32_t edge = mm_graph_edge_with_role(work->graph, node, MM_ROLE_GLOBALS);
    return edge != MM_NONE &&
           (work->marks[work->file->reference_target[edge]] & MM_EXPLAIN_OWN) != 0;
}

static bool weakref_is_dead(const mm_explain *work, uint32_t node) {
    const mm_file *file = work->file;
    uint32_t referent = mm_graph_referent(work->graph, node);
    return referent == MM_NONE || strcmp(file->types[file->type[referent]].name, "NoneType") == 0;
}

static void node_mark(mm_explain *work, uint32_t node) {
    const mm_graph *graph = work->graph;
    uint8_t *mark = &work->marks[node];
    switch (mm_graph_kind(graph, node)) {
        case MM_KIND_FUNCTION:
        case MM_KIND_GENERATOR:
        case MM_KIND_COROUTINE:
        case MM_KIND_ASYNC_GENERATOR:
        case MM_KIND_FRAME:
            if (code_is_own(work, node)) {
                bool is_function = mm_graph_kind(graph, node) == MM_KIND_FUNCTION;
                bool local = !is_function || made_inside(graph, node);
                *mark |= (uint8_t)(MM_EXPLAIN_OWN | (local ? MM_EXPLAIN_LOCAL : 0));
            }
            break;
        case MM_KIND_CODE:
        case MM_KIND_STR:
        case MM_KIND_INT:
        case MM_KIND_LEAF:
            *mark |= MM_EXPLAIN_STOP;
            break;
        case MM_KIND_WEAKREF:
            *mark |= weakref_is_dead(work, node) ? MM_EXPLAIN_DEAD : 0;
            break;
        case MM_KIND_MODULE:
        case MM_KIND_TYPE:
            return;
        default:
            break;
    }
    if (work->type_own[work->file->type[node]] != 0) {
        *mark |= MM_EXPLAIN_OWN | MM_EXPLAIN_INSTANCE;
        *mark &= (uint8_t)~(MM_EXPLAIN_STOP | MM_EXPLAIN_DEAD);
    }
    if ((graph->node_flags[node] & MM_NODE_OWN) != 0) {
        *mark = MM_EXPLAIN_STOP;
    }
}

bool mm_explain_is_c_heap(const mm_explain *work) {
    const char *runtime = mm_file_meta_of(work->file, "runtime");
    return runtime != NULL && strcmp(runtime, "libmortmain") == 0;
}

bool mm_findings_path_is_own(const mm_findings *findings, const char *path) {
    return mm_explain_path_is_own(findings->file, path);
}

MM_STATUS mm_explain_own(mm_explain *work) {
    const mm_file *file = work->file;
    work->marks = MM_ARENA_NEW(work->arena, uint8_t, (size_t)file->object_count + 1);
    work->type_own = MM_ARENA_NEW(work->arena, uint8_t, (size_t)file->type_count + 1);
    if (work->marks == NULL || work->type_own == NULL) {
        return MM_E_NOMEM;
    }
    bool c_heap = mm_explain_is_c_heap(work);
    modules_mark(work);
    MM_TRY(classes_mark(work));
    for (uint32_t i = 0; i < file->type_count; i++) {
        const mm_file_type *type = &file->types[i];
        work->type_own[i] = type->object != MM_NONE && (type->flags & MM_TYPE_METATYPE) == 0 &&
                            (work->marks[type->object] & MM_EXPLAIN_OWN) != 0;
        // A C program's types are its own, but for the heap's maps and sets, which are containers.
        work->type_own[i] = work->type_own[i] != 0 || (c_heap && type->kind == MM_KIND_OBJECT);
    }
    work->garbage_list = MM_NONE;
    for (uint32_t i = 0; i < file->root_count; i++) {
        const mm_file_root *root = &file->roots[i];
        const char *name = root->kind == MM_ROOT_INTERPRETER && root->name != MM_NONE
                               ? file->names[root->name]
                               : "";
        if (mm_graph_kind(work->graph, root->object) == MM_KIND_FRAME) {
            work->marks[root->object] |= MM_EXPLAIN_RUNNING;
        }
        if (strcmp(name, "gc.garbage") == 0) {
            work->garbage_list = root->object;
        }
    }
    for (uint32_t node = 0; node < file->object_count; node++) {
        node_mark(work, node);
    }
    for (uint32_t node = 0; node < file->object_count; node++) {
        if (mm_explain_keeps_frames(work, node)) {
            work->marks[node] |= MM_EXPLAIN_KEEPS;
        }
    }
    return MM_OK;
}
