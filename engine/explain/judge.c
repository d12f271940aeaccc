// Which holders a person should see. A container in a namespace is always
// told. A container of an own instance is the ordinary way to build a tree, and told only if
// something speaks for another role: the instance is a class attribute (a descriptor, a registry),
// its objects are keys, or bound methods, or it is named like a cache or like something that
// observers register with, or its class notifies what it holds without knowing what that is.
//
// A small table in a namespace is told only if the code of a function may have filled it.
#include <string.h>

#include "explain/group.h"

// A table of more entries, and any after so many tables, is told like other containers.
enum { TABLE_ENTRIES_MAX = 64, TABLES_MAX = 64, TABLE_NAMES_MAX = 4, LIST_FEW = 2, CLIMB_MAX = 64 };
// Of more items a display is made by appending.
enum { DISPLAY_MAX = 30 };
// Of mm_explain.named.
enum { NAMED_BY_PLACE = 2, NAMED_BY_ANY = 3 };

// Does a container of instances hold objects that keep such containers of their own: the inner
// level of a tree?
static bool is_tree(const mm_explain *work, const mm_hold_group *group, uint32_t owner) {
    return work->file->type[owner] == work->file->type[group->sample];
}

// `owner`: the instance that the container belongs to.
static bool instance_is_told(const mm_explain *work, const mm_hold_group *group, uint32_t owner) {
    const mm_hold *hold = group->holds[0];
    if (group->what == MM_HELD_EXCEPTIONS || group->what == MM_HELD_DEAD ||
        group->what == MM_HELD_DATA) {
        return true;
    }
    if (group->what == MM_HELD_CODE || is_tree(work, group, owner)) {
        return false;
    }
    return hold->how == MM_HOW_KEY || (hold->flags & MM_HOLD_CALLBACK) != 0 ||
           hold->source == owner || mm_explain_stands_in_class(work, owner) ||
           mm_explain_says_cache(group->holder) || mm_explain_says_observer(group->holder) ||
           mm_explain_calls_back(work, owner, group->sample);
}

// The instance of the program that has the group's container as an attribute; MM_NONE = none.
static uint32_t owner_instance(const mm_explain *work, const mm_hold_group *group) {
    const mm_graph *graph = work->graph;
    uint32_t node = group->holds[0]->source;
    for (uint32_t i = graph->reverse_start[node];
         group->one_source && i < graph->reverse_start[node + 1]; i++) {
        uint32_t source = mm_graph_reverse_source(graph, i);
        uint32_t owner = mm_graph_owner(graph, source, NULL);
        owner = owner == MM_NONE ? source : owner;
        if (mm_graph_edge_owns(graph, graph->reverse_edge[i]) &&
            (work->marks[owner] & MM_EXPLAIN_INSTANCE) != 0) {
            return owner;
        }
    }
    return MM_NONE;
}

// Does something with a name, of the kinds wanted, have each of the objects too?
static bool all_named(const mm_explain *work, const mm_hold_group *group, uint8_t kinds) {
    for (size_t i = 0; i < group->count; i++) {
        if ((work->named[group->objects[i]] & kinds) == 0) {
            return false;
        }
    }
    return true;
}

// Is each of another class? Leaks repeat themselves.
static bool all_different(const mm_explain *work, const mm_hold_group *group) {
    if (group->count > TABLE_ENTRIES_MAX) {
        return false;
    }
    for (size_t i = 0; i < group->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (work->file->type[group->objects[i]] == work->file->type[group->objects[j]]) {
                return false;
            }
        }
    }
    return true;
}

static bool library_is_told(const mm_explain *work, const mm_hold_group *group) {
    uint32_t anchor = group->holds[0]->anchor;
    if ((group->holds[0]->flags & MM_HOLD_ATEXIT) != 0) {
        return group->what == MM_HELD_INSTANCES && !all_named(work, group, NAMED_BY_ANY);
    }
    bool classes = mm_graph_kind(work->graph, group->sample) == MM_KIND_TYPE;
    if (group->what == MM_HELD_DEAD || (group->what == MM_HELD_CODE && !classes)) {
        return false;
    }
    if ((work->graph->node_flags[anchor] & MM_NODE_STDLIB) == 0) {
        return true;
    }
    // One object of a kind registered with the standard library is what its registries are for;
    // what a running frame names is in use.
    return !all_different(work, group) && (work->named[group->sample] & 2) == 0;
}

