// Which references speak of the same objects, which of them is the guilty one, and which leaks are
// one leak in many places.
//
// Groups, by bytes reached, join the first cluster with whose first group they share half of the
// smaller one's objects: one leak, several holders. In a cluster the guilty reference is the one
// that a person can do most about: not structure, in the program's own namespaces, one that
// multiplies, that reaches most, by the shortest path; then by the path's text. Clusters whose
// guilty references have one shape and whose types are the same are one finding: a registration
// that lands in many slots. So are those that tell one leak without an object in common: see
// growth_alike.c.
#include <string.h>

#include "analyze/growing.h"
#include "base/free/sort.h"

enum { ALSO_MAX = 8 };

typedef struct candidate {
    const mm_growing_group *group;
    mm_growth_finding finding;  // as far as the group alone tells
    uint32_t type_rate;
    uint64_t shape;
    uint32_t cluster;  // number of its first candidate
    uint32_t depth;
    uint32_t edge;  // the guilty one among the group's references
    uint8_t tier;
    bool low;
    char *path;
} candidate;

typedef struct candidates {
    mm_growing *work;
    candidate *items;
    uint32_t count;
} candidates;

// The reference that stands for a group: of its newest ones that whose name (key or value of an
// entry) leads to more; the last of those.
static uint32_t guilty_edge(const mm_growing *work, const mm_growing_group *group) {
    const mm_growing_side *side = &work->early;
    const mm_mark *now = &side->marks[side->rounds];
    uint64_t key_bytes = 0;
    uint64_t value_bytes = 0;
    uint32_t best = MM_NONE;
    uint32_t newest = 0;
    if (group->source == side->graph->root_node) {
        return group->refs[group->ref_count - 1].edge;
    }
    for (uint32_t i = 0; i < group->ref_count; i++) {
        const mm_growing_ref *ref = &group->refs[i];
        mm_mark_row row = mm_mark_row_of(now, ref->target);
        uint64_t weight = (uint64_t)row.bytes + row.leaf_bytes + (uint64_t)row.entries * 64;
        bool key = mm_file_naming(side->graph->file, ref->edge) == MM_NAME_KEY;
        key_bytes += key ? weight : 0;
        value_bytes += key ? 0 : weight;
    }
    for (uint32_t i = 0; i < group->ref_count; i++) {
        const mm_growing_ref *ref = &group->refs[i];
        bool key = mm_file_naming(side->graph->file, ref->edge) == MM_NAME_KEY;
        if (ref->source == group->source && key == (key_bytes > value_bytes) &&
            side->birth[ref->target] >= newest) {
            newest = side->birth[ref->target];
            best = ref->edge;
        }
    }
    return best != MM_NONE ? best : group->refs[group->ref_count - 1].edge;
}

static bool larger_before(const void *left, const void *right, const void *context) {
    const candidate *a = left;
    const candidate *b = right;
    (void)context;
    if (a->group->bytes != b->group->bytes) {
        return a->group->bytes > b->group->bytes;
    }
    if (a->depth != b->depth) {
        return a->depth < b->depth;
    }
    return strcmp(a->path, b->path) < 0;
}

static bool is_leak(const candidate *item) {
    return item->finding.settled == MM_SETTLED_LEAK || item->finding.settled == MM_SETTLED_UNKNOWN;
}

// Is `a` the better one to accuse? One that goes on before one that has settled.
static bool guiltier(const candidate *a, const candidate *b) {
    if (is_leak(a) != is_leak(b)) {
        return is_leak(a);
    }
    if (a->low != b->low) {
        return b->low;
    }
    if (a->tier != b->tier) {
        return a->tier < b->tier;
    }
    bool a_multiplies = a->group->edge_rate > 0;
    bool b_multiplies = b->group->edge_rate > 0;
    if (a_multiplies != b_multiplies) {
        return a_multiplies;
    }
    return larger_before(a, b, NULL);
}

