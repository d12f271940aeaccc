// What C code keeps. In this order; the first that answers says which type leads, the others are
// evidence:
//
//     table       objects born in every round that an old object leads to, which nobody reaches
//                 either: a variable of C code keeps it, and it them. Not asked where a Python
//                 holder explains the growth
//     unreached   objects born in every round that nobody reaches and that have a reference which
//                 nobody accounts for; of a bound method or a cell, what it leads to
//     census      blocks of the allocators that carry a type and that no reference leads to; first
//                 those that are not the content of others
//     remainder   a type whose objects have more and more references that nobody accounts for,
//                 reached or not; str and types are left out: caches inside of the interpreter own
//                 names and classes
//
// Where a Python holder explains the growth only the second is asked: the others see its echo.
//
// Objects of every round that nobody reaches and whose references are all accounted for wait for
// the collector, unless it has just run twice: then it cannot see them.
#include <string.h>

#include "analyze/flow.h"
#include "analyze/growing.h"
#include "analyze/scc.h"

enum { STEPS_FEW = 10 };

// Which objects that nobody reaches are meant.
typedef enum unreached_kind {
    UNREACHED_WAITING,
    UNREACHED_CULPRIT,
    UNREACHED_TABLE
} unreached_kind;

typedef struct node_list {
    uint32_t *nodes;
    uint32_t count;
    uint64_t bytes;
    uint32_t table;  ///< of UNREACHED_TABLE: the old object that leads to them; else MM_NONE
} node_list;

// Steps of an early round, or 1.
static uint64_t round_steps(const mm_growing *work) {
    uint64_t before = work->input->marks[0].process.steps;
    uint64_t after = work->input->marks[work->input->early].process.steps;
    return before == MM_UNKNOWN || after == MM_UNKNOWN || after <= before
               ? 1
               : (after - before - 1) / work->input->early + 1;
}

// Of all early rounds. Numbers of a file may be anything: not less than 1.
static uint64_t early_steps(const mm_growing *work) {
    uint64_t steps = round_steps(work);
    uint64_t most = UINT64_MAX / work->input->early;
    return (steps < most ? steps : most) * work->input->early;
}

static bool often_enough(const mm_growing *work, uint64_t rate) {
    uint64_t steps = round_steps(work);
    return steps == 1 ? rate > 0 : rate * 2 >= steps;
}

// What a bound method or a cell leads to; else the object itself.
static uint32_t behind(const mm_graph *graph, uint32_t node) {
    uint32_t kind = mm_graph_kind(graph, node);
    mm_role role = kind == MM_KIND_METHOD ? MM_ROLE_SELF
                   : kind == MM_KIND_CELL ? MM_ROLE_CONTENTS
                                          : MM_ROLE_NONE;
    uint32_t edge = role != MM_ROLE_NONE ? mm_graph_edge_with_role(graph, node, role) : MM_NONE;
    return edge != MM_NONE ? graph->file->reference_target[edge] : node;
}

// Frames that run and that have the object for a variable. Each of many may have a bound method of
// it on its stack, such as the exit of what it has entered.
static uint32_t frames_with(const mm_growing_side *side, uint32_t node) {
    const mm_graph *graph = side->graph;
    uint32_t first = 0;
    uint32_t end = mm_graph_roots_of(graph, node, &first);
    uint32_t count = 0;
    for (uint32_t i = first; i < end; i++) {
        count += graph->file->roots[(uint32_t)graph->root_index[i]].frame != MM_NONE;
    }
    return count;
}

// Has C code the arguments that a thread was started with? A frame of it has them, too.
static bool is_arguments(const mm_growing_side *side, uint32_t node) {
    const mm_file *file = side->graph->file;
    bool found = false;
    for (uint32_t edge = file->reference_start[node];
         mm_graph_kind(side->graph, node) == MM_KIND_TUPLE && !found &&
         edge < file->reference_start[node + 1];
         edge++) {
        uint32_t target = file->reference_target[edge];
        found = side->fresh[target] == MM_FRESH_REACHED && frames_with(side, target) > 0;
    }
    return found;
}