// Does something of the program's own name the container: a namespace, an instance, a closure? A
// list inside an object of C is that object's business.
static bool source_is_own(const mm_explain *work, const mm_hold_group *group) {
    const mm_graph *graph = work->graph;
    uint32_t node = group->holds[0]->source;
    for (uint32_t i = graph->reverse_start[node];
         !group->inside && i < graph->reverse_start[node + 1]; i++) {
        uint32_t source = mm_graph_reverse_source(graph, i);
        uint32_t owner = mm_graph_owner(graph, source, NULL);
        bool own = (work->marks[source] & (MM_EXPLAIN_NAMES | MM_EXPLAIN_OWN)) != 0 ||
                   (owner != MM_NONE && (work->marks[owner] & MM_EXPLAIN_OWN) != 0);
        uint32_t kind = mm_graph_kind(graph, source);
        if (own || kind == MM_KIND_CELL || kind == MM_KIND_TUPLE) {
            return true;
        }
    }
    return false;
}

// Constants stay for good anyway: a table of them forgets nothing.
static bool all_constants(const mm_explain *work, const mm_hold_group *group) {
    for (size_t i = 0; i < group->count; i++) {
        if (!mm_explain_is_constant(work, group->objects[i])) {
            return false;
        }
    }
    return group->what == MM_HELD_INSTANCES;
}

// One object for each of several functions or classes: commands, routes, plugins. Their number is
// that of the definitions in the source.
static bool all_handlers(const mm_explain *work, const mm_hold_group *group) {
    uint32_t handlers[TABLE_ENTRIES_MAX];
    if (group->count < 2 || group->count > TABLE_ENTRIES_MAX) {
        return false;
    }
    for (size_t i = 0; i < group->count; i++) {
        handlers[i] = mm_explain_handler_of(work, group->objects[i]);
        if (handlers[i] == MM_NONE) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (handlers[j] == handlers[i]) {
                return false;
            }
        }
    }
    return true;
}

// Is each the value under its own class: the one instance that a singleton has?
static bool all_singletons(const mm_explain *work, const mm_hold_group *group) {
    for (size_t i = 0; i < group->count; i++) {
        const mm_hold *hold = group->holds[i];
        if (hold->how != MM_HOW_VALUE || hold->edge != hold->last ||
            work->file->reference_argument[hold->edge] !=
                mm_graph_type_object(work->graph, hold->object)) {
            return false;
        }
    }
    return true;
}

// Has a list more room than its few items need? Then they came one after the other: a display has
// room for its own alone.
static bool list_was_grown(const mm_explain *work, uint32_t node, uint64_t entries) {
    const mm_file *file = work->file;
    uint64_t least = file->types[file->type[node]].size_bytes + entries * sizeof(uint64_t);
    return mm_graph_kind(work->graph, node) == MM_KIND_LIST && entries <= LIST_FEW &&
           mm_file_size_of(file, node) > least;
}

// Has a list just the room that its items need, which append() leaves at few lengths only? Then a
// display made it, as long as the interpreter keeps the items of one on its stack.
static bool list_is_display(const mm_explain *work, uint32_t node, uint64_t entries) {
    const mm_file *file = work->file;
    uint64_t exact = file->types[file->type[node]].size_bytes + entries * sizeof(uint64_t);
    return mm_graph_kind(work->graph, node) == MM_KIND_LIST && entries > LIST_FEW &&
           entries <= DISPLAY_MAX && entries % 4 != 0 && mm_file_size_of(file, node) == exact;
}

// The one instance of each of several classes that have a base in common: plugins, strategies.
static bool all_plugins(const mm_explain *work, const mm_hold_group *group) {
    const mm_graph *graph = work->graph;
    for (size_t i = 0; i < group->count; i++) {
        uint32_t object = group->objects[i];
        if (graph->instance_count[work->file->type[object]] != 1 ||
            !mm_explain_share_base(work, group->objects[0], object)) {
            return false;
        }
    }
    return group->count > 1;
}

