// Who keeps what. From each anchor, breadth first through everything that is neither structure nor
// the program's own: lists, dicts, bound methods, closures, a library's instances. Where the walk
// meets an own object it notes the *guilty* reference, the first entry of a container on the way:
//
//     class Within ── namespace ──▶ dict ──[key]──▶ Exam             guilty: the dict's [key]
//     Subject ──._observers──▶ list ──[0]──▶ method ──▶ Observer     guilty: the list's [0]
//
// and does not pass it: an own instance is an anchor itself. An own object that is met without an
// entry on the way is merely named. Anchors come in four waves: namespaces of the program, its
// instances, namespaces of libraries, the interpreter's own roots; within a wave in the order of
// their names, so that what two lead to goes to the same one in every run. A node is passed once:
// who keeps it is the nearest.
#include <string.h>

#include "base/free/sort.h"
#include "explain/explain.h"

enum { NAME_BYTES = 160, LEAD_MAX = 32 };

typedef struct hold_walk {
    mm_explain *work;
    uint32_t *queue;
    uint32_t head;
    uint32_t tail;
    uint8_t *seen;     // by node
    uint32_t *source;  // by node: of the guilty reference on the way to it, or MM_NONE
    uint32_t *edge;    // by node: that reference
    uint32_t *anchor;  // by node
    uint8_t *how;      // by node: mm_how
    uint8_t *flags;    // by node: MM_HOLD_*
    uint8_t kind;
    bool atexit;  // from what atexit calls
} hold_walk;

MM_STATUS mm_explain_hold_add(mm_explain *work, mm_hold hold) {
    if (work->hold_count == work->hold_room) {
        size_t room = work->hold_room < 256 ? 256 : work->hold_room * 2;
        mm_hold *grown = MM_ARENA_NEW(work->arena, mm_hold, room);
        if (grown == NULL) {
            return MM_E_NOMEM;
        }
        if (work->hold_count > 0) {
            memcpy(grown, work->holds, work->hold_count * sizeof(*grown));
        }
        work->holds = grown;
        work->hold_room = room;
    }
    work->holds[work->hold_count++] = hold;
    return MM_OK;
}

// How a reference out of a container holds; MM_HOW_NONE for a name. A tuple or frozenset cannot
// grow: it is passed like a name.
static mm_how entry_how(const mm_explain *work, uint32_t source, uint32_t edge) {
    const mm_graph *graph = work->graph;
    const mm_file *file = work->file;
    uint32_t kind = mm_graph_kind(graph, source);
    if ((graph->node_flags[source] & (MM_NODE_NAMESPACE | MM_NODE_FOLDED)) != 0 ||
        kind == MM_KIND_TUPLE) {
        return MM_HOW_NONE;
    }
    switch (mm_file_naming(file, edge)) {
        case MM_NAME_KEY:
            return MM_HOW_KEY;
        case MM_NAME_VALUE:
            return (graph->node_flags[file->reference_target[edge]] & MM_NODE_NAMESPACE) != 0
                       ? MM_HOW_NONE
                       : MM_HOW_VALUE;
        case MM_NAME_INDEX:
            return MM_HOW_ITEM;
        case MM_NAME_MEMBER:
            return strcmp(file->types[file->type[source]].name, "frozenset") == 0 ? MM_HOW_NONE
                                                                                  : MM_HOW_MEMBER;
        case MM_NAME_NAMED:
            return file->names[file->reference_argument[edge]][0] == '[' ||
                           mm_explain_is_cache(graph, source)
                       ? MM_HOW_ITEM
                       : MM_HOW_NONE;
        default:
            return MM_HOW_NONE;
    }
}

// Names that the interpreter and its library make: __annotations__, and in classes _member_map_.
static bool name_is_reserved(const char *name) {
    size_t length = strlen(name);
    return length > 2 && name[0] == '_' && name[length - 1] == '_';
}

