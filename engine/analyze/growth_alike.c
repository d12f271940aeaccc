// Findings that tell one leak twice although they share no object.
//
// Stacks. A thread that never ends keeps what its frames have: no reference leads from the thread's
// object to that, so each variable looks like a leak of its own, and so does what the library keeps
// about it, such as the lock that a thread waits on in its condition.
//
//     threading._active ──[*]──▶ Thread ◀── self of Thread.run     the leak: a variable of the
//                                                                  outermost frame
//     frame of Condition.wait ── waiter ──▶ lock                   a variable further in
//     Condition ── ._waiters ──[*]──▶ lock                         what such a frame works on
//
// What is only in frames of the same threads belongs to them, and what else holds it must be an
// object of the standard library that one of their frames has: a registry of the program's own
// would keep it when the thread is gone.
//
// Fields. Objects of one class that one container holds, each of which keeps things in a field of
// that name: observers that each remember what they were told. The shortest paths to them may have
// nothing in common, since some have names of their own.
#include "analyze/growing.h"

enum { CLIMB_MAX = 3, HOLDERS_MAX = 16, FRAME_USES_MIN = 2 };

// Stacks ------------------------------------------------------------------------------------------

// Are the references of a group variables of frames, about one in each of many threads?
// `*ret_level` is how many frames are outside of the one that has it.
static bool group_is_stack(const mm_growing *work, const mm_growing_group *group,
                           uint32_t *ret_level) {
    const mm_file *file = work->early.graph->file;
    uint32_t threads = 0;
    uint32_t last = MM_NONE;
    uint32_t frame = MM_NONE;
    if (group == NULL || group->edge_rate == 0) {
        return false;
    }
    for (uint32_t i = 0; i < group->ref_count; i++) {
        if (group->refs[i].source != work->early.graph->root_node) {
            return false;
        }
        frame = file->roots[group->refs[i].edge].frame;
        if (frame == MM_NONE || frame >= file->frame_count) {
            return false;
        }
        threads += file->frames[frame].thread != last;
        last = file->frames[frame].thread;
    }
    uint32_t level = 0;
    while (frame + level + 1 < file->frame_count &&
           file->frames[frame + level + 1].thread == last) {
        level++;
    }
    *ret_level = level;
    return threads * 2 >= group->ref_count && threads > work->early.rounds;
}

// The instance of a class that a container is part of, by the path to it; MM_NONE = of none.
// `*ret_key`: what the instance calls it.
static uint32_t instance_of(const mm_growing_side *side, uint32_t node, uint64_t *ret_key) {
    const mm_graph *graph = side->graph;
    for (unsigned i = 0; i < CLIMB_MAX && side->paths.via[node] == MM_VIA_EDGE; i++) {
        uint32_t edge = side->paths.link[node];
        uint32_t source = mm_graph_edge_source(graph, edge);
        uint32_t owner = mm_graph_owner(graph, source, NULL);
        uint32_t type = graph->file->type[owner != MM_NONE ? owner : source];
        *ret_key = mm_growing_key(graph, source, edge);
        node = owner != MM_NONE ? owner : source;
        bool class_made = (graph->file->types[type].flags & MM_TYPE_CLASS) != 0;
        if (class_made && mm_graph_kind(graph, node) != MM_KIND_TYPE) {
            return node;
        }
    }
    return MM_NONE;
}

// Is the object of the standard library, and do frames of the marked threads have it?
static bool is_at_work(const mm_growing *work, uint32_t node, const uint32_t *mark, uint32_t home) {
    const mm_graph *graph = work->early.graph;
    const mm_file *file = graph->file;
    uint32_t class_node = mm_graph_type_object(graph, node);
    uint32_t first = 0;
    uint32_t end = mm_graph_roots_of(graph, node, &first);
    uint32_t uses = 0;
    if (class_node == MM_NONE || (graph->node_flags[class_node] & MM_NODE_STDLIB) == 0) {
        return false;
    }
    for (uint32_t i = first; i < end; i++) {
        const mm_file_root *root = &file->roots[(uint32_t)graph->root_index[i]];
        uses += root->frame != MM_NONE && root->frame < file->frame_count &&
                mark[file->frames[root->frame].thread] == home + 1;
    }
    return uses >= FRAME_USES_MIN;
}

// Does nothing hold what the cluster has but frames of the marked threads and what they work on?
static bool is_theirs(const mm_growing *work, const mm_growing_groups_view *view, uint32_t cluster,
                      const uint32_t *mark, uint32_t home) {
    const mm_growing_side *side = &work->early;
    const mm_file *file = side->graph->file;
    uint32_t level = 0;
    for (uint32_t k = 0; k < view->count; k++) {
        const mm_growing_group *group = view->groups[k];
        if (group == NULL || view->cluster[k] != cluster) {
            continue;
        }
        if (!group_is_stack(work, group, &level)) {
            uint64_t key = 0;
            uint32_t instance = group->source == side->graph->root_node
                                    ? MM_NONE
                                    : instance_of(side, group->source, &key);
            if (instance == MM_NONE || !is_at_work(work, instance, mark, home)) {
                return false;
            }
            continue;
        }
        uint32_t shared = 0;
        for (uint32_t i = 0; i < group->ref_count; i++) {
            uint32_t frame = file->roots[group->refs[i].edge].frame;
            shared += mark[file->frames[frame].thread] == home + 1;
        }
        if (shared * 2 < group->ref_count) {
            return false;
        }
    }
    return true;
}

