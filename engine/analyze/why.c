// The asked objects are a barrier: chains are looked for with nothing passing through them. So
// whatever is reached refers to them from outside, and a holder that is not reached is held by what
// it holds: it would go away together with it.
//
// References are grouped by what they are called. For one object the names are exact
// ("all_people[0]"); for the objects of a type they are general ("all_people[*]"), and the group
// shows the chain of its best member.
#include "analyze/why.h"

#include <string.h>

#include "analyze/chain.h"
#include "base/free/sort.h"

enum { NAME_BYTES = 512, NAMING_COUNT = 16, COMPARE_MAX = 32, CROWD = 1000 };

typedef struct why_work {
    const mm_graph *graph;
    const mm_why_options *options;
    mm_arena *arena;
    mm_selection selection;
    uint8_t *asked;           ///< by node
    uint8_t *roots_left_out;  ///< by root number
    mm_paths paths;
    mm_why why;
    uint32_t room;    ///< of why.references
    uint32_t *slots;  ///< hash table: number of a reference plus 1
    uint32_t slot_count;
    bool general;
    bool crowded;     ///< this holder has too many of them to name each
    uint32_t holder;  ///< whose text `who` is, or MM_NONE
    char who[NAME_BYTES / 2];
    uint32_t recent_source[NAMING_COUNT];  ///< general names depend on source and naming alone
    uint32_t recent_group[NAMING_COUNT];
} why_work;

// Seeded with an address: nobody who makes a file can know which names will meet. Nothing in the
// answer depends on it.
static uint32_t text_hash(const why_work *work, const char *text) {
    uint64_t hash = 0xcbf29ce484222325u ^ (uint64_t)(uintptr_t)work->graph;
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    }
    return (uint32_t)(hash ^ hash >> 32);
}

static MM_STATUS slots_grow(why_work *work) {
    uint32_t count = work->slot_count == 0 ? 64 : work->slot_count * 2;
    uint32_t *slots = MM_ARENA_NEW(work->arena, uint32_t, count);
    mm_why_reference *references = MM_ARENA_NEW(work->arena, mm_why_reference, count);
    if (slots == NULL || references == NULL || count < work->slot_count) {
        return MM_E_NOMEM;
    }
    for (uint32_t i = 0; i < work->why.reference_kind_count; i++) {
        references[i] = work->why.references[i];
        uint32_t at = text_hash(work, references[i].name) & (count - 1);
        while (slots[at] != 0) {
            at = (at + 1) & (count - 1);
        }
        slots[at] = i + 1;
    }
    work->slots = slots;
    work->slot_count = count;
    work->why.references = references;
    return MM_OK;
}

// Group of this name, made if it is new.
static MM_STATUS group_of(why_work *work, const char *name, uint32_t *ret, bool *ret_new) {
    if (work->why.reference_kind_count >= work->slot_count / 2) {
        MM_TRY(slots_grow(work));
    }
    uint32_t at = text_hash(work, name) & (work->slot_count - 1);
    for (; work->slots[at] != 0; at = (at + 1) & (work->slot_count - 1)) {
        if (strcmp(work->why.references[work->slots[at] - 1].name, name) == 0) {
            *ret = work->slots[at] - 1;
            *ret_new = false;
            return MM_OK;
        }
    }
    *ret = work->why.reference_kind_count++;
    *ret_new = true;
    work->slots[at] = work->why.reference_kind_count;
    work->why.references[*ret].name = mm_why_text_keep(work->arena, name);
    return work->why.references[*ret].name == NULL ? MM_E_NOMEM : MM_OK;
}

// Which of two chains of the same length comes first where they part: the lower index, the earlier
// key. Long ones are not compared.
static bool chain_before(const why_work *work, const mm_why_reference *a,
                         const mm_why_reference *b) {
    uint32_t x = a->holder;
    uint32_t y = b->holder;
    uint32_t x_link = a->edge;
    uint32_t y_link = b->edge;
    for (uint32_t i = 0; i < COMPARE_MAX && x != y && x != MM_NONE && y != MM_NONE; i++) {
        x_link = work->paths.link[x];
        y_link = work->paths.link[y];
        x = mm_paths_parent(work->graph, &work->paths, x);
        y = mm_paths_parent(work->graph, &work->paths, y);
    }
    return x == y && x_link < y_link;
}

