// Where growth begins when the guilty reference does not multiply: it leads to one object, another
// one every time, and the objects hang behind that.
//
//     old ──.table──▶ tuple ──[*]──▶ all of them       a container that is replaced: fan-out
//     old ──.last──▶ new ──.next──▶ new ──.next──▶ ..  a chain: the link is what to look at
//
// From the newest target breadth first. The first object with many references of one name is a
// fan-out. Else the way to the last object met is read back: a reference that stands on it four
// times is a link; of several that stand there as often, the one that a person wrote: a local of a
// frame, then an attribute, then the rest. A way through a tree is short: of a chain it has most
// that was met, or, where each link has things beside it, still more than the root of that.
#include "analyze/growing.h"

enum { LINKS_MIN = 4, LINKS_MAX = 32, FAN_PERCENT = 15 };

typedef struct chain_link {
    uint64_t key;
    uint32_t type;
    uint32_t source;
    uint32_t edge;
    uint32_t count;
} chain_link;

typedef struct chain_walk {
    mm_growing *work;
    uint32_t *from;  // by place in the queue: place of the object before
    uint32_t *edge;  // by place: the reference from it
    uint32_t tail;
} chain_walk;

static bool chain_meet(chain_walk *walk, uint32_t place, uint32_t edge, uint32_t node) {
    mm_growing *work = walk->work;
    uint8_t fresh = work->early.fresh[node];
    if ((fresh != MM_FRESH_REACHED && fresh != MM_FRESH_MOVED) || work->seen[node] == work->walk) {
        return false;
    }
    work->seen[node] = work->walk;
    work->queue[walk->tail] = node;
    walk->from[walk->tail] = place;
    walk->edge[walk->tail++] = edge;
    return true;
}

// Has the object so many entries that are new? They bear one name: they are entries of data.
static bool fans_out(const mm_growing *work, uint32_t node, uint64_t least) {
    const mm_graph *graph = work->early.graph;
    const mm_file *file = graph->file;
    uint64_t count = 0;
    if ((graph->node_flags[node] & MM_NODE_NAMESPACE) != 0) {
        return false;
    }
    for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
         edge++) {
        unsigned naming = mm_file_naming(file, edge);
        bool entry = naming == MM_NAME_INDEX || naming == MM_NAME_KEY || naming == MM_NAME_VALUE ||
                     naming == MM_NAME_MEMBER;
        count += entry && work->early.fresh[file->reference_target[edge]] == MM_FRESH_REACHED;
    }
    return count >= least;
}

// The last new object among a container's entries.
static uint32_t fan_newest(const mm_growing *work, uint32_t node) {
    const mm_file *file = work->early.graph->file;
    uint32_t newest = MM_NONE;
    for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
         edge++) {
        uint32_t target = file->reference_target[edge];
        if (work->early.fresh[target] == MM_FRESH_REACHED &&
            (newest == MM_NONE || work->early.birth[target] >= work->early.birth[newest])) {
            newest = target;
        }
    }
    return newest;
}

static unsigned link_worth(const mm_graph *graph, const chain_link *link) {
    unsigned naming = mm_file_naming(graph->file, link->edge);
    if (mm_graph_edge_folds(graph, link->source, link->edge)) {
        return 0;
    }
    if (naming == MM_NAME_LOCAL) {
        return 4;
    }
    if (naming == MM_NAME_INLINE ||
        (naming == MM_NAME_VALUE && (graph->node_flags[link->source] & MM_NODE_NAMESPACE) != 0)) {
        return 3;
    }
    return naming == MM_NAME_WORD || naming == MM_NAME_NAMED ? 2 : 1;
}

// Is the way that the link stands on a line, and not a branch of a tree? A tree of n nodes is
// little deeper than the logarithm of n; a line has all of n, and a share of it where every link
// has others of its type beside it: frames below the one that catches.
static bool link_is_line(const chain_walk *walk, const chain_link *link) {
    const mm_growing *work = walk->work;
    uint64_t count = 0;
    for (uint32_t place = 0; place < walk->tail; place++) {
        count += mm_growing_type(&work->early, work->queue[place]) == link->type;
    }
    return (uint64_t)link->count * link->count >= 4 * count;
}