static bool edge_is_passed(const hold_walk *walk, uint32_t node, uint32_t edge) {
    const mm_explain *work = walk->work;
    const mm_file *file = work->file;
    uint32_t target = file->reference_target[edge];
    if (!mm_graph_edge_owns(work->graph, edge) ||
        (work->graph->node_flags[target] & MM_NODE_OWN) != 0 || target == work->garbage_list) {
        return false;
    }
    // What an exception followed from, or is made of, is told with it.
    uint32_t kind = mm_graph_kind(work->graph, target);
    if (mm_graph_kind(work->graph, node) == MM_KIND_EXCEPTION &&
        (kind == MM_KIND_EXCEPTION || kind == MM_KIND_TUPLE)) {
        return false;
    }
    unsigned naming = mm_file_naming(file, edge);
    if (naming == MM_NAME_VALUE && (work->marks[node] & MM_EXPLAIN_NAMES) != 0) {
        const char *name = mm_graph_edge_name(work->graph, node, edge);
        return name == NULL || !name_is_reserved(name);
    }
    return true;
}

static bool kind_is_code(uint32_t kind) {
    return kind == MM_KIND_FUNCTION || kind == MM_KIND_GENERATOR || kind == MM_KIND_COROUTINE ||
           kind == MM_KIND_ASYNC_GENERATOR || kind == MM_KIND_FRAME;
}

// A library's instance that more than one reference leads to is not the program's alone.
static bool is_shared(const mm_explain *work, uint32_t node) {
    const mm_graph *graph = work->graph;
    uint32_t count = 0;
    if ((work->file->types[work->file->type[node]].flags & MM_TYPE_CLASS) == 0) {
        return false;
    }
    for (uint32_t i = graph->reverse_start[node]; i < graph->reverse_start[node + 1]; i++) {
        count += mm_graph_edge_owns(graph, graph->reverse_edge[i]);
    }
    return count > 1;
}

static uint8_t flags_of(const mm_explain *work, const mm_hold *hold, uint32_t node) {
    uint32_t kind = mm_graph_kind(work->graph, node);
    if (hold->source != MM_NONE) {
        bool called = kind == MM_KIND_METHOD || kind == MM_KIND_FUNCTION;
        return called               ? MM_HOLD_CALLBACK
               : kind_is_code(kind) ? MM_HOLD_CALLBACK | MM_HOLD_SUSPENDED
                                    : 0;
    }
    return is_shared(work, node) ? MM_HOLD_SHARED : 0;
}

// What is stored in a tuple under a name is stored under that name: sys.exc_info().
static void tuple_leave(const mm_explain *work, mm_hold *hold) {
    const mm_graph *graph = work->graph;
    for (uint32_t steps = 0; steps < 4 && mm_graph_kind(graph, hold->source) == MM_KIND_TUPLE;
         steps++) {
        uint32_t at = graph->reverse_start[hold->source];
        if (graph->reverse_start[hold->source + 1] - at != 1) {
            return;
        }
        hold->edge = graph->reverse_edge[at];
        hold->source = mm_graph_reverse_source(graph, at);
    }
}

static MM_STATUS target_meet(hold_walk *walk, uint32_t node, uint32_t edge) {
    mm_explain *work = walk->work;
    uint32_t target = work->file->reference_target[edge];
    uint8_t mark = work->marks[target];
    mm_hold hold = {.object = target,
                    .source = walk->source[node],
                    .edge = walk->edge[node],
                    .last = edge,
                    .anchor = walk->anchor[node],
                    .how = walk->how[node],
                    .kind = walk->kind,
                    .flags = walk->flags[node]};
    if (hold.source == MM_NONE) {
        mm_how how = entry_how(work, node, edge);
        if (how != MM_HOW_NONE) {
            hold.source = node;
            hold.edge = edge;
            hold.how = (uint8_t)how;
        }
    }
    if (walk->atexit && (mark & MM_EXPLAIN_INSTANCE) != 0) {
        hold.source = node;
        hold.edge = edge;
        hold.how = MM_HOW_ITEM;
        hold.flags |= MM_HOLD_CALLBACK | MM_HOLD_ATEXIT;
    }
    bool local = (mark & MM_EXPLAIN_LOCAL) != 0;
    bool keeps = (mark & MM_EXPLAIN_KEEPS) != 0;
    bool instance = (mark & MM_EXPLAIN_INSTANCE) != 0;
    bool noted = instance || keeps || local || (mark & MM_EXPLAIN_DEAD) != 0;
    if (noted && target != hold.anchor && hold.source != MM_NONE) {
        MM_TRY(mm_explain_hold_add(work, hold));
    } else if (keeps && target != hold.anchor) {
        hold.source = node;
        hold.edge = edge;
        hold.how = MM_HOW_NAME;
        tuple_leave(work, &hold);
        MM_TRY(mm_explain_hold_add(work, hold));
    } else if (instance && target != hold.anchor && walk->kind != MM_ANCHOR_ROOT) {
        work->named[target] |= walk->kind == MM_ANCHOR_INSTANCE ? 1 : 2;
    }
    // Whoever has an exception has its traceback: that is never a way of its own.
    bool passed = !instance && !keeps && (mark & (MM_EXPLAIN_STOP | MM_EXPLAIN_RUNNING)) == 0 &&
                  mm_graph_kind(work->graph, target) != MM_KIND_TRACEBACK;
    if (passed && walk->seen[target] == 0) {
        walk->seen[target] = 1;
        walk->source[target] = hold.source;
        walk->edge[target] = hold.edge;
        walk->how[target] = hold.how;
        walk->anchor[target] = hold.anchor;
        walk->flags[target] = hold.flags | flags_of(work, &hold, target);
        walk->queue[walk->tail++] = target;
    }
    return MM_OK;
}

