// What goes when the guilty reference is cut, and whose reference that is.
//
// What is linked both ways hangs on an object by its first and by its last. Neither reference alone
// keeps it: cutting one frees nothing. The reference to that object keeps all.
//
//     jobs ══.sentinel══▶ Link ──.before──▶ Job ──.before──▶ Job ──.before──▶ ..
//           guilty         └───.after───▶ the other end
#include "explain/grown.h"

enum { MEASURED_MAX = 24 };

// Objects of the type that the last cut would free.
static MM_STATUS freed_list(const mm_grown *grown, uint32_t type, uint32_t **ret,
                            size_t *ret_count) {
    const mm_explain *work = grown->work;
    size_t count = 0;
    for (int pass = 0; pass < 2; pass++) {
        size_t used = 0;
        for (uint32_t node = 0; node < work->graph->root_node; node++) {
            if ((work->cutter.mark[node] & MM_CUT_FREED) == 0 ||
                !mm_grown_is_type(grown, node, type)) {
                continue;
            }
            if (pass == 1) {
                (*ret)[used] = node;
            }
            used++;
        }
        if (pass == 0) {
            count = used;
            *ret = MM_ARENA_NEW(work->arena, uint32_t, count + 1);
            if (*ret == NULL) {
                return MM_E_NOMEM;
            }
        }
    }
    *ret_count = count;
    return MM_OK;
}

// Targets of the cut that have the type.
static MM_STATUS target_list(const mm_grown *grown, const mm_cut *cut, uint32_t type,
                             uint32_t **ret, size_t *ret_count) {
    const mm_explain *work = grown->work;
    *ret = MM_ARENA_NEW(work->arena, uint32_t, (size_t)cut->edge_count + 1);
    if (*ret == NULL) {
        return MM_E_NOMEM;
    }
    *ret_count = 0;
    for (uint32_t i = 0; i < cut->edge_count; i++) {
        uint32_t target = work->file->reference_target[cut->edges[i]];
        if (mm_grown_is_type(grown, target, type)) {
            (*ret)[(*ret_count)++] = target;
        }
    }
    return MM_OK;
}

MM_STATUS mm_grown_cut_measure(mm_grown *grown, const mm_growth_finding *growth, const mm_cut *cut,
                               mm_finding *finding, bool *ret_owned) {
    mm_explain *work = grown->work;
    mm_cut_effect effect;
    uint32_t *held = NULL;
    size_t held_count = 0;
    *ret_owned = false;
    if (grown->measured++ >= MEASURED_MAX) {
        return MM_OK;
    }
    mm_cutter_measure(&work->cutter, cut, NULL, 0, &effect);
    MM_TRY(freed_list(grown, growth->type, &held, &held_count));
    finding->count = held_count > 0 ? held_count : finding->count;
    if (held_count == 0) {
        MM_TRY(target_list(grown, cut, growth->type, &held, &held_count));
        finding->count = held_count > 0 ? held_count : finding->count;
    }
    if (held_count > 0) {
        mm_cutter_measure(&work->cutter, cut, held, held_count, &effect);
    }
    finding->cut.freed_bytes = effect.freed_bytes;
    finding->cut.other_holders = effect.other_holders + effect.c_holders;
    finding->cut.would_drop_at_once = held_count > 0 ? effect.drop_held : effect.drop_count;
    finding->retained_bytes = effect.freed_bytes > 0 ? effect.freed_bytes : growth->grown_bytes;
    *ret_owned = held_count > 0;
    for (size_t i = 0; i < held_count && *ret_owned; i++) {
        *ret_owned = (work->cutter.mark[held[i]] & MM_CUT_REACHED) != 0;
    }
    return MM_OK;
}

// Objects of the type that a cut would free; 0 where that is not measured any more.
static MM_STATUS freed_count(mm_grown *grown, const mm_growth_finding *growth,
                             const mm_growth_edge *edge, size_t *ret) {
    mm_explain *work = grown->work;
    mm_cut cut = {0};
    mm_cut_effect effect;
    uint32_t *freed = NULL;
    *ret = 0;
    if (grown->measured++ >= MEASURED_MAX) {
        return MM_OK;
    }
    MM_TRY(mm_cut_select(work->graph, edge->source, edge->edge, work->arena, &cut, work->err));
    mm_cutter_measure(&work->cutter, &cut, NULL, 0, &effect);
    return freed_list(grown, growth->type, &freed, ret);
}

MM_STATUS mm_grown_chain_climb(mm_grown *grown, const mm_growth_finding *growth,
                               mm_growth_finding *moved, bool *ret_climbed) {
    enum { CLIMB_MAX = 4 };
    mm_explain *work = grown->work;
    mm_growth_edge at = growth->guilty;
    size_t freed = 0;
    *ret_climbed = false;
    if (!growth->chain || growth->settled != MM_SETTLED_LEAK) {
        return MM_OK;
    }
    MM_TRY(freed_count(grown, growth, &at, &freed));
    for (uint32_t i = 0; i < CLIMB_MAX && freed == 0; i++) {
        MM_TRY(mm_paths_settle(&work->paths, at.source));
        if (work->paths.via[at.source] != MM_VIA_EDGE) {
            return MM_OK;
        }
        at.edge = work->paths.link[at.source];
        at.source = mm_graph_edge_source(work->graph, at.edge);
        if (!mm_graph_edge_folds(work->graph, at.source, at.edge)) {
            MM_TRY(freed_count(grown, growth, &at, &freed));
        }
    }
    if (freed == 0 || (at.source == growth->guilty.source && at.edge == growth->guilty.edge)) {
        return MM_OK;
    }
    *moved = *growth;
    moved->guilty = at;
    moved->also = MM_ARENA_NEW(work->arena, mm_growth_edge, (size_t)growth->also_count + 1);
    if (moved->also == NULL) {
        return MM_E_NOMEM;
    }
    moved->also_count = 0;
    // What the cut frees holds the chain no longer: the last measurement marked that.
    for (uint32_t i = 0; i < growth->also_count; i++) {
        uint32_t source = growth->also[i].source;
        bool goes =
            source != work->graph->root_node && (work->cutter.mark[source] & MM_CUT_FREED) != 0;
        if (!goes) {
            moved->also[moved->also_count++] = growth->also[i];
        }
    }
    *ret_climbed = true;
    return MM_OK;
}
