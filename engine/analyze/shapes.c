// The tree of shapes. A node's shape is that of its parent on the best chain and the step between
// them: looked up in one hash table by (parent, step, type), or made there. Chains are climbed to
// the nearest ancestor whose shape is known, and walked back down, so that each node is met once.
//
// Texts are hashed, not kept: what a shape is called is asked of the last graph, for the few that
// are told of. Names of attributes repeat a million times in a heap, so their hashes stand in a
// small table of recent ones.
#include "analyze/shapes.h"

#include <string.h>

#include "analyze/growing.h"

enum { SLOTS_FIRST = 1 << 12, RECENT_COUNT = 1 << 12, ANCESTORS_MAX = 32, CHAIN_MAX = 64 };

static const uint64_t HASH_START = 0xcbf29ce484222325u;
static const uint64_t HASH_PRIME = 0x100000001b3u;
static const uint64_t STEP_DATA = 1;
static const uint64_t STEP_TYPE = 2;
static const uint64_t STEP_C = 3;

// A step that was hashed lately: what it was, and its hash.
typedef struct recent_step {
    uint64_t kind;  // 0 = none
    uint64_t argument;
    uint64_t hash;
} recent_step;

typedef struct shape_take {
    mm_shapes *shapes;
    const mm_graph *graph;
    const uint32_t *number;  // by type of the file: number in the session's names
    mm_paths paths;
    uint32_t *of_node;
    uint32_t *stack;
    recent_step *recent;
} shape_take;