// The live object behind the weak key of an entry, or MM_NONE: no weak key, or nothing behind it.
// `*ret_weak`: the key is weak.
static uint32_t weak_key(const mm_explain *work, uint32_t edge, bool *ret_weak) {
    const mm_file *file = work->file;
    uint32_t key = file->reference_argument[edge];
    *ret_weak = mm_file_naming(file, edge) == MM_NAME_VALUE && key != MM_NONE &&
                mm_graph_kind(work->graph, key) == MM_KIND_WEAKREF;
    return *ret_weak ? mm_graph_referent(work->graph, key) : MM_NONE;
}

// The value of a weak key goes with its key, unless it leads back to it: then neither ever goes.
// Looks at no more than LEAD_MAX objects.
static MM_STATUS weak_value_meet(hold_walk *walk, uint32_t node, uint32_t edge, uint32_t key) {
    mm_explain *work = walk->work;
    const mm_file *file = work->file;
    uint32_t queue[LEAD_MAX];
    uint32_t tail = 0;
    queue[tail++] = file->reference_target[edge];
    for (uint32_t head = 0; head < tail; head++) {
        uint32_t end = file->reference_start[queue[head] + 1];
        for (uint32_t i = file->reference_start[queue[head]]; i < end; i++) {
            uint32_t target = file->reference_target[i];
            bool known =
                (work->marks[target] & MM_EXPLAIN_STOP) != 0 || !mm_graph_edge_owns(work->graph, i);
            if (target == key && !known) {
                mm_hold hold = {.object = key,
                                .source = node,
                                .edge = edge,
                                .last = i,
                                .anchor = walk->anchor[node],
                                .how = MM_HOW_VALUE,
                                .kind = walk->kind,
                                .flags = MM_HOLD_WEAK};
                return mm_explain_hold_add(work, hold);
            }
            for (uint32_t j = 0; j < tail && !known; j++) {
                known = queue[j] == target;
            }
            if (!known && tail < LEAD_MAX) {
                queue[tail++] = target;
            }
        }
    }
    return MM_OK;
}

// The values of a threading.local are its attributes, though its table has weak keys.
static bool is_thread_local_key(const mm_explain *work, uint32_t key) {
    return key != MM_NONE &&
           strcmp(work->file->types[work->file->type[key]].name, "_thread._localdummy") == 0;
}

static MM_STATUS walk_drain(hold_walk *walk) {
    const mm_explain *work = walk->work;
    const mm_file *file = work->file;
    while (walk->head < walk->tail) {
        uint32_t node = walk->queue[walk->head++];
        for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
             edge++) {
            uint8_t mark = work->marks[file->reference_target[edge]];
            bool weak = false;
            uint32_t key = weak_key(work, edge, &weak);
            if (weak && !is_thread_local_key(work, key)) {
                if (key != MM_NONE && (work->marks[key] & MM_EXPLAIN_INSTANCE) != 0) {
                    MM_TRY(weak_value_meet(walk, node, edge, key));
                }
                continue;
            }
            // A class that a function made is met like an object, and passed as little.
            bool met = (mark & MM_EXPLAIN_STOP) == 0 || (mark & MM_EXPLAIN_LOCAL) != 0;
            if (met && edge_is_passed(walk, node, edge)) {
                MM_TRY(target_meet(walk, node, edge));
            }
        }
    }
    return MM_OK;
}