static uint64_t steps_between(const mm_growing *work, uint32_t from, uint32_t to) {
    uint64_t before = work->input->marks[from].process.steps;
    uint64_t after = work->input->marks[to].process.steps;
    return before == MM_UNKNOWN || after == MM_UNKNOWN || after <= before ? MM_UNKNOWN
                                                                          : after - before;
}

// A tree that grows at another node each time: what holds it is where it begins, the first of the
// entries on the path to the node.
static void tree_begin(const mm_growing_side *side, mm_growth_edge *guilty) {
    uint32_t node = guilty->source;
    while (node != side->graph->root_node && side->paths.via[node] == MM_VIA_EDGE) {
        uint32_t edge = side->paths.link[node];
        node = mm_graph_edge_source(side->graph, edge);
        if (!mm_growing_key_is_data(mm_growing_key(side->graph, node, edge))) {
            return;
        }
        guilty->source = node;
        guilty->edge = edge;
    }
}

// The same object at the end, or MM_NONE.
static uint32_t late_node(const mm_growing *work, uint32_t source) {
    const mm_graph *late = work->late.graph;
    if (late == NULL) {
        return MM_NONE;
    }
    uint32_t node = mm_file_find(late->file, work->early.graph->file->address[source]);
    bool same = node != MM_NONE &&
                mm_growing_type(&work->late, node) == mm_growing_type(&work->early, source);
    return same ? node : MM_NONE;
}

// Entries of an early node at the end, or MM_UNKNOWN. An lru_cache has its entries in a dict.
static uint64_t late_entries(const mm_growing *work, uint32_t source) {
    const mm_graph *late = work->late.graph;
    uint32_t node = late_node(work, source);
    uint64_t entries = MM_UNKNOWN;
    if (node == MM_NONE || mm_graph_entries(late, node, &entries)) {
        return entries;
    }
    uint32_t end = late->file->reference_start[node + 1];
    for (uint32_t edge = late->file->reference_start[node]; edge < end; edge++) {
        uint32_t target = late->file->reference_target[edge];
        if (mm_graph_kind(late, target) == MM_KIND_DICT &&
            mm_file_naming(late->file, edge) == MM_NAME_WORD) {
            (void)mm_graph_entries(late, target, &entries);
            break;
        }
    }
    return entries;
}

// Is it the table that the state of a thread has for C code? The interpreter files there what each
// threading.local has in the thread, under a name of its own: the entry goes with the local. What
// extensions file there has other types.
static bool is_thread_table(const mm_graph *graph, const mm_growing_group *group) {
    uint32_t source = group->source;
    bool local = false;
    for (uint32_t i = 0; i < group->ref_count && !local; i++) {
        local = strcmp(mm_graph_type_short(graph, group->refs[i].target), "_localdummy") == 0;
    }
    if (!local || source == graph->root_node || mm_graph_kind(graph, source) != MM_KIND_DICT) {
        return false;
    }
    uint32_t first = 0;
    uint32_t end = mm_graph_roots_of(graph, source, &first);
    for (uint32_t i = first; i < end; i++) {
        const mm_file_root *root = &graph->file->roots[(uint32_t)graph->root_index[i]];
        if (root->kind == MM_ROOT_THREAD && root->frame == MM_NONE) {
            return true;
        }
    }
    return false;
}