static void threads_mark(const mm_growing *work, const mm_growing_groups_view *view, uint32_t home,
                         uint32_t *mark) {
    const mm_file *file = work->early.graph->file;
    uint32_t level = 0;
    for (uint32_t k = 0; k < view->count; k++) {
        const mm_growing_group *group = view->groups[k];
        if (view->cluster[k] != home || !group_is_stack(work, group, &level)) {
            continue;
        }
        for (uint32_t i = 0; i < group->ref_count; i++) {
            uint32_t frame = file->roots[group->refs[i].edge].frame;
            mark[file->frames[frame].thread] = home + 1;
        }
    }
}

MM_STATUS mm_growing_fold_stacks(mm_growing *work, const mm_growing_groups_view *view,
                                 uint32_t *into) {
    const mm_file *file = work->early.graph->file;
    uint32_t thread_count = 0;
    for (uint32_t i = 0; i < file->frame_count; i++) {
        uint32_t thread = file->frames[i].thread;
        thread_count = thread >= thread_count ? thread + 1 : thread_count;
    }
    uint32_t *mark = MM_ARENA_NEW(work->arena, uint32_t, (size_t)thread_count + 1);
    uint32_t *levels = MM_ARENA_NEW(work->arena, uint32_t, (size_t)view->count + 1);
    if (mark == NULL || levels == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t k = 0; k < view->count; k++) {
        levels[k] = MM_NONE;
        into[k] = k;
    }
    for (uint32_t k = 0; k < view->count; k++) {
        uint32_t level = 0;
        uint32_t *least = &levels[view->cluster[k]];
        if (group_is_stack(work, view->groups[k], &level) && level < *least) {
            *least = level;
        }
    }
    // The outermost first: a thread is held where it begins.
    for (uint32_t done = 0; done < view->count; done++) {
        uint32_t home = MM_NONE;
        for (uint32_t k = 0; k < view->count; k++) {
            bool before = levels[k] != MM_NONE && (home == MM_NONE || levels[k] < levels[home]);
            home = before ? k : home;
        }
        if (home == MM_NONE) {
            break;
        }
        levels[home] = MM_NONE;
        threads_mark(work, view, home, mark);
        for (uint32_t k = 0; k < view->count; k++) {
            if (levels[k] != MM_NONE && is_theirs(work, view, k, mark, home)) {
                into[k] = home;
                levels[k] = MM_NONE;
            }
        }
    }
    return MM_OK;
}

// Fields ------------------------------------------------------------------------------------------

// Containers of data that hold an object, or a bound method of it. Answers how many there are.
static uint32_t containers_of(const mm_graph *graph, uint32_t node, uint32_t *ret) {
    uint32_t count = 0;
    uint32_t inner[HOLDERS_MAX] = {node};
    uint32_t inner_count = 1;
    for (uint32_t at = 0; at < inner_count; at++) {
        uint32_t first = graph->reverse_start[inner[at]];
        uint32_t end = graph->reverse_start[inner[at] + 1];
        for (uint32_t i = first; i < end && i < first + HOLDERS_MAX; i++) {
            uint32_t edge = graph->reverse_edge[i];
            uint32_t source = mm_graph_reverse_source(graph, i);
            if (!mm_graph_edge_owns(graph, edge)) {
                continue;
            }
            if (at == 0 && mm_graph_kind(graph, source) == MM_KIND_METHOD) {
                inner[inner_count] = source;
                inner_count += inner_count + 1 < HOLDERS_MAX;
            } else if (count < HOLDERS_MAX &&
                       mm_growing_key_is_data(mm_growing_key(graph, source, edge))) {
                ret[count++] = source;
            }
        }
    }
    return count;
}

// Has each place of the one kept about as many as each of the other?
static bool as_many(const mm_growth_finding *a, const mm_growth_finding *b) {
    uint64_t x = a->grown_objects / a->places;
    uint64_t y = b->grown_objects / b->places;
    return x <= y ? y - x <= y / 10 : x - y <= x / 10;
}

bool mm_growing_same_field(const mm_growing *work, const mm_growth_finding *a,
                           const mm_growth_finding *b) {
    const mm_growing_side *side = &work->early;
    const mm_graph *graph = side->graph;
    if (a->guilty.source == graph->root_node || b->guilty.source == graph->root_node ||
        a->guilty.source == b->guilty.source || a->type != b->type || !as_many(a, b) ||
        mm_growing_key(graph, a->guilty.source, a->guilty.edge) !=
            mm_growing_key(graph, b->guilty.source, b->guilty.edge)) {
        return false;
    }
    uint64_t a_key = 0;
    uint64_t b_key = 0;
    uint32_t a_node = instance_of(side, a->guilty.source, &a_key);
    uint32_t b_node = instance_of(side, b->guilty.source, &b_key);
    if (a_node == MM_NONE || b_node == MM_NONE || a_node == b_node || a_key != b_key ||
        graph->file->type[a_node] != graph->file->type[b_node]) {
        return false;
    }
    uint32_t a_in[HOLDERS_MAX];
    uint32_t b_in[HOLDERS_MAX];
    uint32_t a_count = containers_of(graph, a_node, a_in);
    uint32_t b_count = containers_of(graph, b_node, b_in);
    for (uint32_t i = 0; i < a_count; i++) {
        for (uint32_t k = 0; k < b_count; k++) {
            if (a_in[i] == b_in[k]) {
                return true;
            }
        }
    }
    return false;
}
