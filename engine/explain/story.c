// A finding's path is the chain that analyze builds; here the guilty step is marked, and an
// exception's chain is led on to the variable that its frame keeps.
#include "explain/story.h"

#include <string.h>

#include "analyze/chain.h"

enum { TRIES_MAX = 32, TRACEBACK_MAX = 4096, TEXT_BYTES = 320 };

void mm_explain_object_text(const mm_graph *graph, uint32_t node, char *out, size_t out_bytes) {
    uint32_t kind = mm_graph_kind(graph, node);
    const char *name = mm_graph_type_short(graph, node);
    if (kind == MM_KIND_FUNCTION || kind == MM_KIND_GENERATOR || kind == MM_KIND_COROUTINE ||
        kind == MM_KIND_ASYNC_GENERATOR || kind == MM_KIND_FRAME || kind == MM_KIND_TYPE) {
        (void)mm_graph_node_text(graph, node, out, out_bytes);
        return;
    }
    size_t length = strlen(name) < out_bytes - 1 ? strlen(name) : out_bytes - 1;
    memcpy(out, name, length);
    out[length] = '\0';
}

static void variable_consider(const mm_explain *work, uint32_t frame, uint32_t edge,
                              mm_kept_frame *best, uint64_t *best_bytes) {
    const mm_file *file = work->file;
    mm_kept_frame kept = {frame, edge, file->reference_target[edge], frame, edge};
    if (mm_graph_kind(work->graph, kept.variable) == MM_KIND_CELL) {
        uint32_t first = file->reference_start[kept.variable];
        if (first == file->reference_start[kept.variable + 1]) {
            return;
        }
        kept.holder = kept.variable;
        kept.last = first;
        kept.variable = file->reference_target[first];
    }
    if ((work->marks[kept.variable] & MM_EXPLAIN_KEEPS) != 0) {
        return;
    }
    // What is the program's own tells more than what is larger.
    uint64_t bytes = work->retained[kept.variable] / 2 + 1;
    if ((work->marks[kept.variable] & MM_EXPLAIN_INSTANCE) != 0) {
        bytes += UINT64_MAX / 2;
    }
    if (bytes > *best_bytes) {
        *best = kept;
        *best_bytes = bytes;
    }
}

static void frame_consider(const mm_explain *work, uint32_t frame, mm_kept_frame *best,
                           uint64_t *best_bytes) {
    const mm_file *file = work->file;
    char name[TEXT_BYTES];
    (void)mm_graph_name_text(work->graph, frame, name, sizeof(name));
    if ((work->marks[frame] & (MM_EXPLAIN_OWN | MM_EXPLAIN_RUNNING)) != MM_EXPLAIN_OWN ||
        strcmp(name, "<module>") == 0) {
        return;
    }
    if (*best_bytes == 0) {
        best->frame = frame;
    }
    for (uint32_t edge = file->reference_start[frame]; edge < file->reference_start[frame + 1];
         edge++) {
        if (mm_file_naming(file, edge) == MM_NAME_LOCAL && mm_graph_edge_owns(work->graph, edge)) {
            variable_consider(work, frame, edge, best, best_bytes);
        }
    }
}

mm_kept_frame mm_explain_kept_frame(const mm_explain *work, uint32_t exception) {
    const mm_file *file = work->file;
    mm_kept_frame best = {MM_NONE, MM_NONE, MM_NONE, MM_NONE, MM_NONE};
    uint64_t best_bytes = 0;
    uint32_t edge = mm_graph_edge_with_role(work->graph, exception, MM_ROLE_TRACEBACK);
    uint32_t node = edge == MM_NONE ? MM_NONE : file->reference_target[edge];
    for (uint32_t steps = 0; node != MM_NONE && steps < TRACEBACK_MAX; steps++) {
        uint32_t next = MM_NONE;
        for (uint32_t i = file->reference_start[node]; i < file->reference_start[node + 1]; i++) {
            uint32_t target = file->reference_target[i];
            uint32_t kind = mm_graph_kind(work->graph, target);
            if (kind == MM_KIND_FRAME) {
                frame_consider(work, target, &best, &best_bytes);
            }
            next = kind == MM_KIND_TRACEBACK ? target : next;
        }
        node = next;
    }
    return best;
}

