// A finding's path is the chain that analyze builds; here the guilty step is marked, and an
// exception's chain is led on to the variable that its frame keeps.
#include "explain/story.h"

#include <string.h>

#include "analyze/chain.h"

enum { TRIES_MAX = 32, OUTER_MAX = 4 };

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

// A word of an object of C has no name but its offset, of which a reader knows nothing.
static const char *edge_said(const mm_why_step *step, const mm_why_step *next) {
    bool word = step->edge != NULL && step->edge[0] == '+';
    if (word && strcmp(step->object, "_lru_cache_wrapper") == 0 && next->kind == MM_KIND_DICT) {
        return "its results";
    }
    return step->edge;
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
        path[i].edge = data                        ? "[*]"
                       : i + 1 < chain->step_count ? edge_said(step, step + 1)
                                                   : step->edge;
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

// The reference by which something of the program's own has an object under a name. `*ret_outer`:
// otherwise, the one instance that has it under a name, or MM_NONE.
static uint32_t named_edge(const mm_explain *work, uint32_t node, uint32_t *ret_outer) {
    const mm_graph *graph = work->graph;
    uint32_t others = 0;
    *ret_outer = MM_NONE;
    for (uint32_t i = graph->reverse_start[node]; i < graph->reverse_start[node + 1]; i++) {
        uint32_t source = mm_graph_reverse_source(graph, i);
        uint32_t edge = graph->reverse_edge[i];
        uint32_t owner = mm_graph_owner(graph, source, NULL);
        owner = owner == MM_NONE ? source : owner;
        if (!mm_graph_edge_owns(graph, edge) || mm_graph_edge_name(graph, source, edge) == NULL) {
            continue;
        }
        if ((work->marks[owner] & MM_EXPLAIN_OWN) != 0) {
            return edge;
        }
        uint32_t kind = mm_graph_kind(graph, owner);
        others += kind == MM_KIND_TYPE || kind == MM_KIND_MODULE ? 2 : 1;
        *ret_outer = owner;
    }
    *ret_outer = others == 1 ? *ret_outer : MM_NONE;
    return MM_NONE;
}

// The reference by which something with a name has the container, or the exception itself; of one
// inside a library's instance, such as a queue, the reference to that. MM_NONE where it is in
// another container.
static uint32_t story_edge(const mm_explain *work, const mm_hold *hold) {
    uint32_t node = hold->source;
    uint32_t edge = hold->how == MM_HOW_NAME ? hold->edge : MM_NONE;
    for (uint32_t level = 0; edge == MM_NONE && node != MM_NONE && level < OUTER_MAX; level++) {
        edge = named_edge(work, node, &node);
    }
    return edge;
}

// `why` knows the lines of modules and classes; a finding may be about an instance's attribute, or
// about an exception, of which the place matters where it was stored.
static MM_STATUS scope_fill(mm_explain *work, const mm_hold *hold, mm_why_chain *chain) {
    uint32_t edge = chain->scope != NULL ? MM_NONE : story_edge(work, hold);
    if (edge == MM_NONE) {
        return MM_OK;
    }
    MM_TRY(mm_why_scope_find(work->graph, edge, work->arena, chain));
    if (chain->scope == NULL) {
        MM_TRY(mm_why_instance_scope_find(work->graph, edge, work->arena, chain));
    }
    bool ours = chain->scope == NULL || mm_explain_path_is_own(work->file, chain->scope_file);
    chain->scope = ours ? chain->scope : NULL;
    return MM_OK;
}

MM_STATUS mm_explain_story(mm_explain *work, const mm_hold *const *holds, size_t hold_count,
                           bool many, mm_finding *finding) {
    MM_ASSERT(hold_count > 0);
    bool shows = false;
    for (size_t i = 0; i < hold_count && i < TRIES_MAX; i++) {
        MM_TRY(mm_paths_settle(&work->paths, mm_graph_edge_source(work->graph, holds[i]->last)));
    }
    const mm_hold *hold = hold_choose(work, holds, hold_count, &shows);
    mm_why_reference reference = {.edge = hold->last, .root = MM_NONE, .chained = true};
    mm_why_chain chain;
    reference.holder = mm_graph_edge_source(work->graph, hold->last);
    reference.target = hold->object;
    if ((work->marks[hold->object] & MM_EXPLAIN_KEEPS) != 0) {
        mm_kept_frame kept = mm_explain_kept_frame(work, hold->object);
        MM_TRY(mm_paths_settle(&work->paths, kept.holder));
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
    MM_TRY(scope_fill(work, hold, &chain));
    return path_copy(work, &chain, hold, shows, many, finding);
}
