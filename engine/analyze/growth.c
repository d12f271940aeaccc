// Growth, from the marks of a session and two of its graphs: see growing.h for the way of an
// answer and each file for its rules.
//
// The order of findings never depends on addresses: what goes on before what has settled, then by
// the kind, by bytes, by what a person can do about the holder, by the length of its path and by
// the path's text.
#include "analyze/growth.h"

#include <string.h>

#include "analyze/growing.h"
#include "base/free/sort.h"

static const char no_memory[] = "no memory to find what grows";

enum { FINDINGS_FIRST = 64, BYTES_SEEN_MIN = 100, WALKS_PER_NODE = 64, GROUP_SETTLED = 5 };

void mm_growing_finding_init(mm_growth_finding *finding) {
    mm_growth_finding empty = {.settled = MM_SETTLED_UNKNOWN,
                               .guilty = {MM_NONE, MM_NONE},
                               .newest = MM_NONE,
                               .type = MM_NONE,
                               .link = {MM_NONE, MM_NONE},
                               .places = 1,
                               .entries = MM_UNKNOWN,
                               .late_entries = MM_UNKNOWN,
                               .bound = MM_UNKNOWN,
                               .steps = MM_UNKNOWN,
                               .missing_per_1000_steps = MM_UNKNOWN,
                               .table = MM_NONE};
    *finding = empty;
}

mm_growth_finding *mm_growing_finding(mm_growing *work) {
    if (work->finding_count == work->finding_room) {
        uint32_t room = work->finding_room == 0 ? FINDINGS_FIRST : work->finding_room * 2;
        mm_growth_finding *grown = MM_ARENA_NEW(work->arena, mm_growth_finding, room);
        if (grown == NULL) {
            return NULL;
        }
        if (work->finding_count > 0) {
            memcpy(grown, work->findings, work->finding_count * sizeof(*grown));
        }
        work->findings = grown;
        work->finding_room = room;
    }
    mm_growth_finding *finding = &work->findings[work->finding_count++];
    mm_growing_finding_init(finding);
    return finding;
}

typedef struct ranked {
    mm_growth_finding finding;
    uint32_t depth;
    uint8_t tier;
    char *path;
} ranked;

static unsigned finding_group(const mm_growth_finding *finding) {
    bool goes_on = finding->settled == MM_SETTLED_LEAK || finding->settled == MM_SETTLED_UNKNOWN;
    if (finding->kind == MM_GROWTH_HELD || finding->kind == MM_GROWTH_ONE_OBJECT) {
        return goes_on ? 0 : GROUP_SETTLED;
    }
    return (unsigned)finding->kind;
}

static bool ranked_before(const void *left, const void *right, const void *context) {
    const ranked *a = left;
    const ranked *b = right;
    (void)context;
    if (finding_group(&a->finding) != finding_group(&b->finding)) {
        return finding_group(&a->finding) < finding_group(&b->finding);
    }
    if (a->finding.echo != b->finding.echo) {
        return b->finding.echo;
    }
    if (a->finding.grown_bytes != b->finding.grown_bytes) {
        return a->finding.grown_bytes > b->finding.grown_bytes;
    }
    if (a->tier != b->tier) {
        return a->tier < b->tier;
    }
    return a->depth != b->depth ? a->depth < b->depth : strcmp(a->path, b->path) < 0;
}

// Do weak references only follow what another finding tells, were it a cache that still fills? They
// go with what they refer to, and keep nothing.
static bool follows_another(const mm_growing *work, const ranked *rows,
                            const mm_growth_finding *echo) {
    const mm_growing_side *side = &work->early;
    uint32_t referent = echo->newest < side->graph->root_node
                            ? mm_graph_referent(side->graph, echo->newest)
                            : MM_NONE;
    if (referent == MM_NONE) {
        return false;
    }
    uint32_t type = mm_growing_type(side, referent);
    for (uint32_t i = 0; i < work->finding_count; i++) {
        const mm_growth_finding *finding = &rows[i].finding;
        for (uint32_t k = 0; !finding->echo && k < finding->type_count; k++) {
            if (finding->types[k] == type) {
                return true;
            }
        }
    }
    return false;
}

static MM_STATUS findings_rank(mm_growing *work) {
    const mm_growing_side *side = &work->early;
    ranked *rows = MM_ARENA_NEW(work->arena, ranked, (size_t)work->finding_count + 1);
    ranked *buffer = MM_ARENA_NEW(work->arena, ranked, (size_t)work->finding_count + 1);
    if (rows == NULL || buffer == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t i = 0; i < work->finding_count; i++) {
        const mm_growth_finding *finding = &work->findings[i];
        rows[i].finding = *finding;
        rows[i].path = MM_ARENA_NEW(work->arena, char, MM_GROWING_TEXT_BYTES);
        if (rows[i].path == NULL) {
            return MM_E_NOMEM;
        }
        if (finding->guilty.source != MM_NONE) {
            rows[i].tier = mm_growing_tier(side, finding->guilty.source);
            rows[i].depth = mm_growing_depth(side, finding->guilty.source);
            mm_growing_path_text(side, finding->guilty.source, finding->guilty.edge, rows[i].path);
        }
    }
    mm_sort(rows, buffer, work->finding_count, sizeof(*rows), ranked_before, NULL);
    // A shadow is one only beside what casts it.
    bool shadows = work->finding_count > 0 && !rows[0].finding.echo;
    for (uint32_t i = 0; i < work->finding_count; i++) {
        mm_growth_finding *finding = &work->findings[i];
        *finding = rows[i].finding;
        finding->echo = finding->echo && (shadows || follows_another(work, rows, finding));
    }
    return MM_OK;
}