// What the group alone tells. Without a type that every round had more of there is no telling what
// grows: `type_count` is then 0.
static MM_STATUS candidate_fill(mm_growing *work, const mm_growing_group *group, candidate *item) {
    const mm_growing_side *side = &work->early;
    mm_growth_finding *finding = &item->finding;
    item->group = group;
    item->shape = group->shape;
    item->edge = guilty_edge(work, group);
    item->tier = mm_growing_tier(side, group->source);
    item->depth = mm_growing_depth(side, group->source);
    item->low = mm_growing_edge_is_low(side->graph, group->source, item->edge);
    item->path = MM_ARENA_NEW(work->arena, char, MM_GROWING_TEXT_BYTES);
    if (item->path == NULL) {
        return MM_E_NOMEM;
    }
    mm_growing_path_text(side, group->source, item->edge, item->path);
    mm_growing_finding_init(finding);
    finding->kind = MM_GROWTH_HELD;
    finding->guilty.source = group->source;
    finding->guilty.edge = item->edge;
    if (group->tree) {
        tree_begin(side, &finding->guilty);
    }
    finding->names = group->key == MM_GROWING_ANY_NAME;
    finding->grown_bytes = group->bytes;
    finding->steps = steps_between(work, 0, work->input->early);
    if (group->source != side->graph->root_node) {
        (void)mm_graph_entries(side->graph, group->source, &finding->entries);
        finding->late_entries = late_entries(work, group->source);
    }
    MM_TRY(mm_growing_types(work, side, group, finding, &item->type_rate));
    finding->echo = finding->echo || is_thread_table(side->graph, group);
    if (finding->type_count > 0) {
        finding->settled =
            mm_growing_settle(work, group, finding->type, item->type_rate, &finding->bound);
    }
    return MM_OK;
}

static MM_STATUS candidates_list(mm_growing *work, candidates *ret) {
    const mm_growing_side *side = &work->early;
    candidates list = {.work = work};
    list.items = MM_ARENA_NEW(work->arena, candidate, (size_t)side->group_count + 1);
    if (list.items == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t i = 0; i < side->group_count; i++) {
        const mm_growing_group *group = &side->groups[i];
        if ((group->object_rate == 0 && !group->turnover) || group->reach == NULL) {
            continue;
        }
        MM_TRY(candidate_fill(work, group, &list.items[list.count]));
        list.count += list.items[list.count].finding.type_count > 0;
    }
    *ret = list;
    return MM_OK;
}

// Which of the candidates before it does one join? Counts how much of its reach each first one
// claimed; `shared` is all zero before and after.
static uint32_t cluster_of(const candidates *list, uint32_t number, const uint32_t *owner,
                           uint32_t *shared) {
    const mm_growing_group *group = list->items[number].group;
    uint32_t best = number;
    for (uint32_t n = 0; n < group->reach_count; n++) {
        uint32_t first = owner[group->reach[n]];
        if (first == 0) {
            continue;
        }
        uint32_t other = list->items[first - 1].group->reach_count;
        uint32_t smaller = group->reach_count < other ? group->reach_count : other;
        shared[first - 1]++;
        if ((uint64_t)shared[first - 1] * 2 >= smaller && first - 1 < best) {
            best = first - 1;
        }
    }
    for (uint32_t n = 0; n < group->reach_count; n++) {
        if (owner[group->reach[n]] != 0) {
            shared[owner[group->reach[n]] - 1] = 0;
        }
    }
    return best;
}

// Each object is claimed by the first cluster that reaches it.
static MM_STATUS clusters_join(const candidates *list) {
    mm_arena *arena = list->work->arena;
    size_t nodes = (size_t)list->work->early.graph->root_node + 1;
    uint32_t *owner = MM_ARENA_NEW(arena, uint32_t, nodes);
    uint32_t *shared = MM_ARENA_NEW(arena, uint32_t, (size_t)list->count + 1);
    if (owner == NULL || shared == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        const mm_growing_group *group = list->items[i].group;
        uint32_t cluster = cluster_of(list, i, owner, shared);
        list->items[i].cluster = cluster;
        for (uint32_t n = 0; cluster == i && n < group->reach_count; n++) {
            owner[group->reach[n]] = owner[group->reach[n]] == 0 ? i + 1 : owner[group->reach[n]];
        }
    }
    MM_ARENA_GIVE_BACK(arena, owner, nodes);
    return MM_OK;
}

