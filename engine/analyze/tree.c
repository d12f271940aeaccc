// The tree is cut twice: what is small is summed up, and what is alike is one line. Ten thousand
// instances below one dict are a line with a count, and what hangs on them is grouped again as if
// they were one object. So the tree stays short however large a heap is.
//
// Lines are made from an explicit stack: a line is written, then its largest parts are pushed in
// reverse order, so that the largest comes next.
#include "analyze/tree.h"

#include <string.h>

#include "analyze/chain.h"
#include "base/free/sort.h"

enum { TEXT_BYTES = 320, ROWS_MAX = 4096, STACK_MAX = 4096, PASS_MAX = 64 };

// Objects that make up one line, or will.
typedef struct tree_group {
    uint32_t depth;
    uint32_t *nodes;
    uint32_t count;
    uint64_t bytes;
    bool rest;  // what was left out: only a sum
} tree_group;

typedef struct tree_item {
    uint64_t key;  // of what is one line
    uint32_t node;
} tree_item;

typedef struct tree_walk {
    const mm_graph *graph;
    mm_flow flow;
    mm_dominators tree;
    uint64_t *retained;
    uint32_t *start;  // children of node i at [start[i], start[i + 1]) of child
    uint32_t *child;
    mm_arena *arena;
    tree_group *stack;
    uint32_t stack_count;
    uint64_t least_bytes;
    const mm_tree_options *options;
} tree_walk;

static MM_STATUS tree_children(tree_walk *walk) {
    uint32_t count = walk->flow.node_count;
    walk->start = MM_ARENA_NEW(walk->arena, uint32_t, (size_t)count + 2);
    walk->child = MM_ARENA_NEW(walk->arena, uint32_t, (size_t)count + 1);
    if (walk->start == NULL || walk->child == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t node = 0; node < count; node++) {
        uint32_t above = walk->tree.idom[node];
        if (above != MM_NONE) {
            walk->start[above + 2]++;
        }
    }
    for (uint32_t node = 1; node <= count; node++) {
        walk->start[node + 1] += walk->start[node];
    }
    for (uint32_t node = 0; node < count; node++) {
        uint32_t above = walk->tree.idom[node];
        if (above != MM_NONE) {
            walk->child[walk->start[above + 1]++] = node;
        }
    }
    return MM_OK;
}

static bool is_object(const tree_walk *walk, uint32_t node) {
    return node < walk->graph->file->object_count;
}

// Nearest object above, or MM_NONE.
static uint32_t object_above(const tree_walk *walk, uint32_t node) {
    uint32_t at = walk->tree.idom[node];
    for (int i = 0; i < PASS_MAX && at != MM_NONE && !is_object(walk, at); i++) {
        at = walk->tree.idom[at];
    }
    return at != MM_NONE && is_object(walk, at) ? at : MM_NONE;
}

// No line of its own: an entry, a ring, or an internal of the object above.
static bool is_passed(const tree_walk *walk, uint32_t node) {
    if (!is_object(walk, node)) {
        return node >= walk->flow.entry_first && node != walk->flow.garbage_node &&
               node != walk->flow.by_c_node;
    }
    uint32_t above = object_above(walk, node);
    return above != MM_NONE && mm_graph_owner(walk->graph, node, NULL) == above;
}

// What has a name of its own: a module or class, by its namespace too; a frame. MM_NONE for others.
static uint32_t named_node(const tree_walk *walk, uint32_t node) {
    uint32_t owner = is_object(walk, node) ? mm_graph_owner(walk->graph, node, NULL) : MM_NONE;
    uint32_t known = owner != MM_NONE ? owner : node;
    if (!is_object(walk, known)) {
        return node;
    }
    uint32_t kind = mm_graph_kind(walk->graph, known);
    bool named = kind == MM_KIND_MODULE || kind == MM_KIND_TYPE || kind == MM_KIND_FRAME;
    return named ? known : MM_NONE;
}

// What is one line: things with a name are one each, others are one by type.
static uint64_t line_key(const tree_walk *walk, uint32_t node) {
    uint32_t named = named_node(walk, node);
    return named != MM_NONE ? named : (uint64_t)1 << 32 | walk->graph->file->type[node];
}

static bool item_before(const void *left, const void *right, const void *context) {
    const tree_item *a = left;
    const tree_item *b = right;
    (void)context;
    return a->key != b->key ? a->key < b->key : a->node < b->node;
}