static void walk_begin(hold_walk *walk, uint32_t node, uint32_t anchor) {
    if (walk->seen[node] == 0) {
        walk->seen[node] = 1;
        walk->source[node] = MM_NONE;
        walk->anchor[node] = anchor;
        walk->how[node] = MM_HOW_NONE;
        walk->flags[node] = 0;
        walk->queue[walk->tail++] = node;
    }
}

typedef struct named_anchor {
    const char *name;
    uint32_t node;
    uint32_t names;  // the namespace that the walk begins with
} named_anchor;

static bool anchor_before(const void *left, const void *right, const void *context) {
    const named_anchor *a = left;
    const named_anchor *b = right;
    (void)context;
    return strcmp(a->name, b->name) < 0;
}

static MM_STATUS anchors_begin(hold_walk *walk, named_anchor *anchors, size_t count) {
    named_anchor *buffer = MM_ARENA_NEW(walk->work->arena, named_anchor, count + 1);
    if (buffer == NULL) {
        return MM_E_NOMEM;
    }
    mm_sort(anchors, buffer, count, sizeof(*anchors), anchor_before, NULL);
    for (size_t i = 0; i < count; i++) {
        walk_begin(walk, anchors[i].names, anchors[i].node);
    }
    return MM_OK;
}

// Namespaces of modules and classes, the program's own or all others.
static MM_STATUS namespaces_walk(hold_walk *walk, mm_anchor_kind kind) {
    mm_explain *work = walk->work;
    const mm_graph *graph = work->graph;
    size_t count = 0;
    for (uint32_t node = 0; node < graph->root_node; node++) {
        uint32_t node_kind = mm_graph_kind(graph, node);
        count += node_kind == MM_KIND_MODULE || node_kind == MM_KIND_TYPE;
    }
    named_anchor *anchors = MM_ARENA_NEW(work->arena, named_anchor, count + 1);
    if (anchors == NULL) {
        return MM_E_NOMEM;
    }
    count = 0;
    for (uint32_t node = 0; node < graph->root_node; node++) {
        char name[NAME_BYTES];
        uint32_t node_kind = mm_graph_kind(graph, node);
        bool own = (work->marks[node] & MM_EXPLAIN_OWN) != 0;
        if ((node_kind != MM_KIND_MODULE && node_kind != MM_KIND_TYPE) ||
            own != (kind == MM_ANCHOR_NAMESPACE) || (graph->node_flags[node] & MM_NODE_OWN) != 0 ||
            work->reach.reached[node] == MM_REACHED_NOT) {
            continue;
        }
        uint32_t edge = mm_graph_edge_with_role(graph, node, MM_ROLE_DICT);
        if (edge == MM_NONE) {
            continue;
        }
        (void)mm_graph_name_text(graph, node, name, sizeof(name));
        named_anchor anchor = {mm_why_text_keep(work->arena, name), node,
                               work->file->reference_target[edge]};
        if (anchor.name == NULL) {
            return MM_E_NOMEM;
        }
        anchors[count++] = anchor;
    }
    walk->kind = (uint8_t)kind;
    MM_TRY(anchors_begin(walk, anchors, count));
    return walk_drain(walk);
}