// Is `a` the better one to show? Members of a group have one name: what is left is the chain.
static bool member_better(const why_work *work, const mm_why_reference *a,
                          const mm_why_reference *b) {
    if (a->chained != b->chained) {
        return a->chained;
    }
    if (a->level != b->level) {
        return a->level < b->level;
    }
    if (a->depth != b->depth) {
        return a->depth < b->depth;
    }
    return a->chained ? chain_before(work, a, b) : a->holder == b->holder && a->edge < b->edge;
}

static void group_merge(why_work *work, uint32_t group, bool is_new,
                        const mm_why_reference *member) {
    mm_why_reference *have = &work->why.references[group];
    uint64_t count = have->count + member->count;
    if (is_new || member_better(work, member, have)) {
        const char *name = have->name;
        *have = *member;
        have->name = name;
    }
    have->count = count;
    work->why.reference_count += member->weak ? 0 : member->count;
}

// Who is meant by a folded node: the function behind the cell, the instance behind the dict.
static uint32_t owner_of(const mm_graph *graph, uint32_t node) {
    for (uint32_t steps = 0; steps < 4; steps++) {
        uint32_t owner = mm_graph_owner(graph, node, NULL);
        if (owner == MM_NONE) {
            break;
        }
        node = owner;
    }
    return node;
}

static size_t name_append(char *name, size_t used, const char *text) {
    size_t length = strlen(text);
    size_t room = NAME_BYTES - 1 - used;
    length = length < room ? length : room;
    memcpy(name + used, text, length);
    name[used + length] = '\0';
    return used + length;
}

static void reference_name(why_work *work, uint32_t holder, uint32_t edge, char name[NAME_BYTES]) {
    const mm_graph *graph = work->graph;
    char step[NAME_BYTES / 2];
    unsigned naming = mm_file_naming(graph->file, edge);
    (void)mm_graph_edge_text(graph, edge, step, sizeof(step));
    if ((work->general || work->crowded) && step[0] == '[' &&
        (naming == MM_NAME_INDEX || naming == MM_NAME_VALUE)) {
        memcpy(step, "[*]", 4);
    } else if (work->general || work->crowded) {
        mm_graph_step_general(step);
    }
    // References from one holder come one after the other.
    if (work->holder != holder) {
        (void)mm_graph_holder_text(graph, holder, work->general, work->who, sizeof(work->who));
        work->holder = holder;
    }
    const char *who = work->who;
    size_t used = 0;
    name[0] = '\0';
    if (strchr(".[+ ", step[0]) != NULL) {
        used = name_append(name, used, who);
        (void)name_append(name, used, step);
    } else {
        static const char frame[] = "frame of ";
        bool framed = strncmp(who, frame, sizeof(frame) - 1) == 0;
        used = name_append(name, used, step);
        used = name_append(name, used, " of ");
        (void)name_append(name, used, framed ? who + sizeof(frame) - 1 : who);
    }
}

// A variable that an inner function uses lives in a cell: the running frame or generator whose
// variable it is holds the object through it. `*ret_left_out`: that frame is one that is not to be
// spoken of.
static bool cell_name(why_work *work, uint32_t cell, char name[NAME_BYTES], bool *ret_left_out) {
    const mm_graph *graph = work->graph;
    const mm_file *file = graph->file;
    *ret_left_out = false;
    if (mm_graph_kind(graph, cell) != MM_KIND_CELL ||
        (graph->node_flags[cell] & MM_NODE_FOLDED) != 0) {
        return false;
    }
    for (uint32_t i = graph->reverse_start[cell]; i < graph->reverse_start[cell + 1]; i++) {
        uint32_t edge = graph->reverse_edge[i];
        if (mm_file_naming(file, edge) == MM_NAME_LOCAL) {
            reference_name(work, mm_graph_reverse_source(graph, i), edge, name);
            return true;
        }
    }
    uint32_t first = 0;
    uint32_t end = mm_graph_roots_of(graph, cell, &first);
    for (uint32_t i = first; i < end; i++) {
        uint32_t root = (uint32_t)graph->root_index[i];
        if (file->roots[root].kind == MM_ROOT_FRAME) {
            (void)mm_graph_root_text(graph, root, name, NAME_BYTES);
            *ret_left_out = work->roots_left_out[root] != 0;
            if (!*ret_left_out) {
                return true;
            }
        }
    }
    return false;
}