static uint64_t mixed(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

static uint64_t step_text_hash(const char *text) {
    uint64_t hash = HASH_START;
    for (const char *at = text; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * HASH_PRIME;
    }
    return hash;
}

void mm_shapes_init(mm_shapes *shapes, mm_type_names *names, mm_arena *arena) {
    mm_shapes empty = {.arena = arena, .names = names};
    *shapes = empty;
}

static uint32_t shape_slot(const mm_shapes *shapes, uint64_t step, uint32_t parent,
                           uint32_t label) {
    return (uint32_t)mixed(mixed(step, parent), label) & (shapes->slot_count - 1);
}

static MM_STATUS shapes_grow(mm_shapes *shapes) {
    uint32_t slot_count = shapes->slot_count == 0 ? SLOTS_FIRST : shapes->slot_count * 2;
    mm_shape *items = MM_ARENA_NEW(shapes->arena, mm_shape, slot_count);
    uint32_t *slots = MM_ARENA_NEW(shapes->arena, uint32_t, slot_count);
    if (items == NULL || slots == NULL || slot_count <= shapes->slot_count) {
        return MM_E_NOMEM;
    }
    if (shapes->count > 0) {
        memcpy(items, shapes->items, shapes->count * sizeof(*items));
    }
    MM_ARENA_GIVE_BACK(shapes->arena, shapes->items, shapes->room);
    MM_ARENA_GIVE_BACK(shapes->arena, shapes->slots, shapes->slot_count);
    shapes->items = items;
    shapes->slots = slots;
    shapes->slot_count = slot_count;
    shapes->room = slot_count;
    for (uint32_t i = 0; i < shapes->count; i++) {
        uint32_t slot = shape_slot(shapes, items[i].step, items[i].parent, items[i].label);
        items[i].next = slots[slot];
        slots[slot] = i + 1;
    }
    return MM_OK;
}

// The shape below `parent` that is reached by a step; a repeated one is the first.
static MM_STATUS shape_below(mm_shapes *shapes, uint32_t parent, uint64_t step, uint32_t label,
                             uint32_t flags, uint32_t *ret) {
    uint32_t above = parent;
    for (int i = 0; i < ANCESTORS_MAX && above != MM_NONE; i++) {
        const mm_shape *shape = &shapes->items[above];
        if (shape->step == step && shape->label == label) {
            *ret = above;
            return MM_OK;
        }
        above = shape->parent;
    }
    if (shapes->count == shapes->room) {
        MM_TRY(shapes_grow(shapes));
    }
    uint32_t slot = shape_slot(shapes, step, parent, label);
    for (uint32_t at = shapes->slots[slot]; at != 0; at = shapes->items[at - 1].next) {
        mm_shape *shape = &shapes->items[at - 1];
        if (shape->step == step && shape->parent == parent && shape->label == label) {
            shape->flags |= flags;
            *ret = at - 1;
            return MM_OK;
        }
    }
    mm_shape made = {step, parent, label, shapes->slots[slot], flags};
    shapes->items[shapes->count++] = made;
    shapes->slots[slot] = shapes->count;
    *ret = shapes->count - 1;
    return MM_OK;
}

// The name that a reference is filed under, by a key that all references of that name share.
static uint64_t name_step(shape_take *take, uint32_t source, uint32_t edge) {
    const mm_file *file = take->graph->file;
    unsigned naming = mm_file_naming(file, edge);
    uint64_t argument = file->reference_argument[edge];
    // Which word of which type; an entry's key is the same object in all namespaces.
    uint64_t owner = naming == MM_NAME_VALUE || naming == MM_NAME_NAMED ? 0 : file->type[source];
    uint64_t kind = owner << 8 | naming | 128;
    recent_step *recent = &take->recent[mixed(kind, argument) & (RECENT_COUNT - 1)];
    if (recent->kind == kind && recent->argument == argument) {
        return recent->hash;
    }
    const char *name = mm_graph_edge_name(take->graph, source, edge);
    uint64_t hash = name != NULL ? step_text_hash(name) : mixed(HASH_START + naming, argument);
    recent_step now = {kind, argument, hash};
    *recent = now;
    return hash;
}

// What a reference is called, without what tells one entry of data from another.
static uint64_t edge_step(shape_take *take, uint32_t source, uint32_t edge) {
    const mm_graph *graph = take->graph;
    bool space = (graph->node_flags[source] & MM_NODE_NAMESPACE) != 0;
    uint32_t kind = mm_graph_kind(graph, source);
    switch (mm_file_naming(graph->file, edge)) {
        case MM_NAME_MEMBER:
            return STEP_DATA;
        case MM_NAME_KEY:
            return space ? mm_growing_key(graph, source, edge) : STEP_DATA;
        case MM_NAME_VALUE:
            return space ? name_step(take, source, edge) : STEP_DATA;
        case MM_NAME_INDEX:
            return (graph->node_flags[source] & MM_NODE_FOLDED) != 0
                       ? mm_growing_key(graph, source, edge)
                       : STEP_DATA;
        case MM_NAME_LOCAL:
            return mm_growing_key(graph, source, edge);
        default:
            break;
    }
    if (mm_growing_is_link(graph, source)) {
        return STEP_DATA;
    }
    return kind == MM_KIND_CELL ? mm_growing_key(graph, source, edge)
                                : name_step(take, source, edge);
}

// Is the node no step of its own: an internal of the one before it on its chain?
static bool is_internal_step(const mm_graph *graph, uint32_t source, uint32_t edge) {
    return mm_graph_edge_folds(graph, source, edge) ||
           mm_growing_is_link(graph, graph->file->reference_target[edge]);
}

static uint32_t space_flag(const mm_graph *graph, uint32_t node) {
    uint32_t kind = mm_graph_kind(graph, node);
    bool space = (graph->node_flags[node] & MM_NODE_NAMESPACE) != 0 || kind == MM_KIND_MODULE ||
                 kind == MM_KIND_TYPE || kind == MM_KIND_OBJECT;
    return space ? (uint32_t)MM_SHAPE_SPACE : 0;
}

// The shape of a node whose parent on its chain has one.
static MM_STATUS node_shape(shape_take *take, uint32_t node, uint32_t parent, uint32_t *ret) {
    const mm_graph *graph = take->graph;
    const mm_paths *paths = &take->paths;
    uint32_t label = take->number[graph->file->type[node]];
    uint32_t flags = space_flag(graph, node);
    uint32_t link = paths->link[node];
    uint64_t step = STEP_C;
    switch (paths->via[node]) {
        case MM_VIA_ROOT:
            step = mm_growing_root_key(graph, link);
            break;
        case MM_VIA_MODULE: {
            const char *name = mm_graph_module_name(graph, node);
            step = step_text_hash(name != NULL ? name : "?");
            flags |= MM_SHAPE_MODULE;
            break;
        }
        case MM_VIA_EDGE: {
            uint32_t source = mm_graph_edge_source(graph, link);
            if (is_internal_step(graph, source, link)) {
                *ret = parent;
                return MM_OK;
            }
            step = edge_step(take, source, link);
            flags |= step == STEP_DATA ? (uint32_t)MM_SHAPE_DATA : 0;
            flags |= mm_file_naming(graph->file, link) == MM_NAME_KEY && step != STEP_DATA
                         ? (uint32_t)MM_SHAPE_NAME
                         : 0;
            break;
        }
        case MM_VIA_TYPE:
            step = STEP_TYPE;
            break;
        case MM_VIA_EPHEMERON:
            step = STEP_DATA;
            flags |= MM_SHAPE_DATA;
            break;
        default:
            flags |= MM_SHAPE_C;
            break;
    }
    return shape_below(take->shapes, parent, step, label, flags, ret);
}

static MM_STATUS node_climb(shape_take *take, uint32_t node) {
    uint32_t count = 0;
    uint32_t at = node;
    while (at != MM_NONE && take->of_node[at] == MM_NONE) {
        take->stack[count++] = at;
        at = mm_paths_parent(take->graph, &take->paths, at);
    }
    uint32_t shape = at != MM_NONE ? take->of_node[at] : MM_NONE;
    while (count-- > 0) {
        MM_TRY(node_shape(take, take->stack[count], shape, &shape));
        take->of_node[take->stack[count]] = shape;
    }
    return MM_OK;
}

// Is a node an internal of what has its shape? Such add bytes, and are no objects.
static bool node_is_inner(const shape_take *take, uint32_t node) {
    if (take->paths.via[node] != MM_VIA_EDGE) {
        return false;
    }
    uint32_t edge = take->paths.link[node];
    return is_internal_step(take->graph, mm_graph_edge_source(take->graph, edge), edge);
}

static MM_STATUS shapes_count(const shape_take *take, mm_shape_mark *ret) {
    const mm_graph *graph = take->graph;
    const mm_file *file = graph->file;
    mm_shapes *shapes = take->shapes;
    ret->counts = MM_ARENA_NEW(shapes->arena, mm_shape_count, (size_t)shapes->count + 1);
    ret->count = shapes->count;
    if (ret->counts == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t node = 0; node < graph->root_node; node++) {
        if (take->of_node[node] == MM_NONE) {
            continue;
        }
        mm_shape_count *count = &ret->counts[take->of_node[node]];
        count->bytes += mm_file_size_of(file, node) + mm_file_storage_of(file, node);
        if (node_is_inner(take, node)) {
            continue;
        }
        count->objects++;
        if ((shapes->items[take->of_node[node]].flags & MM_SHAPE_SPACE) == 0) {
            count->entries += file->reference_start[node + 1] - file->reference_start[node];
        }
    }
    return MM_OK;
}

static MM_STATUS shapes_run(shape_take *take, mm_arena *scratch, mm_shape_mark *ret) {
    size_t nodes = (size_t)take->graph->root_node + 1;
    take->of_node = MM_ARENA_NEW(scratch, uint32_t, nodes);
    take->stack = MM_ARENA_NEW(scratch, uint32_t, nodes);
    take->recent = MM_ARENA_NEW(scratch, recent_step, RECENT_COUNT);
    if (take->of_node == NULL || take->stack == NULL || take->recent == NULL) {
        return MM_E_NOMEM;
    }
    memset(take->of_node, 0xff, nodes * sizeof(*take->of_node));
    for (uint32_t node = 0; node < take->graph->root_node; node++) {
        if (take->paths.via[node] != MM_VIA_NOTHING && take->of_node[node] == MM_NONE) {
            MM_TRY(node_climb(take, node));
        }
    }
    MM_TRY(shapes_count(take, ret));
    MM_ARENA_GIVE_BACK(scratch, take->stack, nodes);
    return MM_OK;
}

MM_STATUS mm_shapes_take(mm_shapes *shapes, const mm_graph *graph, mm_arena *scratch,
                         mm_shape_mark *ret, mm_error *err) {
    shape_take take = {.shapes = shapes, .graph = graph};
    mm_path_options options = {NULL, NULL};
    mm_shape_mark mark = {.count = 0};
    uint32_t *number = NULL;
    MM_TRY(mm_type_names_of(shapes->names, graph, scratch, &number, err));
    MM_TRY(mm_paths_find(graph, &options, scratch, &take.paths, err));
    take.number = number;
    if (shapes_run(&take, scratch, &mark) != MM_OK) {
        return mm_fail(err, MM_E_NOMEM, "no memory to compare shapes", 0);
    }
    mark.of_node = take.of_node;
    mark.paths = take.paths;
    *ret = mark;
    return MM_OK;
}