// A small table in a module or class of what nothing but the import makes: constants, options,
// handlers.
static bool is_small_table(const mm_explain *work, const mm_hold_group *group, uint32_t *tables) {
    const mm_hold *hold = group->holds[0];
    uint64_t entries = 0;
    if (group->hidden || group->kind != MM_ANCHOR_NAMESPACE || group->what != MM_HELD_INSTANCES ||
        hold->how == MM_HOW_KEY || !group->one_source || *tables == TABLES_MAX ||
        !mm_graph_entries(work->graph, hold->source, &entries) || entries > TABLE_ENTRIES_MAX ||
        group->count > TABLE_ENTRIES_MAX) {
        return false;
    }
    if (all_singletons(work, group) || all_handlers(work, group) || all_plugins(work, group)) {
        return true;
    }
    if (list_was_grown(work, hold->source, entries)) {
        return false;
    }
    const char *names[TABLE_NAMES_MAX];
    uint32_t count = mm_explain_table_names(work, hold->source, names, TABLE_NAMES_MAX);
    if (count == 0) {
        return false;
    }
    if (list_is_display(work, hold->source, entries)) {
        return true;
    }
    ++*tables;
    for (size_t i = 0; i < group->count; i++) {
        bool same =
            i > 0 && work->file->type[group->objects[i]] == work->file->type[group->objects[i - 1]];
        if (!same && mm_explain_is_filled_by_code(work, names, count, group->objects[i])) {
            return false;
        }
    }
    return true;
}

// One object that an instance has registered with what the library knows too, such as a handler
// with its logger: what registries are for, unless nothing else keeps the instance itself.
static bool is_registered_once(const mm_explain *work, const mm_hold_group *group) {
    const mm_hold *hold = group->holds[0];
    uint32_t above = hold->anchor;
    if (group->count != 1 || (hold->flags & MM_HOLD_SHARED) == 0 ||
        group->what != MM_HELD_INSTANCES) {
        return false;
    }
    for (uint32_t steps = 0; above != MM_NONE && steps < CLIMB_MAX; steps++) {
        if (above == hold->object) {
            return false;
        }
        above = mm_dominators_object(&work->tree, above);
    }
    return true;
}

void mm_explain_judge(const mm_explain *work, mm_hold_group *group, uint32_t *tables) {
    const mm_hold *hold = group->holds[0];
    uint32_t owner = MM_NONE;
    switch (group->kind) {
        case MM_ANCHOR_NAMESPACE:
            // One object of a kind registered with what the library knows too: a handler with a
            // logger.
            group->hidden = group->what == MM_HELD_INSTANCES && all_different(work, group) &&
                            (hold->flags & MM_HOLD_SHARED) != 0;
            // What an instance has as its own is that instance's, whoever else leads to it.
            owner = owner_instance(work, group);
            group->hidden =
                group->hidden || (owner != MM_NONE && !instance_is_told(work, group, owner));
            group->rank = 2;
            break;
        case MM_ANCHOR_INSTANCE:
            group->hidden =
                !instance_is_told(work, group, hold->anchor) || is_registered_once(work, group);
            group->rank = 3;
            break;
        default:
            group->hidden = !library_is_told(work, group);
            group->rank = 4;
            break;
    }
    group->hidden = group->hidden || group->bounded ||
                    (group->what == MM_HELD_DEAD && !source_is_own(work, group)) ||
                    all_constants(work, group);
    // Services that a module names anyway, which subscribe to one another.
    bool called = group->what == MM_HELD_INSTANCES && (hold->flags & MM_HOLD_CALLBACK) != 0;
    group->hidden = group->hidden || (called && all_named(work, group, NAMED_BY_PLACE));
    if (group->what == MM_HELD_EXCEPTIONS) {
        group->rank = 0;
    } else if (hold->how == MM_HOW_KEY || (hold->flags & MM_HOLD_CALLBACK) != 0) {
        group->rank = 1;
    } else if (group->what == MM_HELD_CODE) {
        group->rank = 5;
    }
    group->hidden = group->hidden || is_small_table(work, group, tables);
}
