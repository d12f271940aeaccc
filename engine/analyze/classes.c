// A file has a row for each type that some object has. Classes without instances have none: they
// are found as objects, by their kind. Both are listed together, the rows first.
#include "analyze/classes.h"

#include <string.h>

enum { NAME_BYTES = 512 };

static MM_STATUS class_add(mm_classes *classes, uint32_t node, uint32_t type, const char *text,
                           mm_arena *arena) {
    size_t length = strlen(text);
    char *kept = MM_ARENA_NEW(arena, char, length + 1);
    if (kept == NULL) {
        return MM_E_NOMEM;
    }
    memcpy(kept, text, length + 1);
    mm_class item = {node, type, kept};
    classes->items[classes->count++] = item;
    return MM_OK;
}

static MM_STATUS rows_list(const mm_graph *graph, uint8_t *listed, mm_arena *arena,
                           mm_classes *classes) {
    const mm_file *file = graph->file;
    char text[NAME_BYTES];
    for (uint32_t type = 0; type < file->type_count; type++) {
        uint32_t node = file->types[type].object;
        bool own = (file->types[type].flags & MM_TYPE_OWN) != 0;
        if (node != MM_NONE) {
            listed[node] = 1;
            own = own || (graph->node_flags[node] & MM_NODE_OWN) != 0;
        }
        if (!own) {
            (void)mm_graph_type_text(graph, type, text, sizeof(text));
            MM_TRY(class_add(classes, node, type, text, arena));
        }
    }
    return MM_OK;
}

// "shop.Exam" of a class without a row.
static void class_text(const mm_graph *graph, uint32_t node, char text[NAME_BYTES]) {
    mm_class item = {node, MM_NONE, ""};
    const char *module = mm_class_module_text(graph, &item);
    size_t length = module != NULL ? strlen(module) : 0;
    size_t used = 0;
    if (length > 0 && length < NAME_BYTES / 2) {
        memcpy(text, module, length);
        text[length] = '.';
        used = length + 1;
    }
    (void)mm_graph_name_text(graph, node, text + used, NAME_BYTES - used);
}

static MM_STATUS objects_list(const mm_graph *graph, const uint8_t *listed, mm_arena *arena,
                              mm_classes *classes) {
    char text[NAME_BYTES];
    for (uint32_t node = 0; node < graph->file->object_count; node++) {
        if (mm_graph_kind(graph, node) != MM_KIND_TYPE || listed[node] != 0 ||
            (graph->node_flags[node] & MM_NODE_OWN) != 0) {
            continue;
        }
        class_text(graph, node, text);
        MM_TRY(class_add(classes, node, MM_NONE, text, arena));
    }
    return MM_OK;
}

static MM_STATUS classes_fill(const mm_graph *graph, mm_arena *arena, mm_classes *ret) {
    const mm_file *file = graph->file;
    size_t most = file->type_count;
    size_t modules = 0;
    for (uint32_t node = 0; node < file->object_count; node++) {
        uint32_t kind = mm_graph_kind(graph, node);
        most += kind == MM_KIND_TYPE;
        modules += kind == MM_KIND_MODULE;
    }
    uint8_t *listed = MM_ARENA_NEW(arena, uint8_t, (size_t)file->object_count + 1);
    ret->items = MM_ARENA_NEW(arena, mm_class, most + 1);
    ret->modules = MM_ARENA_NEW(arena, uint32_t, modules + 1);
    if (listed == NULL || ret->items == NULL || ret->modules == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t node = 0; node < file->object_count; node++) {
        if (mm_graph_kind(graph, node) == MM_KIND_MODULE) {
            ret->modules[ret->module_count++] = node;
        }
    }
    MM_TRY(rows_list(graph, listed, arena, ret));
    MM_TRY(objects_list(graph, listed, arena, ret));
    MM_ASSERT(ret->count <= most);
    return MM_OK;
}

MM_STATUS mm_classes_list(const mm_graph *graph, mm_arena *arena, mm_classes *ret, mm_error *err) {
    mm_classes classes = {0};
    MM_ASSERT(graph != NULL);
    if (classes_fill(graph, arena, &classes) != MM_OK) {
        return mm_fail(err, MM_E_NOMEM, "no memory to list the classes", 0);
    }
    *ret = classes;
    return MM_OK;
}

bool mm_class_is_named(const mm_class *item, const char *what) {
    size_t length = strlen(item->text);
    size_t wanted = strlen(what);
    if (wanted > length || strcmp(item->text + length - wanted, what) != 0) {
        return false;
    }
    return wanted == length || item->text[length - wanted - 1] == '.';
}

uint32_t mm_classes_module(const mm_graph *graph, const mm_classes *classes, const char *name,
                           size_t length) {
    uint32_t found = MM_NONE;
    for (uint32_t i = 0; i < classes->module_count; i++) {
        const char *have = mm_graph_module_name(graph, classes->modules[i]);
        if (have != NULL && strncmp(have, name, length) == 0 && have[length] == '\0') {
            found = classes->modules[i];
        }
    }
    return found;
}

const char *mm_class_module_text(const mm_graph *graph, const mm_class *item) {
    if (item->node == MM_NONE) {
        return NULL;
    }
    uint32_t edge = mm_graph_edge_with_role(graph, item->node, MM_ROLE_MODULE);
    edge = edge == MM_NONE ? mm_graph_attribute(graph, item->node, "__module__") : edge;
    return edge == MM_NONE ? NULL
                           : mm_file_text_of(graph->file, graph->file->reference_target[edge]);
}

mm_class_rank mm_module_rank(const mm_graph *graph, uint32_t module) {
    const char *name = mm_graph_module_name(graph, module);
    const char *site = mm_file_meta_of(graph->file, "site");
    const char *path = NULL;
    uint32_t line = 0;
    if (name != NULL && strcmp(name, "__main__") == 0) {
        return MM_CLASS_MAIN;
    }
    if ((graph->node_flags[module] & MM_NODE_STDLIB) != 0) {
        return MM_CLASS_STDLIB;
    }
    bool installed = site != NULL && site[0] != '\0' &&
                     mm_graph_place(graph, module, &path, &line) &&
                     strncmp(path, site, strlen(site)) == 0;
    return installed ? MM_CLASS_SITE : MM_CLASS_PROGRAM;
}

mm_class_rank mm_class_rank_of(const mm_graph *graph, const mm_classes *classes,
                               const mm_class *item) {
    if (item->node == MM_NONE) {
        return MM_CLASS_STDLIB;
    }
    const char *name = mm_class_module_text(graph, item);
    uint32_t module =
        name == NULL ? MM_NONE : mm_classes_module(graph, classes, name, strlen(name));
    if (module != MM_NONE) {
        return mm_module_rank(graph, module);
    }
    // Of a module that is gone, or of none.
    bool stdlib = name == NULL || (graph->node_flags[item->node] & MM_NODE_STDLIB) != 0;
    return stdlib ? MM_CLASS_STDLIB : MM_CLASS_PROGRAM;
}
