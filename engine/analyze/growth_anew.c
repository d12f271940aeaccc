// One object that is made anew with every step and is larger each time, deep inside of what is made
// anew with it: the array of a table to which rows are appended, the text of a record that is
// copied with one line more. No reference multiplies and no old object grows.
//
//     old ──.table──▶ new ──._mgr──▶ new ──.blocks──▶ new tuple ──▶ array      after a round
//     old ──.table──▶ new ──._mgr──▶ new ──.blocks──▶ new tuple ──▶ ARRAY      after the next
//
// What shows is the bytes of its type: they rise with every round and over the long run in
// proportion. If the largest object of the type in the early graph has most of the rise so far, and
// that in the late graph most of the rest, it is that object. It is held by the reference from old
// to new that a person can do most about, of all that lead to it through what is new.
#include <string.h>

#include "analyze/growing.h"

enum { ALSO_MAX = 8, TYPES_MAX = 4 };

// A reference from old to new on a way to the object.
typedef struct anew_holder {
    mm_growth_edge edge;
    uint32_t depth;
    uint8_t tier;
    bool low;
} anew_holder;

typedef struct anew_holders {
    anew_holder items[ALSO_MAX + 1];  // the best first
    uint32_t count;
} anew_holders;

static uint64_t type_bytes_at(const mm_mark *mark, uint32_t type) {
    return type < mark->type_count ? mark->types[type].bytes : 0;
}

// By how much the bytes of a type rose over the early rounds; 0 where one of them had no share, or
// the long run less than its own.
static uint64_t type_rise(const mm_growing *work, uint32_t type) {
    const mm_growth_input *input = work->input;
    uint32_t early = input->early;
    for (uint32_t i = 1; i < input->mark_count; i++) {
        if (type_bytes_at(&input->marks[i], type) <= type_bytes_at(&input->marks[i - 1], type)) {
            return 0;
        }
    }
    uint64_t last = type_bytes_at(&input->marks[early], type);
    uint64_t rise = last - type_bytes_at(&input->marks[0], type);
    uint64_t later = type_bytes_at(&input->marks[early + 1], type) - last;
    uint64_t steps = input->marks[early].process.steps - input->marks[0].process.steps;
    bool enough = rise >= steps * MM_GROWTH_NATIVE_BYTES_MIN;
    return enough && later * 2000 * early >= rise * mm_growing_ratio(work, early, early + 1) ? rise
                                                                                             : 0;
}

// The largest object of a type that a named root leads to, or MM_NONE.
static uint32_t largest_of(const mm_mark *mark, uint32_t type) {
    uint32_t best = MM_NONE;
    for (uint32_t node = 0; node < mark->count; node++) {
        if (mm_mark_type_of(mark, node) == type && mark->reached[node] == MM_REACHED_NAMED &&
            (best == MM_NONE || mm_mark_bytes_of(mark, node) > mm_mark_bytes_of(mark, best))) {
            best = node;
        }
    }
    return best;
}

// The one object that has the rise of its type, in the early graph; MM_NONE = there is none.
static uint32_t grown_object(const mm_growing *work, uint32_t type, uint64_t rise) {
    const mm_growth_input *input = work->input;
    const mm_mark *now = &input->marks[input->early];
    const mm_mark *last = &input->marks[input->mark_count - 1];
    uint32_t object = largest_of(now, type);
    uint32_t after = largest_of(last, type);
    if (object == MM_NONE || after == MM_NONE ||
        mm_mark_bytes_of(last, after) <= mm_mark_bytes_of(now, object)) {
        return MM_NONE;
    }
    uint64_t later = type_bytes_at(last, type) - type_bytes_at(now, type);
    uint64_t own = mm_mark_bytes_of(last, after) - mm_mark_bytes_of(now, object);
    bool most = (uint64_t)mm_mark_bytes_of(now, object) * 2 >= rise && own * 2 >= later;
    return most ? object : MM_NONE;
}

// Is the object among what a reference that multiplies leads to? Then that was told.
static bool is_told(const mm_growing *work, uint32_t object) {
    const mm_growing_side *side = &work->early;
    for (uint32_t i = 0; i < side->group_count; i++) {
        const mm_growing_group *group = &side->groups[i];
        for (uint32_t n = 0; group->reach != NULL && n < group->reach_count; n++) {
            if (group->reach[n] == object) {
                return true;
            }
        }
    }
    return false;
}

static bool holder_before(const mm_growing_side *side, const anew_holder *a, const anew_holder *b) {
    char a_path[MM_GROWING_TEXT_BYTES];
    char b_path[MM_GROWING_TEXT_BYTES];
    if (a->low != b->low) {
        return b->low;
    }
    if (a->tier != b->tier || a->depth != b->depth) {
        return a->tier != b->tier ? a->tier < b->tier : a->depth < b->depth;
    }
    mm_growing_path_text(side, a->edge.source, a->edge.edge, a_path);
    mm_growing_path_text(side, b->edge.source, b->edge.edge, b_path);
    return strcmp(a_path, b_path) < 0;
}