static MM_STATUS growing_init(mm_growing *work, mm_error *err) {
    const mm_growth_input *input = work->input;
    bool late = input->early + 1 < input->mark_count;
    mm_growing_side early = {
        .graph = input->early_graph, .marks = input->marks, .rounds = input->early};
    work->early = early;
    size_t room = (size_t)input->marks[input->early].count + 1;
    // One late mark alone has no rounds: it is not asked.
    if (late && input->mark_count - input->early > 2) {
        mm_growing_side end = {.graph = input->late_graph,
                               .marks = input->marks + input->early + 1,
                               .rounds = input->mark_count - input->early - 2};
        work->late = end;
        size_t other = (size_t)input->marks[input->mark_count - 1].count + 1;
        room = other > room ? other : room;
    }
    work->seen = MM_ARENA_NEW(work->arena, uint32_t, room);
    work->queue = MM_ARENA_NEW(work->arena, uint32_t, room);
    work->budget = (uint64_t)room * WALKS_PER_NODE;
    work->node_room = room;
    return work->seen == NULL || work->queue == NULL ? mm_fail(err, MM_E_NOMEM, no_memory, 0)
                                                     : MM_OK;
}

static void side_forget(mm_growing *work, mm_growing_side *side) {
    size_t nodes = (size_t)side->marks[side->rounds].count + 1;
    MM_ARENA_GIVE_BACK(work->arena, side->fresh, nodes);
    MM_ARENA_GIVE_BACK(work->arena, side->mask, nodes);
    MM_ARENA_GIVE_BACK(work->arena, side->shapes, nodes);
    MM_ARENA_GIVE_BACK(work->arena, side->paths.via, nodes);
    MM_ARENA_GIVE_BACK(work->arena, side->paths.level, nodes);
    MM_ARENA_GIVE_BACK(work->arena, side->paths.link, nodes);
    MM_ARENA_GIVE_BACK(work->arena, side->paths.depth, nodes);
}

// Most of the memory that growth takes goes to columns by node, of which the answer needs one.
static void growing_forget(mm_growing *work) {
    MM_ARENA_GIVE_BACK(work->arena, work->seen, work->node_room);
    MM_ARENA_GIVE_BACK(work->arena, work->queue, work->node_room);
    side_forget(work, &work->early);
    if (work->late.graph != NULL) {
        MM_ARENA_GIVE_BACK(work->arena, work->late.birth,
                           (size_t)work->late.marks[work->late.rounds].count + 1);
        side_forget(work, &work->late);
    }
}

static MM_STATUS growing_run(mm_growing *work) {
    MM_TRY(mm_growing_groups(work, &work->early));
    if (work->late.graph != NULL) {
        work->budget = ((uint64_t)work->late.graph->root_node + 1) * WALKS_PER_NODE;
        MM_TRY(mm_growing_groups(work, &work->late));
        MM_TRY(mm_growing_turnover(work));
    }
    MM_TRY(mm_growing_held(work));
    MM_TRY(mm_growing_one(work));
    MM_TRY(mm_growing_anew(work));
    MM_TRY(mm_growing_by_c(work));
    return findings_rank(work);
}

MM_STATUS mm_growth_find(const mm_growth_input *input, mm_arena *arena, mm_growth *ret,
                         mm_error *err) {
    mm_growing work = {.input = input, .arena = arena};
    mm_growth growth = {.smallest_bytes_per_step = MM_UNKNOWN};
    MM_ASSERT(input->early >= 1);
    MM_ASSERT(input->early < input->mark_count);
    MM_TRY(growing_init(&work, err));
    MM_TRY(mm_growing_births(&work, &work.early, err));
    MM_TRY(mm_growing_rank_types(&work, err));
    if (work.late.graph != NULL) {
        MM_TRY(mm_growing_births(&work, &work.late, err));
    }
    if (growing_run(&work) != MM_OK) {
        return mm_fail(err, MM_E_NOMEM, no_memory, 0);
    }
    uint64_t before = input->marks[0].process.steps;
    uint64_t after = input->marks[input->early].process.steps;
    if (before != MM_UNKNOWN && after != MM_UNKNOWN && after > before) {
        // In objects less would show; memory that no object has is believed from so much on only.
        uint64_t in_objects = (BYTES_SEEN_MIN + after - before - 1) / (after - before);
        uint64_t round_steps = (after - before + input->early - 1) / input->early;
        uint64_t outside = mm_growth_native_least(round_steps);
        growth.smallest_bytes_per_step = in_objects > outside ? in_objects : outside;
    }
    bool explained = false;
    for (uint32_t i = 0; i < work.finding_count; i++) {
        explained = explained || finding_group(&work.findings[i]) < GROUP_SETTLED ||
                    work.findings[i].settled == MM_SETTLED_BOUNDED;
    }
    growth.unexplained_bytes_per_step = explained ? 0 : mm_growing_unexplained(&work);
    // What was moved is shown as a part of what is new.
    for (uint32_t node = 0; node < work.early.marks[work.early.rounds].count; node++) {
        if (work.early.fresh[node] == MM_FRESH_MOVED) {
            work.early.birth[node] = work.early.rounds;
        }
    }
    growing_forget(&work);
    growth.findings = work.findings;
    growth.finding_count = work.finding_count;
    growth.birth = work.early.birth;
    *ret = growth;
    return MM_OK;
}