// New objects that nobody reaches: those with a remainder, or those that wait.
static MM_STATUS unreached_list(mm_growing *work, const mm_growing_side *side, unreached_kind which,
                                node_list *ret) {
    const mm_graph *graph = side->graph;
    const mm_mark *now = &side->marks[side->rounds];
    node_list list = {.table = MM_NONE};
    list.nodes = MM_ARENA_NEW(work->arena, uint32_t, (size_t)now->count + 1);
    if (list.nodes == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t node = 0; node < now->count; node++) {
        uint8_t reached = now->reached[node];
        if (side->fresh[node] != MM_FRESH_OTHER ||
            reached != (which == UNREACHED_CULPRIT ? MM_REACHED_BY_C : MM_REACHED_NOT)) {
            continue;
        }
        uint32_t lead = which == UNREACHED_CULPRIT ? behind(graph, node) : node;
        // What it leads to is kept by Python as well, which is told of: a thread that runs has its
        // bound method on the stack of C.
        bool kept = side->fresh[lead] == MM_FRESH_REACHED || frames_with(side, lead) > side->rounds;
        if ((lead != node && kept) || is_arguments(side, node)) {
            continue;
        }
        list.bytes += mm_mark_row_of(now, node).bytes;
        if (which == UNREACHED_WAITING) {
            list.nodes[list.count++] = node;
        } else if (mm_graph_unaccounted(graph, node) > 0) {
            list.nodes[list.count++] = side->birth[lead] > 0 ? lead : node;
        }
    }
    *ret = list;
    return MM_OK;
}

// Of what waits only what is in a ring tells why: the rest hangs on it. Where no ring is found, all
// of it.
static MM_STATUS rings_keep(mm_growing *work, const mm_growing_side *side, node_list *list) {
    mm_reach reach;
    mm_flow flow;
    mm_scc rings;
    mm_error err;
    uint8_t *left_out = MM_ARENA_NEW(work->arena, uint8_t, (size_t)side->graph->root_node + 1);
    if (left_out == NULL || list->count == 0) {
        return left_out == NULL ? MM_E_NOMEM : MM_OK;
    }
    memset(left_out, 1, side->graph->root_node);
    for (uint32_t i = 0; i < list->count; i++) {
        left_out[list->nodes[i]] = 0;
    }
    MM_TRY(mm_reach_mark(side->graph, work->arena, &reach, &err));
    MM_TRY(mm_flow_build(side->graph, &reach, work->arena, &flow, &err));
    MM_TRY(mm_scc_find(&flow, left_out, work->arena, &rings, &err));
    uint32_t kept = 0;
    for (uint32_t i = 0; rings.count > 0 && i < list->count; i++) {
        if (rings.of[list->nodes[i]] != MM_NONE) {
            list->nodes[kept++] = list->nodes[i];
        }
    }
    list->count = rings.count > 0 ? kept : list->count;
    return MM_OK;
}

static bool type_among(const mm_growth_finding *finding, uint32_t type) {
    for (uint32_t i = 0; i < finding->type_count; i++) {
        if (finding->types[i] == type) {
            return true;
        }
    }
    return false;
}

// References of an old object that nobody reaches to new objects.
static uint32_t new_entries(const mm_growing_side *side, uint32_t node) {
    const mm_graph *graph = side->graph;
    const mm_mark *now = &side->marks[side->rounds];
    uint32_t count = 0;
    if (node >= now->count || side->birth[node] != 0 || now->reached[node] != MM_REACHED_BY_C) {
        return 0;
    }
    for (uint32_t edge = graph->file->reference_start[node];
         edge < graph->file->reference_start[node + 1]; edge++) {
        count += side->fresh[graph->file->reference_target[edge]] == MM_FRESH_OTHER &&
                 mm_graph_edge_owns(graph, edge);
    }
    return count;
}