static void holder_add(const mm_growing *work, anew_holders *all, mm_growth_edge edge) {
    const mm_growing_side *side = &work->early;
    bool is_root = edge.source == side->graph->root_node;
    anew_holder holder = {
        .edge = edge,
        .depth = mm_growing_depth(side, edge.source),
        .tier = mm_growing_tier(side, edge.source),
        .low = !is_root && mm_growing_edge_is_low(side->graph, edge.source, edge.edge)};
    uint32_t at = all->count < ALSO_MAX + 1 ? all->count++ : ALSO_MAX;
    while (at > 0 && holder_before(side, &holder, &all->items[at - 1])) {
        if (at < ALSO_MAX + 1) {
            all->items[at] = all->items[at - 1];
        }
        at--;
    }
    if (at < ALSO_MAX + 1) {
        all->items[at] = holder;
    }
}

// All references from what is old to what is new on the ways to the object.
static void holders_find(mm_growing *work, uint32_t object, anew_holders *ret) {
    const mm_growing_side *side = &work->early;
    const mm_graph *graph = side->graph;
    uint32_t tail = 0;
    ret->count = 0;
    work->walk++;
    work->seen[object] = work->walk;
    work->queue[tail++] = object;
    for (uint32_t head = 0; head < tail; head++) {
        uint32_t node = work->queue[head];
        uint32_t first = 0;
        uint32_t end = mm_graph_roots_of(graph, node, &first);
        for (uint32_t i = first; i < end; i++) {
            uint32_t root = (uint32_t)graph->root_index[i];
            if (mm_file_root_owns(graph->file, root) && !mm_file_root_is_ours(graph->file, root)) {
                holder_add(work, ret, (mm_growth_edge){graph->root_node, root});
            }
        }
        for (uint32_t i = graph->reverse_start[node]; i < graph->reverse_start[node + 1]; i++) {
            uint32_t edge = graph->reverse_edge[i];
            uint32_t source = mm_graph_reverse_source(graph, i);
            if (!mm_graph_edge_owns(graph, edge) || work->seen[source] == work->walk) {
                continue;
            }
            if (side->birth[source] == 0 && side->paths.via[source] != MM_VIA_NOTHING) {
                holder_add(work, ret, (mm_growth_edge){source, edge});
            } else if (side->fresh[source] == MM_FRESH_REACHED ||
                       side->fresh[source] == MM_FRESH_MOVED) {
                work->seen[source] = work->walk;
                work->queue[tail++] = source;
            }
        }
    }
}

static MM_STATUS anew_report(mm_growing *work, uint32_t type, uint64_t rise) {
    const mm_growing_side *side = &work->early;
    uint32_t object = grown_object(work, type, rise);
    anew_holders holders;
    uint64_t bound = MM_UNKNOWN;
    if (object == MM_NONE || is_told(work, object)) {
        return MM_OK;
    }
    holders_find(work, object, &holders);
    if (holders.count == 0 || holders.items[0].tier >= MM_TIER_ROOT ||
        mm_growing_is_bounded(side->graph, holders.items[0].edge.source, &bound)) {
        return MM_OK;
    }
    mm_growth_finding *finding = mm_growing_finding(work);
    if (finding == NULL) {
        return MM_E_NOMEM;
    }
    finding->types = MM_ARENA_NEW(work->arena, uint32_t, 1);
    finding->also = MM_ARENA_NEW(work->arena, mm_growth_edge, ALSO_MAX);
    if (finding->types == NULL || finding->also == NULL) {
        return MM_E_NOMEM;
    }
    finding->kind = MM_GROWTH_ONE_OBJECT;
    finding->settled = MM_SETTLED_LEAK;
    finding->guilty = holders.items[0].edge;
    finding->newest = object;
    finding->type = type;
    finding->types[0] = type;
    finding->type_count = 1;
    finding->grown_bytes = rise;
    finding->steps =
        work->input->marks[work->input->early].process.steps - work->input->marks[0].process.steps;
    for (uint32_t i = 1; i < holders.count; i++) {
        if (holders.items[i].tier < MM_TIER_ROOT && !holders.items[i].low) {
            finding->also[finding->also_count++] = holders.items[i].edge;
        }
    }
    return MM_OK;
}

// Does something go on that was found by its references? Types then grow for that reason.
static bool something_goes_on(const mm_growing *work) {
    for (uint32_t i = 0; i < work->finding_count; i++) {
        const mm_growth_finding *finding = &work->findings[i];
        if (finding->settled == MM_SETTLED_LEAK || finding->settled == MM_SETTLED_BOUNDED) {
            return true;
        }
    }
    return false;
}

MM_STATUS mm_growing_anew(mm_growing *work) {
    const mm_growth_input *input = work->input;
    uint64_t before = input->marks[0].process.steps;
    uint64_t after = input->marks[input->early].process.steps;
    if (work->late.graph == NULL || before == MM_UNKNOWN || after == MM_UNKNOWN ||
        after <= before || something_goes_on(work)) {
        return MM_OK;
    }
    // Several types may rise together, the array and its index: that is one thing. The one that
    // rises most is told.
    uint64_t below = UINT64_MAX;
    for (unsigned n = 0; n < TYPES_MAX; n++) {
        uint32_t best = MM_NONE;
        uint64_t most = 0;
        for (uint32_t type = 0; type < input->marks[0].type_count; type++) {
            uint64_t rise = type_rise(work, type);
            best = rise > most && rise < below ? type : best;
            most = rise > most && rise < below ? rise : most;
        }
        uint32_t known = work->finding_count;
        if (best != MM_NONE) {
            MM_TRY(anew_report(work, best, most));
        }
        if (best == MM_NONE || work->finding_count > known) {
            break;
        }
        below = most;
    }
    return MM_OK;
}