static bool group_larger(const void *left, const void *right, const void *context) {
    const tree_group *a = left;
    const tree_group *b = right;
    (void)context;
    return a->bytes != b->bytes ? a->bytes > b->bytes : a->count > b->count;
}

// Everything right below the nodes of a group, what is passed replaced by what is below it.
static MM_STATUS items_collect(tree_walk *walk, const tree_group *group, tree_item **ret,
                               uint32_t *ret_count) {
    size_t room = 0;
    for (uint32_t i = 0; i < group->count; i++) {
        uint32_t node = group->nodes[i];
        room += mm_dominators_last(&walk->tree, node) - walk->tree.first[node];
    }
    tree_item *items = MM_ARENA_NEW(walk->arena, tree_item, room + 1);
    uint32_t *waiting = MM_ARENA_NEW(walk->arena, uint32_t, room + 1 + group->count);
    uint32_t count = 0;
    size_t left = group->count;
    if (items == NULL || waiting == NULL) {
        return MM_E_NOMEM;
    }
    memcpy(waiting, group->nodes, group->count * sizeof(*waiting));
    while (left > 0) {
        uint32_t node = waiting[--left];
        for (uint32_t i = walk->start[node]; i < walk->start[node + 1]; i++) {
            uint32_t child = walk->child[i];
            if (is_passed(walk, child)) {
                waiting[left++] = child;
            } else if (!is_object(walk, child) ||
                       (walk->graph->node_flags[child] & MM_NODE_OWN) == 0) {
                items[count++] = (tree_item){line_key(walk, child), child};
            }
        }
    }
    *ret = items;
    *ret_count = count;
    return MM_OK;
}

// Group what is alike, largest first.
static MM_STATUS tree_groups_make(tree_walk *walk, const tree_group *above, tree_group **ret,
                                  uint32_t *ret_count) {
    tree_item *items = NULL;
    uint32_t item_count = 0;
    uint32_t made = 0;
    MM_TRY(items_collect(walk, above, &items, &item_count));
    tree_item *lent = MM_ARENA_NEW(walk->arena, tree_item, (size_t)item_count + 1);
    uint32_t *nodes = MM_ARENA_NEW(walk->arena, uint32_t, (size_t)item_count + 1);
    tree_group *groups = MM_ARENA_NEW(walk->arena, tree_group, (size_t)item_count + 1);
    tree_group *buffer = MM_ARENA_NEW(walk->arena, tree_group, (size_t)item_count + 1);
    if (lent == NULL || nodes == NULL || groups == NULL || buffer == NULL) {
        return MM_E_NOMEM;
    }
    mm_sort(items, lent, item_count, sizeof(*items), item_before, NULL);
    for (uint32_t i = 0; i < item_count; i++) {
        nodes[i] = items[i].node;
        if (i == 0 || items[i].key != items[i - 1].key) {
            groups[made++] = (tree_group){above->depth + 1, &nodes[i], 0, 0, false};
        }
        groups[made - 1].count++;
        groups[made - 1].bytes += walk->retained[nodes[i]];
    }
    mm_sort(groups, buffer, made, sizeof(*groups), group_larger, NULL);
    *ret = groups;
    *ret_count = made;
    return MM_OK;
}

static MM_STATUS group_expand(tree_walk *walk, const tree_group *above) {
    tree_group *groups = NULL;
    uint32_t count = 0;
    uint32_t kept = 0;
    tree_group rest = {above->depth + 1, NULL, 0, 0, true};
    MM_TRY(tree_groups_make(walk, above, &groups, &count));
    while (kept < count && kept < walk->options->children_max &&
           groups[kept].bytes >= walk->least_bytes) {
        kept++;
    }
    for (uint32_t i = kept; i < count; i++) {
        rest.count += groups[i].count;
        rest.bytes += groups[i].bytes;
    }
    if (walk->stack_count + kept + 1 > STACK_MAX) {
        return MM_OK;
    }
    if (kept > 0 && rest.count > 0 && rest.bytes >= walk->least_bytes) {
        walk->stack[walk->stack_count++] = rest;
    }
    for (uint32_t i = kept; i > 0; i--) {
        walk->stack[walk->stack_count++] = groups[i - 1];
    }
    return MM_OK;
}

