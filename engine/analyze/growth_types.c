// Which types grow, among all that a reference leads to, and which of them a person would name.
// First the program's own classes, then those of packages, in both what the reference leads to at
// once before the rest; then whatever it leads to at once, then other classes, then what is left;
// in each by bytes.
#include <string.h>

#include "analyze/classes.h"
#include "analyze/growing.h"
#include "base/free/sort.h"

// How many classes are compared to find the owner, and objects looked at for it.
enum { OWNERS_MAX = 6, OWNED_NODES_MAX = 4096 };

enum { RANK_PROGRAM = 0, RANK_SITE, RANK_DIRECT, RANK_CLASS, RANK_REST };

MM_STATUS mm_growing_rank_types(mm_growing *work, mm_error *err) {
    const mm_graph *graph = work->early.graph;
    const mm_mark *now = &work->early.marks[work->early.rounds];
    const mm_file *file = graph->file;
    mm_classes classes;
    uint32_t type_count = work->input->names->count;
    size_t cells = ((size_t)type_count + 1) * MM_GROWING_ROUNDS_MAX;
    work->type_rank = MM_ARENA_NEW(work->arena, uint8_t, (size_t)type_count + 1);
    work->type_count = MM_ARENA_NEW(work->arena, uint32_t, cells);
    work->type_bytes = MM_ARENA_NEW(work->arena, uint64_t, (size_t)type_count + 1);
    work->type_list = MM_ARENA_NEW(work->arena, uint32_t, (size_t)type_count + 1);
    work->type_direct = MM_ARENA_NEW(work->arena, uint8_t, (size_t)type_count + 1);
    uint8_t *rank_of = MM_ARENA_NEW(work->arena, uint8_t, (size_t)file->type_count + 1);
    if (work->type_rank == NULL || work->type_count == NULL || work->type_bytes == NULL ||
        work->type_list == NULL || work->type_direct == NULL || rank_of == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory to tell types apart", 0);
    }
    MM_TRY(mm_classes_list(graph, work->arena, &classes, err));
    memset(rank_of, RANK_REST, file->type_count);
    for (uint32_t i = 0; i < classes.count; i++) {
        const mm_class *item = &classes.items[i];
        if (item->type == MM_NONE || (file->types[item->type].flags & MM_TYPE_CLASS) == 0) {
            continue;
        }
        mm_class_rank rank = mm_class_rank_of(graph, &classes, item);
        rank_of[item->type] = (uint8_t)(rank == MM_CLASS_STDLIB ? RANK_CLASS
                                        : rank == MM_CLASS_SITE ? RANK_SITE
                                                                : RANK_PROGRAM);
    }
    memset(work->type_rank, RANK_REST, type_count);
    for (uint32_t node = 0; node < now->count; node++) {
        uint8_t rank = rank_of[file->type[node]];
        uint8_t *have = &work->type_rank[mm_mark_type_of(now, node)];
        *have = rank < *have ? rank : *have;
    }
    return MM_OK;
}

bool mm_growing_is_program(const mm_growing *work, uint32_t type) {
    return work->type_rank[type] == RANK_PROGRAM;
}

static uint8_t rank_now(const mm_growing *work, uint32_t type) {
    uint8_t rank = work->type_rank[type];
    return rank > RANK_DIRECT && work->type_direct[type] != 0 ? RANK_DIRECT : rank;
}

static bool type_before(const void *left, const void *right, const void *context) {
    const mm_growing *work = context;
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    uint8_t a_rank = rank_now(work, a);
    uint8_t b_rank = rank_now(work, b);
    if (a_rank != b_rank) {
        return a_rank < b_rank;
    }
    if (a_rank < RANK_DIRECT && work->type_direct[a] != work->type_direct[b]) {
        return work->type_direct[a] > work->type_direct[b];
    }
    if (work->type_bytes[a] != work->type_bytes[b]) {
        return work->type_bytes[a] > work->type_bytes[b];
    }
    return strcmp(work->input->names->names[a], work->input->names->names[b]) < 0;
}

