// Old and new. An object is old when it is in the baseline, else it was born in the first round
// since which it is there without a break: the same address with the same type. An address may be
// used again by another object of the type; that hides a birth, never invents one, and the shapes
// of paths (growth_groups.c) find what it hides.
//
// An old object that nothing but new ones lead to holds nothing by itself: it was moved, or another
// one has taken its address. Walks pass through it, and it is born in no round.
//
// Behind that, for each new object, the rounds whose births it leads to, as bits: one search
// backwards from each round's births, over new objects alone. A reference to an object that lacks
// a bit cannot lead to something born in every round, so most need no walk of their own.
#include "analyze/growing.h"

static const char no_memory[] = "no memory to tell new objects from old ones";

// Whoever was there at `mark`, and in all marks behind it, was born then or before.
static void births_merge(mm_growing_side *side, uint32_t mark) {
    const mm_mark *then = &side->marks[mark];
    const mm_mark *now = &side->marks[side->rounds];
    uint32_t at = 0;
    for (uint32_t node = 0; node < now->count; node++) {
        while (at < then->count && then->address[at] < now->address[node]) {
            at++;
        }
        if (side->birth[node] == mark + 1 && at < then->count &&
            then->address[at] == now->address[node] &&
            mm_mark_type_of(then, at) == mm_mark_type_of(now, node)) {
            side->birth[node] = mark;
        }
    }
}

static void mask_meet(mm_growing *work, mm_growing_side *side, uint32_t node, uint32_t bit,
                      uint32_t *tail) {
    bool passed = side->fresh[node] == MM_FRESH_REACHED || side->fresh[node] == MM_FRESH_MOVED;
    if (passed && (side->mask[node] & bit) == 0) {
        side->mask[node] |= bit;
        work->queue[(*tail)++] = node;
    }
}

static void mask_spread(mm_growing *work, mm_growing_side *side, uint32_t round) {
    const mm_graph *graph = side->graph;
    uint32_t bit = 1u << round;
    uint32_t tail = 0;
    for (uint32_t node = 0; node < graph->root_node; node++) {
        if (side->fresh[node] == MM_FRESH_REACHED && mm_growing_round(side, node) == round) {
            mask_meet(work, side, node, bit, &tail);
        }
    }
    for (uint32_t head = 0; head < tail; head++) {
        uint32_t node = work->queue[head];
        for (uint32_t i = graph->reverse_start[node]; i < graph->reverse_start[node + 1]; i++) {
            if (mm_graph_edge_owns(graph, graph->reverse_edge[i])) {
                mask_meet(work, side, mm_graph_reverse_source(graph, i), bit, &tail);
            }
        }
    }
}

// From 3.12 on an interned string is immortal: the table of them owns it, although its references
// are in no count. What else refers to nothing and dies never is nobody's.
static void interned_reach(mm_growing_side *side) {
    const mm_file *file = side->graph->file;
    for (uint32_t root = 0; root < file->root_count; root++) {
        uint32_t table = file->roots[root].object;
        if (file->roots[root].kind != MM_ROOT_INTERNED) {
            continue;
        }
        for (uint32_t edge = file->reference_start[table]; edge < file->reference_start[table + 1];
             edge++) {
            uint32_t target = file->reference_target[edge];
            if (file->refcount[target] == MM_NONE && side->fresh[target] == MM_FRESH_OTHER) {
                side->fresh[target] = MM_FRESH_REACHED;
            }
        }
    }
}

static void moved_mark(mm_growing_side *side) {
    const mm_mark *now = &side->marks[side->rounds];
    for (uint32_t node = 0; node < now->count; node++) {
        if (side->birth[node] == 0 && now->reached[node] == MM_REACHED_NAMED &&
            side->paths.via[node] == MM_VIA_NOTHING) {
            side->fresh[node] = MM_FRESH_MOVED;
        }
    }
}

MM_STATUS mm_growing_births(mm_growing *work, mm_growing_side *side, mm_error *err) {
    const mm_mark *now = &side->marks[side->rounds];
    size_t room = (size_t)now->count + 1;
    MM_ASSERT(now->count == side->graph->file->object_count);
    MM_ASSERT(side->rounds > 0);
    side->birth = MM_ARENA_NEW(work->arena, uint32_t, room);
    side->fresh = MM_ARENA_NEW(work->arena, uint8_t, room);
    if (side->birth == NULL || side->fresh == NULL) {
        return mm_fail(err, MM_E_NOMEM, no_memory, 0);
    }
    for (uint32_t node = 0; node < now->count; node++) {
        side->birth[node] = side->rounds;
    }
    for (uint32_t mark = side->rounds; mark-- > 0;) {
        births_merge(side, mark);
    }
    for (uint32_t node = 0; node < now->count; node++) {
        if (side->birth[node] > 0 && (now->reached[node] & MM_MARK_OWN) == 0) {
            side->fresh[node] =
                now->reached[node] == MM_REACHED_NAMED ? MM_FRESH_REACHED : MM_FRESH_OTHER;
        }
    }
    interned_reach(side);
    mm_path_options options = {.barrier = side->fresh};
    MM_TRY(mm_paths_find(side->graph, &options, work->arena, &side->paths, err));
    // Not before: these can have what the search gave back.
    side->mask = MM_ARENA_NEW(work->arena, uint32_t, room);
    side->shapes = MM_ARENA_NEW(work->arena, uint64_t, room);
    if (side->mask == NULL || side->shapes == NULL) {
        return mm_fail(err, MM_E_NOMEM, no_memory, 0);
    }
    moved_mark(side);
    for (uint32_t round = 0; round < mm_growing_rounds(side); round++) {
        mask_spread(work, side, round);
    }
    return MM_OK;
}