// A chain that goes on, all links of which are entries of a container beside it that is bounded,
// has that one's bound: the order of a cache.
static void chain_settle(const candidates *list, candidate *chain) {
    enum { TABLES_ASKED = 8 };
    const mm_growing_group *group = chain->group;
    unsigned asked = 0;
    for (uint32_t k = 0; k < list->count && asked < TABLES_ASKED; k++) {
        const candidate *table = &list->items[k];
        if (table->cluster != chain->cluster || table->finding.settled != MM_SETTLED_BOUNDED ||
            table->group->reach_count < group->reach_count - group->reach_count / 8 ||
            table->group->source == list->work->early.graph->root_node) {
            continue;
        }
        asked++;
        if (mm_growing_links_stand_in(list->work->early.graph, group->reach, group->reach_count,
                                      table->group->source)) {
            chain->finding.settled = MM_SETTLED_BOUNDED;
            chain->finding.bound = table->finding.bound;
            return;
        }
    }
}

static const candidate *primary_of(const candidates *list, uint32_t cluster) {
    const candidate *best = &list->items[cluster];
    for (uint32_t k = cluster + 1; k < list->count; k++) {
        if (list->items[k].cluster == cluster && guiltier(&list->items[k], best)) {
            best = &list->items[k];
        }
    }
    return best;
}

// Is one of the two nodes an internal of the other: does only that one refer to it?
static bool is_internal(const mm_graph *graph, uint32_t inner, uint32_t outer) {
    uint32_t count = 0;
    bool found = false;
    if (inner == graph->root_node || outer == graph->root_node) {
        return false;
    }
    for (uint32_t i = graph->reverse_start[inner]; i < graph->reverse_start[inner + 1]; i++) {
        if (mm_graph_edge_owns(graph, graph->reverse_edge[i])) {
            count++;
            found = found || mm_graph_reverse_source(graph, i) == outer;
        }
    }
    return found && count == 1;
}

// Is a source itself behind the guilty reference: an older part of a chain?
static bool is_behind(const mm_growing_side *side, uint32_t source, mm_growth_edge guilty) {
    const mm_graph *graph = side->graph;
    if (source == graph->root_node || guilty.source == graph->root_node) {
        return false;
    }
    uint64_t key = mm_growing_key(graph, guilty.source, guilty.edge);
    while (side->paths.via[source] == MM_VIA_EDGE) {
        uint32_t edge = side->paths.link[source];
        source = mm_graph_edge_source(graph, edge);
        if (source == guilty.source && mm_growing_key(graph, source, edge) == key) {
            return true;
        }
    }
    return false;
}

static MM_STATUS holders_fill(const candidates *list, const candidate *primary,
                              mm_growth_finding *finding) {
    mm_growing *work = list->work;
    const mm_graph *graph = work->early.graph;
    uint32_t source = primary->group->source;
    finding->also = MM_ARENA_NEW(work->arena, mm_growth_edge, ALSO_MAX);
    if (finding->also == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t k = 0; k < list->count && finding->also_count < ALSO_MAX; k++) {
        const candidate *other = &list->items[k];
        // What only passes them through keeps none of them.
        bool passes = !is_leak(other) && other->finding.settled != MM_SETTLED_BOUNDED;
        bool part = passes || other->cluster != primary->cluster || other == primary ||
                    other->low ||
                    (other->group->source == source && other->edge == primary->edge) ||
                    ((finding->chain || primary->group->tree) &&
                     is_behind(&work->early, other->group->source, finding->guilty)) ||
                    is_internal(graph, other->group->source, source) ||
                    is_internal(graph, source, other->group->source);
        if (!part) {
            mm_growth_edge edge = {other->group->source, other->edge};
            finding->also[finding->also_count++] = edge;
        }
    }
    return MM_OK;
}

static MM_STATUS finding_make(const candidates *list, const candidate *primary) {
    mm_growing *work = list->work;
    mm_growth_finding *finding = mm_growing_finding(work);
    if (finding == NULL) {
        return MM_E_NOMEM;
    }
    *finding = primary->finding;
    if (primary->group->edge_rate == 0 && !primary->group->turnover) {
        MM_TRY(mm_growing_chain(work, primary->group, finding, primary->type_rate));
    }
    return holders_fill(list, primary, finding);
}