// What the old object with most of such references leads to through what is new.
static MM_STATUS table_list(mm_growing *work, const mm_growing_side *side, node_list *ret) {
    const mm_graph *graph = side->graph;
    node_list list = {.table = MM_NONE};
    uint32_t most = 0;
    for (uint32_t node = 0; node < graph->root_node; node++) {
        uint32_t entries = new_entries(side, node);
        list.table = entries > most ? node : list.table;
        most = entries > most ? entries : most;
    }
    list.nodes = MM_ARENA_NEW(work->arena, uint32_t, (size_t)graph->root_node + 1);
    if (list.nodes == NULL) {
        return MM_E_NOMEM;
    }
    work->walk++;
    uint32_t node = list.table;
    for (uint32_t head = 0; node != MM_NONE; head++) {
        for (uint32_t edge = graph->file->reference_start[node];
             edge < graph->file->reference_start[node + 1]; edge++) {
            uint32_t target = graph->file->reference_target[edge];
            if (side->fresh[target] == MM_FRESH_OTHER && work->seen[target] != work->walk &&
                mm_graph_edge_owns(graph, edge)) {
                work->seen[target] = work->walk;
                list.bytes += mm_mark_row_of(&side->marks[side->rounds], target).bytes;
                list.nodes[list.count++] = target;
            }
        }
        node = head < list.count ? list.nodes[head] : MM_NONE;
    }
    *ret = list;
    return MM_OK;
}

static MM_STATUS list_of(mm_growing *work, const mm_growing_side *side, unreached_kind which,
                         node_list *ret) {
    if (which == UNREACHED_TABLE) {
        return table_list(work, side, ret);
    }
    MM_TRY(unreached_list(work, side, which, ret));
    return which == UNREACHED_WAITING ? rings_keep(work, side, ret) : MM_OK;
}

// Does the type of `finding` go on among the same objects of the late rounds?
static MM_STATUS goes_on(mm_growing *work, unreached_kind which, const mm_growth_finding *finding,
                         bool *ret) {
    mm_growth_finding late;
    node_list list;
    *ret = true;
    if (work->late.graph == NULL) {
        return MM_OK;
    }
    mm_growing_finding_init(&late);
    MM_TRY(list_of(work, &work->late, which, &list));
    MM_TRY(mm_growing_types_of(work, &work->late, list.nodes, list.count, 0, &late, NULL));
    *ret = type_among(&late, finding->type);
    return MM_OK;
}

// `added` is what the types grew by over the early rounds, one by one.
static MM_STATUS types_append(mm_growing *work, mm_growth_finding *finding, const uint32_t *types,
                              uint32_t count) {
    uint32_t *all = MM_ARENA_NEW(work->arena, uint32_t, (size_t)finding->type_count + count + 1);
    if (all == NULL) {
        return MM_E_NOMEM;
    }
    if (finding->type_count > 0) {
        memcpy(all, finding->types, finding->type_count * sizeof(*all));
    }
    finding->types = all;
    for (uint32_t i = 0; i < count; i++) {
        if (!type_among(finding, types[i])) {
            finding->types[finding->type_count++] = types[i];
        }
    }
    finding->type = finding->types[0];
    return MM_OK;
}

static MM_STATUS unreached_find(mm_growing *work, unreached_kind which, mm_growth_finding *finding,
                                bool *ret) {
    const mm_growing_side *side = &work->early;
    const mm_graph *graph = side->graph;
    node_list list;
    uint32_t rate = 0;
    *ret = false;
    MM_TRY(list_of(work, side, which, &list));
    MM_TRY(mm_growing_types_of(work, side, list.nodes, list.count, 0, finding, &rate));
    if (which != UNREACHED_CULPRIT) {
        // A ring that only a hidden reference closes is not seen: what hangs on it is in the list.
        mm_growing_owner_first(work, side, list.nodes, list.count, false, finding, &rate);
    }
    if (finding->type_count == 0 || !often_enough(work, rate)) {
        finding->type_count = 0;
        return MM_OK;
    }
    MM_TRY(goes_on(work, which, finding, ret));
    if (!*ret) {
        finding->type_count = 0;
        return MM_OK;
    }
    uint64_t missing = 0;
    for (uint32_t i = 0; i < list.count; i++) {
        uint32_t node = list.nodes[i];
        if (mm_growing_type(side, node) == finding->type) {
            missing +=
                mm_graph_unaccounted(graph, node) > 0 ? mm_graph_unaccounted(graph, node) : 1;
            bool newer =
                finding->newest == MM_NONE || side->birth[node] >= side->birth[finding->newest];
            finding->newest = newer ? node : finding->newest;
        }
    }
    finding->table = list.table;
    finding->grown_bytes = list.bytes;
    uint64_t steps = early_steps(work);
    finding->missing_per_1000_steps =
        which == UNREACHED_CULPRIT ? missing * 1000 / steps : MM_UNKNOWN;
    return MM_OK;
}