static mm_why_reference edge_member(const why_work *work, uint32_t target, uint32_t source,
                                    uint32_t holder, uint32_t edge) {
    const mm_paths *paths = &work->paths;
    mm_why_reference member = {.count = 1,
                               .edge = edge,
                               .holder = source,
                               .target = target,
                               .root = MM_NONE,
                               .chain = MM_NONE};
    member.weak = (work->graph->file->reference_naming[edge] & MM_REF_WEAK) != 0;
    member.among = !member.weak && (work->asked[source] != 0 || work->asked[holder] != 0);
    member.chained = !member.weak && !member.among && paths->via[source] != MM_VIA_NOTHING;
    member.level = paths->level[source];
    member.depth = paths->depth[source] + 1;
    member.kind = member.weak ? MM_HOLDER_WEAK : mm_why_edge_kind(work->graph, edge);
    return member;
}

static MM_STATUS edge_add(why_work *work, uint32_t target, uint32_t source, uint32_t edge) {
    const mm_graph *graph = work->graph;
    unsigned naming = mm_file_naming(graph->file, edge);
    MM_ASSERT(naming < NAMING_COUNT);
    bool repeats = (work->general || work->crowded) &&
                   (naming == MM_NAME_KEY || naming == MM_NAME_INDEX || naming == MM_NAME_MEMBER ||
                    naming == MM_NAME_VALUE) &&
                   (graph->node_flags[source] & (MM_NODE_NAMESPACE | MM_NODE_FOLDED)) == 0;
    uint32_t holder = owner_of(graph, source);
    if ((graph->node_flags[source] & MM_NODE_OWN) != 0 ||
        (graph->node_flags[holder] & MM_NODE_OWN) != 0) {
        return MM_OK;
    }
    mm_why_reference member = edge_member(work, target, source, holder, edge);
    if (repeats && work->recent_source[naming] == source) {
        group_merge(work, work->recent_group[naming], false, &member);
        return MM_OK;
    }
    char name[NAME_BYTES];
    uint32_t group = MM_NONE;
    bool is_new = false;
    bool left_out = false;
    if (cell_name(work, source, name, &left_out)) {
        bool running = (graph->node_flags[source] & MM_NODE_ROOT) != 0;
        member.kind = running ? MM_HOLDER_LOCAL : MM_HOLDER_SUSPENDED;
    } else if (left_out && !member.chained) {
        return MM_OK;
    } else {
        reference_name(work, holder, edge, name);
    }
    if (member.weak) {
        (void)name_append(name, strlen(name), " (weak)");
    }
    MM_TRY(group_of(work, name, &group, &is_new));
    group_merge(work, group, is_new, &member);
    if (repeats) {
        work->recent_source[naming] = source;
        work->recent_group[naming] = group;
    }
    return MM_OK;
}

// A class by its instances: those references stand in no column.
static MM_STATUS instances_add(why_work *work, uint32_t target) {
    const mm_graph *graph = work->graph;
    uint32_t type = mm_graph_kind(graph, target) == MM_KIND_TYPE
                        ? mm_graph_type_of_class(graph, target)
                        : MM_NONE;
    if (type == MM_NONE || graph->instance_count[type] == 0 ||
        (graph->file->types[type].flags & MM_TYPE_HEAP) == 0) {
        return MM_OK;
    }
    mm_why_reference member = {.kind = MM_HOLDER_INSTANCES,
                               .count = graph->instance_count[type],
                               .edge = MM_NONE,
                               .holder = MM_NONE,
                               .target = target,
                               .root = MM_NONE,
                               .level = MM_LEVEL_STDLIB,
                               .chain = MM_NONE};
    uint32_t group = MM_NONE;
    bool is_new = false;
    MM_TRY(group_of(work, "instances", &group, &is_new));
    group_merge(work, group, is_new, &member);
    return MM_OK;
}

