// Which library a finding without a Python holder speaks of: the shared object that its type comes
// from, as the type's module tells. What is of the interpreter's own types may have been forgotten
// by anybody: it has none.
#include <string.h>

#include "explain/grown.h"

enum { MODULE_BYTES = 256 };

static bool path_is_library(const char *path) {
    const char *end = strstr(path, ".so");
    return end != NULL && (end[3] == '\0' || end[3] == '.');
}

MM_STATUS mm_grown_library(const mm_grown *grown, const char *type, const char **ret) {
    const mm_explain *work = grown->work;
    const char *dot = strrchr(type, '.');
    char module[MODULE_BYTES];
    *ret = NULL;
    if (dot == NULL || (size_t)(dot - type) >= sizeof(module)) {
        return MM_OK;
    }
    memcpy(module, type, (size_t)(dot - type));
    module[dot - type] = '\0';
    for (uint32_t node = 0; node < work->graph->root_node; node++) {
        const char *path = NULL;
        uint32_t line = 0;
        if (mm_graph_kind(work->graph, node) != MM_KIND_MODULE) {
            continue;
        }
        const char *name = mm_graph_module_name(work->graph, node);
        if (name != NULL && strcmp(name, module) == 0 &&
            mm_graph_place(work->graph, node, &path, &line) && path_is_library(path)) {
            *ret = mm_why_text_keep(work->arena, path);
            return *ret == NULL ? MM_E_NOMEM : MM_OK;
        }
    }
    return MM_OK;
}