// Of the census first what is loose: the rest is in it.
typedef enum slope_kind { SLOPE_LOOSE, SLOPE_CENSUS, SLOPE_MISSING } slope_kind;

static uint64_t slope_value(const mm_mark *mark, uint32_t type, slope_kind kind) {
    if (type >= mark->type_count) {
        return 0;
    }
    const mm_mark_type *of = &mark->types[type];
    return kind == SLOPE_LOOSE    ? of->census_loose
           : kind == SLOPE_CENSUS ? of->census_count
                                  : of->missing_count;
}

// Where a round is of a few calls, what a library does while it warms up looks steady. A reference
// that is forgotten is so in every call: then each round must have a whole number for each.
static bool is_by_the_call(const mm_growing *work, const uint32_t *deltas, uint32_t rounds) {
    uint64_t steps = round_steps(work);
    for (uint32_t i = 0; steps < STEPS_FEW && i < rounds; i++) {
        if (deltas[i] % steps != 0) {
            return false;
        }
    }
    return true;
}

// Growth of a number over the early rounds when it is steady and goes on; 0 = it does not grow.
static uint64_t slope_of(const mm_growing *work, uint32_t type, slope_kind kind) {
    const mm_growth_input *input = work->input;
    uint32_t deltas[MM_GROWING_ROUNDS_MAX];
    uint32_t rounds = input->early < MM_GROWING_ROUNDS_MAX ? input->early : MM_GROWING_ROUNDS_MAX;
    for (uint32_t i = 0; i < rounds; i++) {
        uint64_t before = slope_value(&input->marks[i], type, kind);
        uint64_t after = slope_value(&input->marks[i + 1], type, kind);
        deltas[i] = after > before ? (uint32_t)(after - before) : 0;
    }
    uint32_t rate = mm_growing_steady(deltas, rounds);
    if (rate == 0 || !often_enough(work, rate) || !is_by_the_call(work, deltas, rounds)) {
        return 0;
    }
    for (uint32_t i = input->early + 1; i < input->mark_count; i++) {
        uint64_t before = slope_value(&input->marks[i - 1], type, kind);
        uint64_t after = slope_value(&input->marks[i], type, kind);
        if (after <= before ||
            (after - before) * 2000 < (uint64_t)rate * mm_growing_ratio(work, i - 1, i)) {
            return 0;
        }
    }
    return slope_value(&input->marks[input->early], type, kind) -
           slope_value(&input->marks[0], type, kind);
}

static uint64_t bytes_each(const mm_mark_type *type, slope_kind kind) {
    uint64_t count = kind == SLOPE_MISSING ? type->object_count : type->census_count;
    uint64_t bytes = kind == SLOPE_MISSING ? type->bytes : type->census_bytes;
    return count > 0 && bytes > count ? bytes / count : 1;
}

// Of references that nobody accounts for: are there more objects at all, or do the same ones get
// more and more?
static uint64_t objects_grown(const mm_growing *work, uint32_t type, slope_kind kind,
                              uint64_t growth) {
    if (kind != SLOPE_MISSING) {
        return growth;
    }
    const mm_mark *first = &work->input->marks[0];
    uint64_t before = type < first->type_count ? first->types[type].object_count : 0;
    uint64_t after = work->input->marks[work->input->early].types[type].object_count;
    return after <= before || (after - before) * 2 < growth ? 0 : after - before;
}

// Names and classes are owned by caches inside of the interpreter. Where there are no more objects
// than before, only those of the program's own classes count: libraries forget references to None
// and to descriptors that live for ever, and nothing grows by that.
static bool slope_leaves_out(const mm_growing *work, uint32_t type, slope_kind kind,
                             uint64_t growth) {
    const char *name = work->input->names->names[type];
    return kind == SLOPE_MISSING &&
           (strcmp(name, "str") == 0 || strcmp(name, "type") == 0 ||
            (objects_grown(work, type, kind, growth) == 0 && !mm_growing_is_program(work, type)));
}