// Count what was reached by type and round. Answers how many types there are in type_list.
static uint32_t types_count(mm_growing *work, const mm_growing_side *side, const uint32_t *nodes,
                            uint32_t node_count) {
    const mm_mark *now = &side->marks[side->rounds];
    uint32_t met = 0;
    for (uint32_t i = 0; i < node_count; i++) {
        uint32_t type = mm_growing_type(side, nodes[i]);
        uint32_t *counts = work->type_count + (size_t)type * MM_GROWING_ROUNDS_MAX;
        if (work->type_bytes[type] == 0) {
            work->type_list[met++] = type;
            work->type_bytes[type] = 1;
        }
        work->type_bytes[type] += mm_mark_row_of(now, nodes[i]).bytes;
        counts[mm_growing_round(side, nodes[i])]++;
    }
    return met;
}

static void types_forget(mm_growing *work, uint32_t met) {
    for (uint32_t i = 0; i < met; i++) {
        uint32_t type = work->type_list[i];
        memset(work->type_count + (size_t)type * MM_GROWING_ROUNDS_MAX, 0,
               MM_GROWING_ROUNDS_MAX * sizeof(*work->type_count));
        work->type_bytes[type] = 0;
    }
}

bool mm_growing_is_shadow(const mm_growing *work, uint32_t type) {
    static const char *const shadows[] = {
        "weakref.ReferenceType", "weakref.KeyedRef", "weakref", "weakref.ref",
        "ReferenceType",         "weakref.weakref",  "int",     "float"};
    const char *name = work->input->names->names[type];
    for (size_t i = 0; i < MM_COUNTOF(shadows); i++) {
        if (strcmp(name, shadows[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool type_is_number(const mm_growing *work, uint32_t type) {
    const char *name = work->input->names->names[type];
    return strcmp(name, "int") == 0 || strcmp(name, "float") == 0;
}

static uint64_t sum_of(const uint32_t *counts, uint32_t rounds) {
    uint64_t sum = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        sum += counts[round];
    }
    return sum;
}

// Keep the types that every round had more of; the best one first. `*ret_rate`: of that.
static MM_STATUS types_keep(mm_growing *work, const mm_growing_side *side, uint32_t met,
                            uint32_t least, mm_growth_finding *finding, uint32_t *ret_rate) {
    uint32_t rounds = mm_growing_rounds(side);
    uint32_t *buffer = MM_ARENA_NEW(work->arena, uint32_t, (size_t)met + 1);
    finding->types = MM_ARENA_NEW(work->arena, uint32_t, (size_t)met + 1);
    if (buffer == NULL || finding->types == NULL) {
        return MM_E_NOMEM;
    }
    bool numbers = true;
    finding->echo = true;
    for (uint32_t i = 0; i < met; i++) {
        uint32_t type = work->type_list[i];
        const uint32_t *counts = work->type_count + (size_t)type * MM_GROWING_ROUNDS_MAX;
        if (least > 0 ? sum_of(counts, rounds) >= least : mm_growing_steady(counts, rounds) > 0) {
            finding->types[finding->type_count++] = type;
            numbers = numbers && type_is_number(work, type);
            finding->echo = finding->echo && mm_growing_is_shadow(work, type);
        }
    }
    finding->echo = finding->echo && !numbers;
    mm_sort(finding->types, buffer, finding->type_count, sizeof(*buffer), type_before, work);
    if (finding->type_count == 0) {
        return MM_OK;
    }
    const uint32_t *counts = work->type_count + (size_t)finding->types[0] * MM_GROWING_ROUNDS_MAX;
    finding->type = finding->types[0];
    finding->grown_objects = sum_of(counts, rounds);
    if (ret_rate != NULL) {
        *ret_rate = mm_growing_steady(counts, rounds);
    }
    return MM_OK;
}

MM_STATUS mm_growing_types_of(mm_growing *work, const mm_growing_side *side, const uint32_t *nodes,
                              uint32_t node_count, uint32_t least, mm_growth_finding *finding,
                              uint32_t *ret_rate) {
    if (ret_rate != NULL) {
        *ret_rate = 0;
    }
    uint32_t met = types_count(work, side, nodes, node_count);
    mm_status status = types_keep(work, side, met, least, finding, ret_rate);
    types_forget(work, met);
    return status;
}

// The youngest of some nodes that is of a type, or MM_NONE.
static uint32_t youngest_of(const mm_growing_side *side, const uint32_t *nodes, uint32_t node_count,
                            uint32_t type) {
    uint32_t best = MM_NONE;
    for (uint32_t i = 0; i < node_count; i++) {
        if (mm_growing_type(side, nodes[i]) == type &&
            (best == MM_NONE || side->birth[nodes[i]] >= side->birth[best])) {
            best = nodes[i];
        }
    }
    return best;
}

// Does an object lead, through what is as new, to one of a type? Looks at a bounded number.
static bool leads_to_type(mm_growing *work, const mm_growing_side *side, uint32_t node,
                          uint32_t type) {
    const mm_graph *graph = side->graph;
    uint8_t fresh = side->fresh[node];
    uint32_t tail = 0;
    work->walk++;
    work->seen[node] = work->walk;
    work->queue[tail++] = node;
    for (uint32_t head = 0; head < tail && head < OWNED_NODES_MAX; head++) {
        node = work->queue[head];
        for (uint32_t edge = graph->file->reference_start[node];
             edge < graph->file->reference_start[node + 1]; edge++) {
            uint32_t target = graph->file->reference_target[edge];
            if (side->fresh[target] != fresh || work->seen[target] == work->walk ||
                !mm_graph_edge_owns(graph, edge)) {
                continue;
            }
            if (mm_growing_type(side, target) == type) {
                return true;
            }
            work->seen[target] = work->walk;
            work->queue[tail++] = target;
        }
    }
    return false;
}

static void type_recount(const mm_growing_side *side, const uint32_t *nodes, uint32_t node_count,
                         mm_growth_finding *finding, uint32_t *ret_rate) {
    uint32_t counts[MM_GROWING_ROUNDS_MAX] = {0};
    for (uint32_t i = 0; i < node_count; i++) {
        if (mm_growing_type(side, nodes[i]) == finding->type) {
            counts[mm_growing_round(side, nodes[i])]++;
        }
    }
    finding->grown_objects = sum_of(counts, mm_growing_rounds(side));
    if (ret_rate != NULL) {
        *ret_rate = mm_growing_steady(counts, mm_growing_rounds(side));
    }
}

void mm_growing_owner_first(mm_growing *work, const mm_growing_side *side, const uint32_t *nodes,
                            uint32_t node_count, bool same_rank, mm_growth_finding *finding,
                            uint32_t *ret_rate) {
    uint8_t rank = finding->type_count > 0 ? work->type_rank[finding->type] : RANK_REST;
    for (uint32_t i = 1; rank < RANK_DIRECT && i < finding->type_count && i < OWNERS_MAX; i++) {
        uint32_t type = finding->types[i];
        if (work->type_rank[type] >= RANK_DIRECT || (same_rank && work->type_rank[type] != rank)) {
            return;
        }
        uint32_t owner = youngest_of(side, nodes, node_count, type);
        uint32_t owned = youngest_of(side, nodes, node_count, finding->type);
        if (owner != MM_NONE && owned != MM_NONE &&
            leads_to_type(work, side, owner, finding->type) &&
            !leads_to_type(work, side, owned, type)) {
            finding->types[i] = finding->type;
            finding->types[0] = type;
            finding->type = type;
            type_recount(side, nodes, node_count, finding, ret_rate);
        }
    }
}

MM_STATUS mm_growing_types(mm_growing *work, const mm_growing_side *side,
                           const mm_growing_group *group, mm_growth_finding *finding,
                           uint32_t *ret_rate) {
    uint32_t newest = MM_NONE;
    for (uint32_t i = 0; i < group->ref_count; i++) {
        uint32_t target = group->refs[i].target;
        work->type_direct[mm_growing_type(side, target)] = 1;
        if (newest == MM_NONE || side->birth[target] >= side->birth[newest]) {
            newest = target;
        }
    }
    finding->newest = newest;
    uint32_t least = group->turnover ? group->ref_count / 4 : 0;
    mm_status status =
        mm_growing_types_of(work, side, group->reach, group->reach_count, least, finding, ret_rate);
    for (uint32_t i = 0; i < group->ref_count; i++) {
        work->type_direct[mm_growing_type(side, group->refs[i].target)] = 0;
    }
    if (status == MM_OK) {
        mm_growing_owner_first(work, side, group->reach, group->reach_count, true, finding,
                               ret_rate);
    }
    return status;
}
