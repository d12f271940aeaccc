// Pearce's search with its two stacks in one array. A node is on the path from the start (growing
// up from the bottom), or waits for the root of its component (growing down from the top), never
// both, so that together they hold no more than all nodes.
//
//     stack   │ path ─▶            ◀─ waiting │
//
// Sinks, half of a Python heap, lead nowhere and are never entered.
//
// `rank` is 0 for an unseen node, then the least number that the node leads back to, and from the
// moment its component is complete a number above all that will still be given.
#include "analyze/scc.h"

#include <string.h>

// What is known of a node on the path.
enum { LEADS_BACK = 1, LEADS_TO_ITSELF = 2 };

typedef struct scc_work {
    const mm_flow *flow;
    const uint8_t *left_out;
    uint32_t object_count;
    uint32_t *rank;
    uint32_t *stack;
    uint8_t *known;  // by place on the path
    uint32_t path_count;
    uint32_t room;     // places on the stack: nodes that may be entered
    uint32_t waiting;  // first used place at the top
    uint32_t next_rank;
    uint32_t done_rank;
    uint32_t *of;  // by node: on the path the next edge, then what is answered
    uint32_t count;
} scc_work;

static bool scc_enters(const scc_work *work, uint32_t node) {
    bool leads_on = work->flow->start[node] < work->flow->start[node + 1];
    return leads_on && (node >= work->object_count || work->left_out[node] == 0);
}

static void scc_begin(scc_work *work, uint32_t node) {
    MM_ASSERT(work->path_count < work->waiting);
    work->rank[node] = work->next_rank++;
    work->of[node] = work->flow->start[node];
    work->stack[work->path_count] = node;
    work->known[work->path_count++] = 0;
}

static void scc_claim(scc_work *work, uint32_t node, bool cyclic) {
    work->rank[node] = work->done_rank;
    work->of[node] = cyclic ? work->count : MM_NONE;
}

// All edges of the last node of the path have been looked at.
static void scc_end(scc_work *work) {
    uint32_t node = work->stack[--work->path_count];
    uint8_t known = work->known[work->path_count];
    uint32_t size = work->room;
    if ((known & LEADS_BACK) != 0) {
        work->stack[--work->waiting] = node;
    } else {
        bool cyclic =
            (known & LEADS_TO_ITSELF) != 0 ||
            (work->waiting < size && work->rank[work->stack[work->waiting]] >= work->rank[node]);
        uint32_t rank = work->rank[node];
        while (work->waiting < size && work->rank[work->stack[work->waiting]] >= rank) {
            scc_claim(work, work->stack[work->waiting++], cyclic);
            work->next_rank--;
        }
        scc_claim(work, node, cyclic);
        work->next_rank--;
        work->done_rank--;
        work->count += cyclic;
    }
    if (work->path_count > 0 && work->rank[node] < work->rank[work->stack[work->path_count - 1]]) {
        work->rank[work->stack[work->path_count - 1]] = work->rank[node];
        work->known[work->path_count - 1] |= LEADS_BACK;
    }
}

static void scc_from(scc_work *work, uint32_t first) {
    const mm_flow *flow = work->flow;
    scc_begin(work, first);
    while (work->path_count > 0) {
        uint32_t top = work->path_count - 1;
        uint32_t node = work->stack[top];
        uint32_t edge = work->of[node];
        uint32_t end = flow->start[node + 1];
        uint32_t rank = work->rank[node];
        uint32_t unseen = MM_NONE;
        while (edge < end && unseen == MM_NONE) {
            uint32_t target = flow->target[edge++];
            uint32_t other = work->rank[target];
            if (other == 0) {
                unseen = scc_enters(work, target) ? target : MM_NONE;
            } else if (other < rank) {
                rank = other;
                work->known[top] |= LEADS_BACK;
            } else if (target == node) {
                work->known[top] |= LEADS_TO_ITSELF;
            }
        }
        work->rank[node] = rank;
        work->of[node] = edge;
        if (unseen != MM_NONE) {
            scc_begin(work, unseen);
        } else {
            scc_end(work);
        }
    }
}