// Two findings that accuse the same reference: parts of one chain or tree.
static bool same_guilty(const mm_growing *work, const mm_growth_finding *a,
                        const mm_growth_finding *b) {
    const mm_graph *graph = work->early.graph;
    return a->guilty.source == b->guilty.source && a->guilty.source != graph->root_node &&
           mm_growing_key(graph, a->guilty.source, a->guilty.edge) ==
               mm_growing_key(graph, b->guilty.source, b->guilty.edge);
}

// Findings of one shape whose two main types are equal are one.
static void shapes_merge(mm_growing *work, uint64_t *shapes) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < work->finding_count; i++) {
        mm_growth_finding *finding = &work->findings[i];
        uint32_t at = 0;
        for (; at < kept; at++) {
            const mm_growth_finding *other = &work->findings[at];
            bool second = (other->type_count > 1) == (finding->type_count > 1) &&
                          (other->type_count < 2 || other->types[1] == finding->types[1]);
            bool alike = shapes[at] == shapes[i] && other->type == finding->type && second;
            if (other->settled == finding->settled &&
                (alike || same_guilty(work, other, finding) ||
                 mm_growing_same_field(work, other, finding))) {
                break;
            }
        }
        if (at < kept) {
            work->findings[at].places += !same_guilty(work, &work->findings[at], finding);
            work->findings[at].grown_bytes += finding->grown_bytes;
            work->findings[at].grown_objects += finding->grown_objects;
            continue;
        }
        shapes[kept] = shapes[i];
        work->findings[kept++] = *finding;
    }
    work->finding_count = kept;
}

// Clusters that are another's: `into` by candidate. Their bytes are counted with that one's.
static MM_STATUS stacks_fold(const candidates *list, uint32_t *into) {
    mm_arena *arena = list->work->arena;
    size_t room = (size_t)list->count + 1;
    const mm_growing_group **groups = MM_ARENA_NEW(arena, const mm_growing_group *, room);
    uint32_t *cluster = MM_ARENA_NEW(arena, uint32_t, room);
    if (groups == NULL || cluster == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        groups[i] = is_leak(&list->items[i]) ? list->items[i].group : NULL;
        cluster[i] = list->items[i].cluster;
    }
    mm_growing_groups_view view = {groups, cluster, list->count};
    return mm_growing_fold_stacks(list->work, &view, into);
}

MM_STATUS mm_growing_held(mm_growing *work) {
    candidates list;
    MM_TRY(candidates_list(work, &list));
    candidate *buffer = MM_ARENA_NEW(work->arena, candidate, (size_t)list.count + 1);
    uint64_t *shapes = MM_ARENA_NEW(work->arena, uint64_t, (size_t)list.count + 1);
    uint32_t *into = MM_ARENA_NEW(work->arena, uint32_t, (size_t)list.count + 1);
    if (buffer == NULL || shapes == NULL || into == NULL) {
        return MM_E_NOMEM;
    }
    mm_sort(list.items, buffer, list.count, sizeof(*buffer), larger_before, NULL);
    MM_TRY(clusters_join(&list));
    for (uint32_t i = 0; i < list.count; i++) {
        if (is_leak(&list.items[i]) && list.items[i].group->edge_rate == 0) {
            chain_settle(&list, &list.items[i]);
        }
    }
    MM_TRY(stacks_fold(&list, into));
    for (uint32_t i = 0; i < list.count; i++) {
        if (list.items[i].cluster == i && into[i] == i) {
            const candidate *primary = primary_of(&list, i);
            shapes[work->finding_count] = primary->shape;
            MM_TRY(finding_make(&list, primary));
            for (uint32_t k = 0; k < list.count; k++) {
                bool folded = list.items[k].cluster == k && k != i && into[k] == i;
                work->findings[work->finding_count - 1].grown_bytes +=
                    folded ? primary_of(&list, k)->group->bytes : 0;
            }
        }
    }
    shapes_merge(work, shapes);
    return MM_OK;
}