// The program's instances, type by type in the order of names. Each is drained by itself, so that
// what it alone leads to is its own.
static MM_STATUS instances_walk(hold_walk *walk) {
    mm_explain *work = walk->work;
    const mm_file *file = work->file;
    uint32_t own = 0;
    named_anchor *types = MM_ARENA_NEW(work->arena, named_anchor, (size_t)file->type_count + 1);
    uint32_t *start = MM_ARENA_NEW(work->arena, uint32_t, (size_t)file->type_count + 2);
    if (types == NULL || start == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t node = 0; node < file->object_count; node++) {
        bool is_own = (work->marks[node] & MM_EXPLAIN_INSTANCE) != 0;
        start[file->type[node] + 1] += is_own;
        own += is_own;
    }
    uint32_t count = 0;
    for (uint32_t type = 0; type < file->type_count; type++) {
        if (start[type + 1] > 0) {
            types[count++] = (named_anchor){file->types[type].name, type, 0};
        }
        start[type + 1] += start[type];
    }
    uint32_t *node_of = MM_ARENA_NEW(work->arena, uint32_t, (size_t)own + 1);
    named_anchor *buffer = MM_ARENA_NEW(work->arena, named_anchor, (size_t)count + 1);
    if (node_of == NULL || buffer == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t node = 0; node < file->object_count; node++) {
        if ((work->marks[node] & MM_EXPLAIN_INSTANCE) != 0) {
            node_of[start[file->type[node]]++] = node;
        }
    }
    mm_sort(types, buffer, count, sizeof(*types), anchor_before, NULL);
    walk->kind = MM_ANCHOR_INSTANCE;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t type = types[i].node;
        uint32_t first = type > 0 ? start[type - 1] : 0;
        // start[type] has moved to the end of the type; the one before ends where it begins.
        for (uint32_t at = first; at < start[type]; at++) {
            if (work->reach.reached[node_of[at]] != MM_REACHED_NOT) {
                walk_begin(walk, node_of[at], node_of[at]);
            }
        }
    }
    return walk_drain(walk);
}

// Roots of the interpreter and its threads, each drained by itself. Last: what a module or an
// object leads to as well is theirs.
static MM_STATUS roots_walk(hold_walk *walk) {
    const mm_explain *work = walk->work;
    const mm_file *file = work->file;
    walk->kind = MM_ANCHOR_ROOT;
    for (uint32_t i = 0; i < file->root_count; i++) {
        const mm_file_root *root = &file->roots[i];
        uint32_t node = root->object;
        bool wanted = root->kind == MM_ROOT_INTERPRETER || root->kind == MM_ROOT_THREAD;
        uint8_t barred = MM_EXPLAIN_STOP | MM_EXPLAIN_INSTANCE | MM_EXPLAIN_KEEPS;
        if (!wanted || node >= work->graph->root_node || node == work->garbage_list ||
            (work->graph->node_flags[node] & MM_NODE_OWN) != 0) {
            continue;
        }
        walk->atexit = mm_graph_root_is_atexit(work->graph, i);
        if ((work->marks[node] & barred) == 0) {
            walk_begin(walk, node, node);
            MM_TRY(walk_drain(walk));
        }
    }
    walk->atexit = false;
    return MM_OK;
}

// What a running frame names is in use.
static void frames_name(mm_explain *work) {
    const mm_file *file = work->file;
    for (uint32_t i = 0; i < file->root_count; i++) {
        uint32_t object = file->roots[i].object;
        if (file->roots[i].kind != MM_ROOT_FRAME) {
            continue;
        }
        work->named[object] |= 2;
        if (mm_graph_kind(work->graph, object) == MM_KIND_CELL &&
            file->reference_start[object] < file->reference_start[object + 1]) {
            work->named[file->reference_target[file->reference_start[object]]] |= 2;
        }
    }
}

MM_STATUS mm_explain_holds(mm_explain *work) {
    size_t nodes = (size_t)work->graph->root_node + 1;
    hold_walk walk = {.work = work};
    work->named = MM_ARENA_NEW(work->arena, uint8_t, nodes);
    walk.queue = MM_ARENA_NEW(work->arena, uint32_t, nodes);
    walk.seen = MM_ARENA_NEW(work->arena, uint8_t, nodes);
    walk.source = MM_ARENA_NEW(work->arena, uint32_t, nodes);
    walk.edge = MM_ARENA_NEW(work->arena, uint32_t, nodes);
    walk.anchor = MM_ARENA_NEW(work->arena, uint32_t, nodes);
    walk.how = MM_ARENA_NEW(work->arena, uint8_t, nodes);
    walk.flags = MM_ARENA_NEW(work->arena, uint8_t, nodes);
    if (work->named == NULL || walk.queue == NULL || walk.seen == NULL || walk.source == NULL ||
        walk.edge == NULL || walk.anchor == NULL || walk.how == NULL || walk.flags == NULL) {
        return MM_E_NOMEM;
    }
    frames_name(work);
    MM_TRY(namespaces_walk(&walk, MM_ANCHOR_NAMESPACE));
    MM_TRY(instances_walk(&walk));
    MM_TRY(namespaces_walk(&walk, MM_ANCHOR_LIBRARY));
    MM_TRY(roots_walk(&walk));
    return mm_explain_stores(work);
}