static MM_STATUS slopes_find(mm_growing *work, slope_kind kind, mm_growth_finding *finding) {
    const mm_mark *now = &work->input->marks[work->input->early];
    uint64_t most = 0;
    uint64_t most_bytes = 0;
    uint32_t lead = MM_NONE;
    uint32_t count = 0;
    uint32_t *types = MM_ARENA_NEW(work->arena, uint32_t, (size_t)now->type_count + 1);
    if (types == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t type = 0; type < now->type_count; type++) {
        uint64_t growth = slope_of(work, type, kind);
        if (growth == 0 || slope_leaves_out(work, type, kind, growth)) {
            continue;
        }
        types[count++] = type;
        uint64_t each = bytes_each(&now->types[type], kind);
        if (lead == MM_NONE || growth * each > most_bytes) {
            lead = type;
            most = growth;
            most_bytes = growth * each;
        }
    }
    if (count == 0) {
        return MM_OK;
    }
    bool first = finding->type_count == 0;
    for (uint32_t i = 0; i < count; i++) {
        if (types[i] == lead) {
            types[i] = types[0];
            types[0] = lead;
        }
    }
    MM_TRY(types_append(work, finding, types, count));
    if (first) {
        finding->grown_objects = objects_grown(work, lead, kind, most);
        finding->grown_bytes = finding->grown_objects == 0 ? 0 : most_bytes;
        finding->missing_per_1000_steps = most * 1000 / early_steps(work);
    }
    return MM_OK;
}

static bool python_explains(const mm_growing *work) {
    for (uint32_t i = 0; i < work->finding_count; i++) {
        const mm_growth_finding *finding = &work->findings[i];
        if (!finding->echo &&
            (finding->settled == MM_SETTLED_LEAK || finding->settled == MM_SETTLED_UNKNOWN)) {
            return true;
        }
    }
    return false;
}

static MM_STATUS by_c_report(mm_growing *work, const mm_growth_finding *found,
                             mm_growth_kind kind) {
    mm_growth_finding *finding = mm_growing_finding(work);
    if (finding == NULL) {
        return MM_E_NOMEM;
    }
    *finding = *found;
    finding->kind = kind;
    finding->echo = false;
    finding->settled = work->late.graph == NULL ? MM_SETTLED_UNKNOWN : MM_SETTLED_LEAK;
    uint64_t before = work->input->marks[0].process.steps;
    uint64_t after = work->input->marks[work->input->early].process.steps;
    finding->steps =
        before != MM_UNKNOWN && after != MM_UNKNOWN && after > before ? after - before : MM_UNKNOWN;
    return MM_OK;
}

MM_STATUS mm_growing_by_c(mm_growing *work) {
    mm_growth_finding finding;
    bool found = false;
    bool explained = python_explains(work);
    mm_growing_finding_init(&finding);
    if (!explained) {
        MM_TRY(unreached_find(work, UNREACHED_TABLE, &finding, &found));
    }
    if (!found) {
        MM_TRY(unreached_find(work, UNREACHED_CULPRIT, &finding, &found));
    }
    if (explained && finding.type_count > 0 && mm_growing_is_shadow(work, finding.type)) {
        // The interpreter has weak references of its own to what Python keeps, such as a thread's;
        // what else it has of a thread comes behind them.
        mm_growing_finding_init(&finding);
    }
    if (!explained) {
        MM_TRY(slopes_find(work, SLOPE_LOOSE, &finding));
        MM_TRY(slopes_find(work, SLOPE_CENSUS, &finding));
        MM_TRY(slopes_find(work, SLOPE_MISSING, &finding));
    }
    if (finding.type_count > 0) {
        MM_TRY(by_c_report(work, &finding, MM_GROWTH_BY_C));
    }
    if (!work->input->collected) {
        return MM_OK;
    }
    mm_growing_finding_init(&finding);
    MM_TRY(unreached_find(work, UNREACHED_WAITING, &finding, &found));
    return found ? by_c_report(work, &finding, MM_GROWTH_GC_INVISIBLE) : MM_OK;
}