static MM_STATUS target_add(why_work *work, uint32_t target) {
    const mm_graph *graph = work->graph;
    MM_ASSERT(target < graph->root_node);
    uint32_t end = graph->reverse_start[target + 1];
    for (uint32_t i = graph->reverse_start[target]; i < end; i++) {
        uint32_t edge = graph->reverse_edge[i];
        if (i == graph->reverse_start[target] ||
            mm_graph_reverse_source(graph, i) != mm_graph_reverse_source(graph, i - 1)) {
            work->crowded = end - i > CROWD && mm_graph_reverse_source(graph, i + CROWD) ==
                                                   mm_graph_reverse_source(graph, i);
        }
        bool weak = (graph->file->reference_naming[edge] & MM_REF_WEAK) != 0;
        MM_ASSERT(graph->file->reference_target[edge] == target);
        work->why.weak_count += weak;
        if (mm_graph_edge_owns(graph, edge) || (weak && work->options->with_weak)) {
            MM_TRY(edge_add(work, target, mm_graph_reverse_source(graph, i), edge));
        }
    }
    return instances_add(work, target);
}

static MM_STATUS roots_add(why_work *work) {
    const mm_file *file = work->graph->file;
    for (uint32_t root = 0; root < file->root_count; root++) {
        const mm_file_root *r = &file->roots[root];
        if (work->asked[r->object] == 0 || work->roots_left_out[root] != 0 ||
            !mm_file_root_owns(file, root)) {
            continue;
        }
        char name[NAME_BYTES];
        uint32_t group = MM_NONE;
        bool is_new = false;
        mm_why_reference member = {.kind = mm_why_root_kind(r),
                                   .count = mm_graph_root_count(work->graph, root),
                                   .edge = MM_NONE,
                                   .holder = MM_NONE,
                                   .target = r->object,
                                   .root = root,
                                   .chained = true,
                                   .chain = MM_NONE};
        member.level = r->kind == MM_ROOT_FRAME ? MM_LEVEL_FRAME : MM_LEVEL_ROOT;
        (void)mm_graph_root_text(work->graph, root, name, sizeof(name));
        MM_TRY(group_of(work, name, &group, &is_new));
        group_merge(work, group, is_new, &member);
    }
    return MM_OK;
}

// Without a root that leads to the key as well, the table holds nothing.
static MM_STATUS ephemerons_add(why_work *work) {
    const mm_graph *graph = work->graph;
    const mm_paths *paths = &work->paths;
    for (uint32_t i = 0; i < graph->file->ephemeron_count; i++) {
        const mm_file_ephemeron *entry = &graph->file->ephemerons[i];
        if (work->asked[entry->value] == 0 ||
            (graph->node_flags[entry->table] & MM_NODE_OWN) != 0) {
            continue;
        }
        char name[NAME_BYTES];
        uint32_t group = MM_NONE;
        bool is_new = false;
        mm_why_reference member = {.kind = MM_HOLDER_ENTRY,
                                   .count = 1,
                                   .edge = MM_NONE,
                                   .holder = entry->table,
                                   .target = entry->value,
                                   .root = MM_NONE,
                                   .level = paths->level[entry->table],
                                   .depth = paths->depth[entry->table] + 1,
                                   .chain = MM_NONE};
        member.among = work->asked[entry->table] != 0;
        member.chained = !member.among && work->asked[entry->key] == 0 &&
                         paths->via[entry->table] != MM_VIA_NOTHING &&
                         paths->via[entry->key] != MM_VIA_NOTHING;
        (void)mm_graph_holder_text(graph, entry->table, work->general, name, sizeof(name) / 2);
        (void)name_append(name, strlen(name), "[*]");
        MM_TRY(group_of(work, name, &group, &is_new));
        group_merge(work, group, is_new, &member);
    }
    return MM_OK;
}

// A variable that names an asked object itself, or that lives in a cell and does.
static bool root_names_asked(const why_work *work, const mm_file_root *root) {
    const mm_file *file = work->graph->file;
    uint32_t node = root->object;
    if (work->asked[node] != 0) {
        return true;
    }
    if (mm_graph_kind(work->graph, node) != MM_KIND_CELL) {
        return false;
    }
    for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
         edge++) {
        if (work->asked[file->reference_target[edge]] != 0) {
            return true;
        }
    }
    return false;
}