// Number the cycles by their first members and list them.
static MM_STATUS scc_list(scc_work *work, mm_arena *arena, mm_scc *ret, mm_error *err) {
    mm_scc scc = {.of = work->of, .count = work->count};
    uint32_t *number = MM_ARENA_NEW(arena, uint32_t, (size_t)scc.count + 1);
    scc.start = MM_ARENA_NEW(arena, uint32_t, (size_t)scc.count + 2);
    if (number == NULL || scc.start == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory to list cycles", 0);
    }
    uint32_t next = 0;
    uint32_t members = 0;
    for (uint32_t node = 0; node < work->object_count; node++) {
        if (scc.of[node] == MM_NONE) {
            continue;
        }
        uint32_t *at = &number[scc.of[node]];
        *at = *at == 0 ? ++next : *at;
        scc.of[node] = *at - 1;
        scc.start[*at]++;
        members++;
    }
    MM_ASSERT(next == scc.count);
    for (uint32_t i = 0; i < scc.count; i++) {
        scc.start[i + 1] += scc.start[i];
        number[i] = scc.start[i];
    }
    MM_ASSERT(scc.start[scc.count] == members);
    scc.member = MM_ARENA_NEW(arena, uint32_t, (size_t)members + 1);
    if (scc.member == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory to list cycles", 0);
    }
    for (uint32_t node = 0; node < work->object_count; node++) {
        if (scc.of[node] != MM_NONE) {
            scc.member[number[scc.of[node]]++] = node;
        }
    }
    MM_ARENA_GIVE_BACK(arena, number, (size_t)scc.count + 1);
    *ret = scc;
    return MM_OK;
}

MM_STATUS mm_scc_find(const mm_flow *flow, const uint8_t *left_out, mm_arena *arena, mm_scc *ret,
                      mm_error *err) {
    scc_work work = {.flow = flow, .left_out = left_out, .next_rank = 1, .rank = flow->scratch};
    work.object_count = flow->graph->root_node;
    work.room = flow->entry_count;
    for (uint32_t node = 0; node < work.object_count; node++) {
        work.room += scc_enters(&work, node);
    }
    work.waiting = work.room;
    size_t nodes = (size_t)work.room + 1;
    work.done_rank = MM_NONE - 1;
    work.stack = MM_ARENA_NEW(arena, uint32_t, nodes);
    work.known = MM_ARENA_NEW(arena, uint8_t, nodes);
    work.of = MM_ARENA_NEW(arena, uint32_t, (size_t)flow->node_count + 1);
    if (work.stack == NULL || work.known == NULL || work.of == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory to look for cycles", 0);
    }
    memset(work.rank, 0, flow->node_count * sizeof(uint32_t));
    memset(work.of, 0xff, flow->node_count * sizeof(uint32_t));
    for (uint32_t node = 0; node < work.object_count; node++) {
        if (work.rank[node] == 0 && scc_enters(&work, node)) {
            scc_from(&work, node);
            MM_ASSERT(work.waiting == work.room);
            MM_ASSERT(work.next_rank == 1);
        }
    }
    MM_ARENA_GIVE_BACK(arena, work.stack, nodes);
    MM_ARENA_GIVE_BACK(arena, work.known, nodes);
    return scc_list(&work, arena, ret, err);
}

MM_STATUS mm_scc_cut(const mm_flow *flow, mm_arena *arena, uint8_t **ret, mm_error *err) {
    const mm_graph *graph = flow->graph;
    const mm_file *file = graph->file;
    uint8_t *cut = MM_ARENA_NEW(arena, uint8_t, (size_t)file->object_count + 1);
    if (cut == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory to look for cycles", 0);
    }
    for (uint32_t node = 0; node < file->object_count; node++) {
        uint32_t kind = mm_graph_kind(graph, node);
        if (flow->reached[node] == MM_REACHED_NOT) {
            continue;
        }
        if (kind == MM_KIND_TYPE || kind == MM_KIND_MODULE) {
            cut[node] = 1;
        }
        // Functions lead straight to the namespace of their module.
        uint32_t edge =
            kind == MM_KIND_MODULE ? mm_graph_edge_with_role(graph, node, MM_ROLE_DICT) : MM_NONE;
        if (edge != MM_NONE) {
            cut[file->reference_target[edge]] = 1;
        }
    }
    *ret = cut;
    return MM_OK;
}