// How one object is reached from the one above, if it is by a reference.
static MM_STATUS edge_of(const tree_walk *walk, uint32_t node, const char **ret) {
    const mm_file *file = walk->graph->file;
    uint32_t above = object_above(walk, node);
    char text[TEXT_BYTES];
    *ret = NULL;
    for (uint32_t i = above == MM_NONE ? 0 : file->reference_start[above];
         above != MM_NONE && i < file->reference_start[above + 1]; i++) {
        if (file->reference_target[i] == node && mm_graph_edge_owns(walk->graph, i)) {
            (void)mm_graph_edge_text(walk->graph, i, text, sizeof(text));
            *ret = mm_why_text_keep(walk->arena, text);
            return *ret == NULL ? MM_E_NOMEM : MM_OK;
        }
    }
    return MM_OK;
}

static MM_STATUS row_make(const tree_walk *walk, const tree_group *group, mm_tree_row *ret) {
    char text[TEXT_BYTES];
    mm_tree_row row = {group->depth - 1, group->count, group->bytes, NULL, NULL};
    if (group->rest) {
        *ret = row;
        return MM_OK;
    }
    uint32_t node = group->nodes[0];
    if (node == walk->flow.by_c_node) {
        row.text = "held by C code";
    } else if (node == walk->flow.garbage_node) {
        row.text = "waits for the collector";
    } else if (group->count > 1 && named_node(walk, node) == MM_NONE) {
        row.text = mm_graph_type_short(walk->graph, node);
    } else {
        uint32_t named = named_node(walk, node);
        row.count = 1;
        (void)mm_graph_node_text(walk->graph, named != MM_NONE ? named : node, text, sizeof(text));
        row.text = mm_why_text_keep(walk->arena, text);
        MM_TRY(edge_of(walk, node, &row.edge));
    }
    *ret = row;
    return row.text == NULL ? MM_E_NOMEM : MM_OK;
}

static MM_STATUS tree_walk_down(tree_walk *walk, mm_tree *ret) {
    uint32_t root = walk->graph->root_node;
    tree_group top = {0, &root, 1, 0, false};
    MM_TRY(group_expand(walk, &top));
    while (walk->stack_count > 0 && ret->row_count < ROWS_MAX) {
        tree_group group = walk->stack[--walk->stack_count];
        MM_TRY(row_make(walk, &group, &ret->rows[ret->row_count++]));
        if (!group.rest && group.depth < walk->options->depth_max) {
            MM_TRY(group_expand(walk, &group));
        }
    }
    return MM_OK;
}

static MM_STATUS tree_make(tree_walk *walk, mm_tree *ret, mm_error *err) {
    mm_reach reach;
    MM_TRY(mm_reach_mark(walk->graph, walk->arena, &reach, err));
    MM_TRY(mm_flow_build(walk->graph, &reach, walk->arena, &walk->flow, err));
    MM_TRY(mm_dominators_find(&walk->flow, walk->arena, &walk->tree, err));
    MM_TRY(mm_retained_sum(&walk->tree, walk->arena, &walk->retained, err));
    MM_TRY(tree_children(walk));
    for (uint32_t node = 0; node < walk->graph->file->object_count; node++) {
        bool ours = (walk->graph->node_flags[node] & MM_NODE_OWN) != 0;
        ret->bytes += ours ? 0 : mm_retained_own(walk->graph->file, node);
    }
    uint32_t share = walk->options->share;
    walk->least_bytes = share == 0 ? 0 : ret->bytes / share;
    walk->stack = MM_ARENA_NEW(walk->arena, tree_group, STACK_MAX);
    ret->rows = MM_ARENA_NEW(walk->arena, mm_tree_row, ROWS_MAX);
    if (walk->stack == NULL || ret->rows == NULL) {
        return MM_E_NOMEM;
    }
    return tree_walk_down(walk, ret);
}

MM_STATUS mm_tree_find(const mm_graph *graph, const mm_tree_options *options, mm_arena *arena,
                       mm_tree *ret, mm_error *err) {
    MM_ASSERT(options->depth_max > 0);
    MM_ASSERT(options->children_max > 0);
    tree_walk walk = {.graph = graph, .arena = arena, .options = options};
    mm_tree tree = {0, NULL, 0};
    mm_status status = tree_make(&walk, &tree, err);
    if (status != MM_OK) {
        return status == MM_E_NOMEM ? mm_fail(err, status, "no memory for a tree", 0) : status;
    }
    *ret = tree;
    return MM_OK;
}