// Read the way back from the last object that was met.
static bool link_find(const chain_walk *walk, mm_growth_edge *ret) {
    const mm_growing *work = walk->work;
    const mm_graph *graph = work->early.graph;
    chain_link links[LINKS_MAX];
    uint32_t link_count = 0;
    uint32_t most = 0;
    for (uint32_t place = walk->tail - 1; place != 0; place = walk->from[place]) {
        uint32_t source = work->queue[walk->from[place]];
        if (walk->edge[place] == MM_NONE) {
            continue;
        }
        uint64_t key = mm_growing_key(graph, source, walk->edge[place]);
        uint32_t type = mm_growing_type(&work->early, source);
        uint32_t i = 0;
        while (i < link_count && (links[i].key != key || links[i].type != type)) {
            i++;
        }
        if (i == LINKS_MAX) {
            continue;
        }
        if (i == link_count) {
            chain_link link = {key, type, source, walk->edge[place], 0};
            links[link_count++] = link;
        }
        // The last one read is the nearest to the head.
        links[i].source = source;
        links[i].edge = walk->edge[place];
        links[i].count++;
        most = links[i].count > most ? links[i].count : most;
    }
    const chain_link *best = NULL;
    for (uint32_t i = 0; i < link_count; i++) {
        bool often = links[i].count >= LINKS_MIN && links[i].count * 2 >= most;
        if (often && (best == NULL || link_worth(graph, &links[i]) > link_worth(graph, best)) &&
            link_is_line(walk, &links[i])) {
            best = &links[i];
        }
    }
    if (best == NULL) {
        return false;
    }
    ret->source = best->source;
    ret->edge = best->edge;
    return true;
}

// The old part of a chain is no holder: climb to the first of the same references on the path, and
// where that reference is the chain's own link, to the one that leads to its head.
static void chain_begin(const mm_growing *work, uint64_t key, const mm_growth_edge *link,
                        mm_growth_edge *guilty) {
    const mm_growing_side *side = &work->early;
    const mm_graph *graph = side->graph;
    uint32_t node = guilty->source;
    if (node == graph->root_node) {
        return;
    }
    uint32_t type = mm_growing_type(side, node);
    while (side->paths.via[node] == MM_VIA_EDGE) {
        uint32_t edge = side->paths.link[node];
        node = mm_graph_edge_source(graph, edge);
        if (mm_growing_type(side, node) == type && mm_growing_key(graph, node, edge) == key) {
            guilty->source = node;
            guilty->edge = edge;
        }
    }
    node = guilty->source;
    if (side->paths.via[node] == MM_VIA_EDGE && mm_growing_type(side, link->source) == type &&
        mm_growing_key(graph, link->source, link->edge) == key) {
        guilty->edge = side->paths.link[node];
        guilty->source = mm_graph_edge_source(graph, guilty->edge);
    }
}

MM_STATUS mm_growing_chain(mm_growing *work, const mm_growing_group *group,
                           mm_growth_finding *finding, uint64_t rate) {
    const mm_graph *graph = work->early.graph;
    const mm_file *file = graph->file;
    size_t room = (size_t)group->reach_count + 1;
    chain_walk walk = {.work = work};
    uint64_t least = rate * mm_growing_rounds(&work->early) * FAN_PERCENT / 100;
    least = least < LINKS_MIN ? LINKS_MIN : least;
    walk.from = MM_ARENA_NEW(work->arena, uint32_t, room);
    walk.edge = MM_ARENA_NEW(work->arena, uint32_t, room);
    if (walk.from == NULL || walk.edge == NULL) {
        return MM_E_NOMEM;
    }
    finding->unsteady = true;
    work->walk++;
    (void)chain_meet(&walk, 0, MM_NONE, finding->newest);
    for (uint32_t head = 0; head < walk.tail; head++) {
        uint32_t node = work->queue[head];
        if (fans_out(work, node, least)) {
            finding->newest = fan_newest(work, node);
            return MM_OK;
        }
        for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
             edge++) {
            if (mm_graph_edge_owns(graph, edge)) {
                (void)chain_meet(&walk, head, edge, file->reference_target[edge]);
            }
        }
    }
    finding->chain = link_find(&walk, &finding->link);
    if (finding->chain) {
        chain_begin(work, group->key, &finding->link, &finding->guilty);
    }
    return MM_OK;
}