// Our own frames hold nothing; nor do the variables by which the function that asks knows what it
// asks about. What its other variables lead to counts: they are no part of the question.
static void roots_leave_out(why_work *work) {
    const mm_file *file = work->graph->file;
    uint32_t caller = MM_NONE;
    for (uint32_t i = 0; i < file->frame_count && caller == MM_NONE; i++) {
        if ((file->frames[i].flags & (MM_FRAME_CALLER | MM_FRAME_OWN)) == MM_FRAME_CALLER) {
            caller = i;
        }
    }
    for (uint32_t root = 0; root < file->root_count; root++) {
        const mm_file_root *r = &file->roots[root];
        bool asking = work->options->leave_out_caller && r->frame != MM_NONE && r->frame == caller;
        work->roots_left_out[root] =
            mm_file_root_is_ours(file, root) || (asking && root_names_asked(work, r));
    }
}

static MM_STATUS prepare(why_work *work, const char *what, mm_error *err) {
    const mm_graph *graph = work->graph;
    const mm_file *file = graph->file;
    if (what != NULL) {
        MM_TRY(mm_select(graph, what, work->arena, &work->selection, err));
    } else if (work->options->node >= file->object_count) {
        return mm_fail(err, MM_E_ARGUMENT, "there is no object of this number", 0);
    } else {
        work->selection.nodes = MM_ARENA_NEW(work->arena, uint32_t, 1);
        work->selection.node_count = 1;
        work->selection.type = MM_NONE;
        if (work->selection.nodes != NULL) {
            work->selection.nodes[0] = work->options->node;
        }
    }
    work->asked = MM_ARENA_NEW(work->arena, uint8_t, (size_t)file->object_count + 1);
    work->roots_left_out = MM_ARENA_NEW(work->arena, uint8_t, (size_t)file->root_count + 1);
    if (work->selection.nodes == NULL || work->asked == NULL || work->roots_left_out == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t i = 0; i < work->selection.node_count; i++) {
        work->asked[work->selection.nodes[i]] = 1;
    }
    roots_leave_out(work);
    work->general = work->selection.node_count > 1;
    work->holder = MM_NONE;
    memset(work->recent_source, 0xff, sizeof(work->recent_source));
    return slots_grow(work);
}

static MM_STATUS gather(why_work *work) {
    for (uint32_t i = 0; i < work->selection.node_count; i++) {
        uint32_t node = work->selection.nodes[i];
        uint32_t unaccounted = mm_graph_unaccounted(work->graph, node);
        uint32_t temporary = work->selection.node_count == 1 ? work->options->temporary_count : 0;
        MM_TRY(target_add(work, node));
        work->why.unaccounted_count += unaccounted > temporary ? unaccounted - temporary : 0;
        work->why.bytes += mm_file_size_of(work->graph->file, node);
        work->why.bytes += mm_file_storage_of(work->graph->file, node);
    }
    MM_TRY(roots_add(work));
    MM_TRY(ephemerons_add(work));
    for (uint32_t i = 0; i < work->why.reference_kind_count; i++) {
        const mm_why_reference *reference = &work->why.references[i];
        work->why.among_count += reference->among ? reference->count : 0;
        work->why.inside_count += mm_why_is_inside(reference) ? reference->count : 0;
    }
    work->why.object_count = work->selection.node_count;
    work->why.reference_count += work->why.unaccounted_count;
    return MM_OK;
}

// For one object the best chain comes first; for many the holder of most of them.
static bool reference_before(const void *left, const void *right, const void *context) {
    const mm_why_reference *a = left;
    const mm_why_reference *b = right;
    const bool *general = context;
    if (a->chained != b->chained) {
        return a->chained;
    }
    if (a->weak != b->weak) {
        return b->weak;
    }
    if (*general && a->count != b->count) {
        return a->count > b->count;
    }
    if (a->level != b->level && a->chained) {
        return a->level < b->level;
    }
    if (a->depth != b->depth && a->chained) {
        return a->depth < b->depth;
    }
    return strcmp(a->name, b->name) < 0;
}