static bool chain_passes(const mm_explain *work, uint32_t from, uint32_t node) {
    uint32_t at = from;
    for (uint32_t steps = 0; at != MM_NONE && steps <= work->graph->root_node; steps++) {
        if (at == node) {
            return true;
        }
        at = mm_paths_parent(work->graph, &work->paths, at);
    }
    return false;
}

// The one whose chain shows the guilty reference, and does not go through the object itself.
static const mm_hold *hold_choose(const mm_explain *work, const mm_hold *const *holds,
                                  size_t hold_count, bool *ret_shows) {
    *ret_shows = true;
    for (size_t i = 0; i < hold_count && i < TRIES_MAX; i++) {
        uint32_t holder = mm_graph_edge_source(work->graph, holds[i]->last);
        if (chain_passes(work, holder, holds[i]->source) &&
            !chain_passes(work, holder, holds[i]->object)) {
            return holds[i];
        }
    }
    *ret_shows = false;
    return holds[0];
}

static MM_STATUS path_copy(mm_explain *work, const mm_why_chain *chain, const mm_hold *hold,
                           bool shows, bool many, mm_finding *finding) {
    uint32_t guilty = MM_NONE;
    mm_finding_step *path = MM_ARENA_NEW(work->arena, mm_finding_step, (size_t)chain->step_count);
    if (path == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t i = 0; i < chain->step_count; i++) {
        const mm_why_step *step = &chain->steps[i];
        bool data =
            many && step->edge != NULL && step->edge[0] == '[' && strcmp(step->edge, "[key]") != 0;
        path[i].object = step->object;
        path[i].edge = data ? "[*]" : step->edge;
        path[i].entries = step->entries;
        path[i].file = step->file;
        path[i].line = step->line;
        if (step->node == hold->source && i + 1 < chain->step_count) {
            guilty = i;
        }
        if (guilty == MM_NONE && !shows && step->guilty) {
            guilty = i;
        }
    }
    for (uint32_t i = 0; guilty == MM_NONE && i < chain->step_count; i++) {
        guilty = chain->steps[i].guilty ? i : MM_NONE;
    }
    if (guilty != MM_NONE) {
        path[guilty].guilty = true;
    }
    mm_why_chain *kept = MM_ARENA_NEW(work->arena, mm_why_chain, 1);
    if (kept == NULL) {
        return MM_E_NOMEM;
    }
    *kept = *chain;
    finding->chain = kept;
    finding->path = path;
    finding->path_count = chain->step_count;
    // A line of the library is not the one to change.
    if (chain->file != NULL && mm_explain_path_is_own(work->file, chain->file)) {
        finding->file = chain->file;
        finding->line = chain->line;
    }
    return MM_OK;
}

MM_STATUS mm_explain_story(mm_explain *work, const mm_hold *const *holds, size_t hold_count,
                           bool many, mm_finding *finding) {
    MM_ASSERT(hold_count > 0);
    bool shows = false;
    const mm_hold *hold = hold_choose(work, holds, hold_count, &shows);
    mm_why_reference reference = {.edge = hold->last, .root = MM_NONE, .chained = true};
    mm_why_chain chain;
    reference.holder = mm_graph_edge_source(work->graph, hold->last);
    reference.target = hold->object;
    if ((work->marks[hold->object] & MM_EXPLAIN_KEEPS) != 0) {
        mm_kept_frame kept = mm_explain_kept_frame(work, hold->object);
        if (kept.edge != MM_NONE && chain_passes(work, kept.holder, hold->object)) {
            reference.edge = kept.last;
            reference.holder = kept.holder;
            reference.target = kept.variable;
        }
    }
    if (work->paths.via[reference.holder] == MM_VIA_NOTHING) {
        return MM_OK;
    }
    MM_TRY(mm_why_chain_build(work->graph, &work->paths, &reference, work->arena, &chain));
    return path_copy(work, &chain, hold, shows, many, finding);
}