static MM_STATUS references_sort(why_work *work) {
    size_t count = work->why.reference_kind_count;
    mm_why_reference *buffer = MM_ARENA_NEW(work->arena, mm_why_reference, count + 1);
    if (buffer == NULL) {
        return MM_E_NOMEM;
    }
    mm_sort(work->why.references, buffer, count, sizeof(*buffer), reference_before, &work->general);
    return MM_OK;
}

static MM_STATUS chains_build(why_work *work) {
    mm_why *why = &work->why;
    uint32_t room = work->options->chains_max != 0 ? work->options->chains_max
                                                   : (uint32_t)MM_WHY_CHAINS_DEFAULT;
    why->chains = MM_ARENA_NEW(work->arena, mm_why_chain, (size_t)room + 1);
    if (why->chains == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t i = 0; i < why->reference_kind_count && why->chain_count < room; i++) {
        mm_why_reference *reference = &why->references[i];
        bool shown = reference->holder != MM_NONE || reference->root != MM_NONE;
        if (!reference->chained || !shown) {
            continue;
        }
        MM_TRY(mm_why_chain_build(work->graph, &work->paths, reference, work->arena,
                                  &why->chains[why->chain_count]));
        why->chains[why->chain_count].reference = i;
        reference->chain = why->chain_count++;
    }
    return MM_OK;
}

// Objects that no chain was found to: garbage, or held by nothing but what was left out.
static MM_STATUS rest_count(why_work *work, mm_error *err) {
    bool all_held = true;
    for (uint32_t i = 0; i < work->selection.node_count; i++) {
        all_held = all_held && work->paths.via[work->selection.nodes[i]] != MM_VIA_NOTHING;
    }
    if (all_held) {
        return MM_OK;
    }
    mm_reach reach;
    MM_TRY(mm_reach_mark(work->graph, work->arena, &reach, err));
    for (uint32_t i = 0; i < work->selection.node_count; i++) {
        uint32_t node = work->selection.nodes[i];
        bool garbage = reach.reached[node] == MM_REACHED_NOT;
        work->why.garbage_count += garbage;
        work->why.hidden_count += !garbage && !work->general && work->why.reference_count == 0;
    }
    return MM_OK;
}

static MM_STATUS find(why_work *work, const char *what, mm_error *err) {
    char type[NAME_BYTES];
    MM_TRY(prepare(work, what, err));
    mm_path_options path_options = {work->asked, work->roots_left_out};
    MM_TRY(mm_paths_find(work->graph, &path_options, work->arena, &work->paths, err));
    MM_TRY(gather(work));
    MM_TRY(references_sort(work));
    MM_TRY(chains_build(work));
    MM_TRY(rest_count(work, err));
    work->why.selection = work->selection;
    work->why.type = work->selection.type_text;
    if (work->why.type == NULL) {
        uint32_t index = work->graph->file->type[work->selection.nodes[0]];
        (void)mm_graph_type_text(work->graph, index, type, sizeof(type));
        work->why.type = mm_why_text_keep(work->arena, type);
    }
    work->why.what = what != NULL ? mm_why_text_keep(work->arena, what) : work->why.type;
    work->why.by_type = work->selection.by_type;
    return work->why.type == NULL || work->why.what == NULL ? MM_E_NOMEM : MM_OK;
}

bool mm_why_is_inside(const mm_why_reference *reference) {
    return !reference->chained && !reference->among && !reference->weak &&
           reference->kind != MM_HOLDER_INSTANCES && reference->root == MM_NONE;
}

MM_STATUS mm_why_find(const mm_graph *graph, const char *what, const mm_why_options *options,
                      mm_arena *arena, mm_why *ret, mm_error *err) {
    MM_ASSERT(graph != NULL);
    MM_ASSERT(options != NULL);
    why_work work = {.graph = graph, .options = options, .arena = arena};
    work.why.file = graph->file;
    mm_status status = find(&work, what, err);
    if (status != MM_OK) {
        return status == MM_E_NOMEM ? mm_fail(err, status, "no memory to answer why", 0) : status;
    }
    *ret = work.why;
    return MM_OK;
}
