// A chain is climbed from the holder to its root, turned round, and folded: references into an
// internal (an instance's __dict__, a closure's cell) open no line of their own.
//
// The *guilty* reference is the one to look at: the first that leaves the structure of the program
// (modules, classes, functions, frames) for its data, for that is where an object was put to be
// kept. On a chain through a traceback it is the reference to the exception.
//
// Where the chain leads to something whose life is over, a finished task or a closed file, that is
// what should be gone: the guilty reference lies in front of the first such object, and behind the
// last one before it that is meant to live. After LeakCanary's narrowing of suspects.
//
// Chains may be as long as the heap (a linked list): only their two ends are kept.
#include "analyze/chain.h"

#include <stdio.h>
#include <string.h>

// Ends of a long chain that are kept, and how long one may be before it is cut.
enum { HEAD_MAX = 8, TAIL_MAX = 3, WHOLE_MAX = 16, TEXT_BYTES = 320, BASES_MAX = 64 };

typedef struct chain_link {
    uint32_t node;
    uint32_t link;
    mm_via via;
} chain_link;

typedef struct chain_build {
    const mm_graph *graph;
    mm_arena *arena;
    chain_link links[WHOLE_MAX];  ///< from the root; the last is the asked object
    uint32_t link_count;
    uint32_t gap;  ///< index of the first link after what is left out; 0 = nothing is
    uint64_t left_out_count;
    mm_why_step *steps;
    uint32_t *step_edges;  ///< reference behind steps[i].edge, or MM_NONE
    uint32_t step_count;
    bool cell_open;  ///< the last edge led into a cell that is not shown
} chain_build;

const char *mm_why_text_keep(mm_arena *arena, const char *text) {
    size_t bytes = strlen(text) + 1;
    char *kept = MM_ARENA_NEW(arena, char, bytes);
    if (kept != NULL) {
        memcpy(kept, text, bytes);
    }
    return kept;
}

static bool kind_is_container(uint32_t kind) {
    return kind == MM_KIND_DICT || kind == MM_KIND_LIST || kind == MM_KIND_TUPLE ||
           kind == MM_KIND_SET || kind == MM_KIND_ORDERED_DICT;
}

mm_holder mm_why_root_kind(const mm_file_root *root) {
    if (root->kind == MM_ROOT_FRAME) {
        return MM_HOLDER_LOCAL;
    }
    if (root->kind == MM_ROOT_HELD) {
        return MM_HOLDER_HELD;
    }
    return root->kind == MM_ROOT_MODULES ? MM_HOLDER_OTHER : MM_HOLDER_ROOT;
}

static mm_holder attribute_kind(const mm_graph *graph, uint32_t holder) {
    switch (mm_graph_kind(graph, holder)) {
        case MM_KIND_MODULE:
            return MM_HOLDER_GLOBAL;
        case MM_KIND_TYPE:
            return MM_HOLDER_CLASS;
        case MM_KIND_FUNCTION:
            return MM_HOLDER_FUNCTION;
        default:
            return MM_HOLDER_INSTANCE;
    }
}

static mm_holder folded_kind(const mm_graph *graph, uint32_t owner, uint32_t fold) {
    switch (mm_graph_edge_role(graph, owner, fold)) {
        case MM_ROLE_DEFAULTS:
        case MM_ROLE_KWDEFAULTS:
            return MM_HOLDER_DEFAULT;
        case MM_ROLE_CLOSURE:
            return MM_HOLDER_CLOSURE;
        default:
            return attribute_kind(graph, owner);
    }
}

mm_holder mm_why_edge_kind(const mm_graph *graph, uint32_t edge) {
    uint32_t source = mm_graph_edge_source(graph, edge);
    uint32_t kind = mm_graph_kind(graph, source);
    uint32_t fold = MM_NONE;
    uint32_t owner = mm_graph_owner(graph, source, &fold);
    switch (mm_file_naming(graph->file, edge)) {
        case MM_NAME_LOCAL:
            return kind == MM_KIND_FRAME ? MM_HOLDER_EXCEPTION : MM_HOLDER_SUSPENDED;
        case MM_NAME_INLINE:
            return MM_HOLDER_INSTANCE;
        case MM_NAME_WORD:
        case MM_NAME_NAMED:
            if (kind == MM_KIND_CELL) {
                return MM_HOLDER_CLOSURE;
            }
            if ((graph->node_flags[source] & MM_NODE_CODE) != 0) {
                return MM_HOLDER_OTHER;
            }
            if (kind == MM_KIND_METHOD) {
                return MM_HOLDER_METHOD;
            }
            return (graph->file->types[graph->file->type[source]].flags & MM_TYPE_CLASS) != 0
                       ? MM_HOLDER_INSTANCE
                       : MM_HOLDER_FIELD;
        default:
            return owner != MM_NONE ? folded_kind(graph, owner, fold) : MM_HOLDER_ENTRY;
    }
}

static MM_STATUS chain_collect(chain_build *build, const mm_paths *paths,
                               const mm_why_reference *reference) {
    uint64_t total = 1;
    uint32_t node = reference->holder;
    while (node != MM_NONE) {
        total++;
        MM_ASSERT(total <= (uint64_t)build->graph->root_node + 1);
        node = mm_paths_parent(build->graph, paths, node);
    }
    bool cut = total > WHOLE_MAX;
    build->link_count = (uint32_t)(cut ? (uint64_t)(HEAD_MAX + TAIL_MAX) : total);
    build->left_out_count = total - build->link_count;
    build->gap = cut ? HEAD_MAX : 0;
    bool entry = reference->edge == MM_NONE;
    chain_link last = {reference->target, reference->edge, entry ? MM_VIA_EPHEMERON : MM_VIA_EDGE};
    if (reference->holder == MM_NONE) {
        last.link = reference->root;
        last.via = reference->root == MM_NONE ? MM_VIA_C : MM_VIA_ROOT;
    }
    build->links[build->link_count - 1] = last;
    uint64_t position = total - 1;
    for (node = reference->holder; node != MM_NONE;
         node = mm_paths_parent(build->graph, paths, node)) {
        position--;
        chain_link link = {node, paths->link[node], (mm_via)paths->via[node]};
        if (!cut || position < HEAD_MAX) {
            build->links[position] = link;
        } else if (position >= total - TAIL_MAX) {
            build->links[position - build->left_out_count] = link;
        }
    }
    uint32_t room = build->link_count + 4;
    build->steps = MM_ARENA_NEW(build->arena, mm_why_step, room);
    build->step_edges = MM_ARENA_NEW(build->arena, uint32_t, room);
    return build->steps == NULL || build->step_edges == NULL ? MM_E_NOMEM : MM_OK;
}

static MM_STATUS step_open_text(chain_build *build, const char *object, uint32_t node) {
    mm_why_step *step = &build->steps[build->step_count];
    build->step_edges[build->step_count++] = MM_NONE;
    step->object = mm_why_text_keep(build->arena, object);
    step->entries = UINT64_MAX;
    step->kind = node == MM_NONE ? MM_NONE : mm_graph_kind(build->graph, node);
    step->node = node;
    return step->object == NULL ? MM_E_NOMEM : MM_OK;
}

static MM_STATUS step_open(chain_build *build, uint32_t node) {
    const mm_graph *graph = build->graph;
    char text[TEXT_BYTES];
    size_t used = 0;
    uint32_t owner =
        mm_graph_kind(graph, node) == MM_KIND_CELL ? MM_NONE : mm_graph_owner(graph, node, NULL);
    if (owner != MM_NONE) {
        static const char prefix[] = "attributes of ";
        used = sizeof(prefix) - 1;
        memcpy(text, prefix, sizeof(prefix));
        node = owner;
    }
    // That a frame of a chain has ended goes without saying.
    const char *over = mm_graph_over_word(graph, node);
    if (over != NULL && mm_graph_kind(graph, node) != MM_KIND_FRAME) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s ", over);
    }
    (void)mm_graph_object_text(graph, node, text + used, sizeof(text) - used);
    MM_TRY(step_open_text(build, text, node));
    mm_why_step *step = &build->steps[build->step_count - 1];
    uint64_t entries = 0;
    if (mm_graph_entries(graph, node, &entries)) {
        step->entries = entries;
    }
    (void)mm_graph_place(graph, node, &step->file, &step->line);
    return MM_OK;
}

static MM_STATUS step_edge(chain_build *build, const char *text, uint32_t edge) {
    MM_ASSERT(build->step_count > 0);
    build->steps[build->step_count - 1].edge = mm_why_text_keep(build->arena, text);
    build->step_edges[build->step_count - 1] = edge;
    return build->steps[build->step_count - 1].edge == NULL ? MM_E_NOMEM : MM_OK;
}

static MM_STATUS start_frame(chain_build *build, const chain_link *first) {
    const mm_file *file = build->graph->file;
    const mm_file_root *root = &file->roots[first->link];
    mm_why_step *step = &build->steps[0];
    const mm_file_frame *frame = root->frame == MM_NONE ? NULL : &file->frames[root->frame];
    if (frame != NULL && frame->code != MM_NONE &&
        mm_graph_place(build->graph, frame->code, &step->file, &step->line) && frame->line != 0) {
        step->line = frame->line;
    }
    build->cell_open = root->kind == MM_ROOT_FRAME && build->link_count > 1 &&
                       mm_graph_kind(build->graph, first->node) == MM_KIND_CELL;
    return build->cell_open ? MM_OK : step_open(build, first->node);
}

// A root that is a part of something opens a line for that, and the reference out of it one more.
static MM_STATUS start_root(chain_build *build, const chain_link *first) {
    const mm_file_root *root = &build->graph->file->roots[first->link];
    char owner[TEXT_BYTES];
    char edge[TEXT_BYTES];
    if (root->kind == MM_ROOT_STATIC_TYPE) {
        return step_open(build, first->node);
    }
    (void)mm_graph_root_owner_text(build->graph, first->link, owner, sizeof(owner));
    (void)mm_graph_root_edge_text(build->graph, first->link, edge, sizeof(edge));
    bool whole = root->kind == MM_ROOT_MODULES || root->kind == MM_ROOT_BUILTINS ||
                 root->kind == MM_ROOT_INTERNED;
    if (whole) {
        return step_open_text(build, owner, first->node);
    }
    MM_TRY(step_open_text(build, owner, MM_NONE));
    MM_TRY(step_edge(build,
                     edge[0] != '\0'                ? edge
                     : root->kind == MM_ROOT_THREAD ? "frame"
                                                    : "root",
                     MM_NONE));
    return root->kind == MM_ROOT_FRAME ? start_frame(build, first) : step_open(build, first->node);
}

static MM_STATUS chain_start(chain_build *build) {
    const chain_link *first = &build->links[0];
    if (first->via == MM_VIA_ROOT) {
        return start_root(build, first);
    }
    if (first->via == MM_VIA_C) {
        MM_TRY(step_open_text(build, "C code", MM_NONE));
        MM_TRY(step_edge(build, "unaccounted reference", MM_NONE));
    }
    return step_open(build, first->node);
}

static MM_STATUS chain_edge(chain_build *build, uint32_t at) {
    const mm_graph *graph = build->graph;
    const chain_link *link = &build->links[at];
    bool is_last = at + 1 == build->link_count;
    uint32_t source = build->links[at - 1].node;
    char text[TEXT_BYTES];
    if (build->cell_open) {
        // The edge into the cell has been written as the variable's.
        build->cell_open = false;
        return step_open(build, link->node);
    }
    // The entries of a traceback are one thing to a reader: what counts is the frame at which they
    // end.
    bool entry = mm_graph_kind(graph, source) == MM_KIND_TRACEBACK &&
                 mm_graph_kind(graph, link->node) == MM_KIND_TRACEBACK;
    if (!is_last && (entry || mm_graph_edge_folds(graph, source, link->link))) {
        return MM_OK;
    }
    (void)mm_graph_edge_text(graph, link->link, text, sizeof(text));
    MM_TRY(step_edge(build, text, link->link));
    bool local = mm_file_naming(graph->file, link->link) == MM_NAME_LOCAL;
    if (!is_last && local && mm_graph_kind(graph, link->node) == MM_KIND_CELL) {
        build->cell_open = true;
        return MM_OK;
    }
    return step_open(build, link->node);
}

static MM_STATUS chain_steps(chain_build *build) {
    MM_TRY(chain_start(build));
    for (uint32_t at = 1; at < build->link_count; at++) {
        const chain_link *link = &build->links[at];
        if (at == build->gap) {
            build->cell_open = false;
            MM_TRY(step_edge(build, "...", MM_NONE));
            MM_TRY(step_open(build, link->node));
        } else if (link->via == MM_VIA_EDGE) {
            MM_TRY(chain_edge(build, at));
        } else {
            MM_TRY(step_edge(build, link->via == MM_VIA_TYPE ? ".__class__" : "[*]", MM_NONE));
            MM_TRY(step_open(build, link->node));
        }
    }
    return MM_OK;
}

// The guilty step as what is known of lives allows it. A step without a reference, at a gap, stays
// as it is.
static uint32_t life_narrow(const chain_build *build, uint32_t guilty) {
    uint32_t over = 0;
    uint32_t alive = 0;
    for (uint32_t i = 1; i < build->step_count && over == 0; i++) {
        uint32_t node = build->steps[i].node;
        bool is_over = node != MM_NONE && mm_graph_over_word(build->graph, node) != NULL;
        over = is_over ? i : 0;
        alive = node != MM_NONE && mm_graph_is_meant_to_live(build->graph, node) ? i : alive;
    }
    uint32_t narrowed = guilty;
    if (over != 0 && guilty >= over) {
        narrowed = over - 1;
    } else if (over != 0 && guilty < alive) {
        // What is alive has its attributes for itself; behind them is what it keeps.
        narrowed = alive + 1 < over ? alive + 1 : alive;
    }
    bool shown = build->steps[narrowed].node == MM_NONE || build->step_edges[narrowed] != MM_NONE;
    return shown ? narrowed : guilty;
}

static uint32_t guilty_step(const chain_build *build) {
    const mm_graph *graph = build->graph;
    uint32_t last = build->step_count >= 2 ? build->step_count - 2 : 0;
    uint32_t guilty = last;
    bool found = false;
    for (uint32_t i = 0; i <= last; i++) {
        uint32_t node = build->steps[i].node;
        uint32_t edge = build->step_edges[i];
        if (edge != MM_NONE && i > 0 &&
            mm_graph_edge_role(graph, mm_graph_edge_source(graph, edge), edge) ==
                MM_ROLE_TRACEBACK) {
            return i - 1;
        }
        if (!found && node != MM_NONE && edge != MM_NONE &&
            (graph->node_flags[node] & MM_NODE_CODE) == 0 &&
            mm_graph_kind(graph, node) != MM_KIND_FRAME) {
            guilty = i;
            found = true;
        }
    }
    return life_narrow(build, guilty);
}

// The wrapper that functools.lru_cache makes is the one cache that says of itself that it is one.
static bool is_cache(const mm_graph *graph, uint32_t node) {
    return node != MM_NONE && strcmp(mm_graph_type_short(graph, node), "_lru_cache_wrapper") == 0;
}

// Is the step out of a container, or out of an object that files it under no name as a deque does?
static bool step_is_entry(const chain_build *build, uint32_t at) {
    const mm_graph *graph = build->graph;
    uint32_t node = build->steps[at].node;
    uint32_t edge = build->step_edges[at];
    if (node == MM_NONE) {
        return false;
    }
    if (kind_is_container(mm_graph_kind(graph, node))) {
        return true;
    }
    return edge != MM_NONE && mm_file_naming(graph->file, edge) != MM_NAME_LOCAL &&
           (graph->node_flags[mm_graph_edge_source(graph, edge)] & MM_NODE_FOLDED) == 0 &&
           mm_graph_edge_name(graph, mm_graph_edge_source(graph, edge), edge) == NULL;
}

// The reference that is filed under a name: the guilty one, or the one to the container that it
// comes out of. MM_NONE when that is a root.
static uint32_t holder_edge(const chain_build *build, uint32_t guilty) {
    MM_ASSERT(guilty < build->step_count);
    if (guilty > 0 && step_is_entry(build, guilty)) {
        return build->step_edges[guilty - 1];
    }
    return build->step_edges[guilty];
}

static mm_holder holder_kind(const chain_build *build, uint32_t guilty, uint32_t named) {
    const mm_graph *graph = build->graph;
    if (guilty + 2 < build->step_count) {
        uint32_t after = build->step_edges[guilty + 1];
        if (after != MM_NONE && mm_graph_edge_role(graph, mm_graph_edge_source(graph, after),
                                                   after) == MM_ROLE_TRACEBACK) {
            return MM_HOLDER_EXCEPTION;
        }
    }
    if (is_cache(graph, build->steps[guilty].node)) {
        return MM_HOLDER_CACHE;
    }
    if (named != MM_NONE) {
        return mm_why_edge_kind(graph, named);
    }
    if (build->links[0].via == MM_VIA_ROOT) {
        return mm_why_root_kind(&graph->file->roots[build->links[0].link]);
    }
    return build->links[0].via == MM_VIA_C ? MM_HOLDER_C : MM_HOLDER_OTHER;
}

static void text_append(char text[TEXT_BYTES], const char *more) {
    size_t used = strlen(text);
    MM_ASSERT(used < TEXT_BYTES);
    strncat(text, more, TEXT_BYTES - 1 - used);
}

// What the guilty reference belongs to is called: "Within._seen", "local x of f", "ERRORS[159]".
static void holder_text(const chain_build *build, uint32_t guilty, mm_holder kind,
                        char text[TEXT_BYTES]) {
    const mm_graph *graph = build->graph;
    const mm_why_step *step = &build->steps[guilty];
    char who[TEXT_BYTES / 2];
    bool entry = step_is_entry(build, guilty);
    bool attribute = step->edge == NULL || step->edge[0] == '.';
    text[0] = '\0';
    (void)mm_graph_holder_text(graph, step->node, false, who, sizeof(who));
    if (kind == MM_HOLDER_CACHE) {
        text_append(text, "the cache of ");
        text_append(text, who);
        return;
    }
    if (!attribute && !entry && strchr("[+ ", step->edge[0]) == NULL) {
        // "default of x" of "f".
        text_append(text, step->edge);
        text_append(text, " of ");
    }
    bool local =
        entry && guilty > 0 && build->step_edges[guilty - 1] == MM_NONE && kind == MM_HOLDER_LOCAL;
    text_append(text, local ? build->steps[guilty - 1].edge : who);
    if (step->edge != NULL && (entry ? kind == MM_HOLDER_EXCEPTION : attribute)) {
        text_append(text, step->edge);
    }
}

// Kind and name of what the guilty reference belongs to, and the reference that is filed under a
// name.
static MM_STATUS chain_holder(chain_build *build, uint32_t guilty, mm_why_chain *chain,
                              uint32_t *ret_named) {
    char text[TEXT_BYTES];
    uint32_t named = holder_edge(build, guilty);
    chain->kind = holder_kind(build, guilty, named);
    if (build->steps[guilty].node != MM_NONE) {
        holder_text(build, guilty, chain->kind, text);
        chain->holder = mm_why_text_keep(build->arena, text);
        if (chain->holder == NULL) {
            return MM_E_NOMEM;
        }
    }
    *ret_named = named;
    return MM_OK;
}

static void place_take(const mm_why_step *step, mm_why_chain *chain) {
    chain->file = step->file;
    chain->line = step->line;
    chain->place_node = step->node;
    chain->near = step->kind == MM_KIND_TYPE;
}

// The nearest place above the guilty reference; of an exception, where its frame stopped.
static void chain_place(const chain_build *build, uint32_t guilty, mm_why_chain *chain) {
    bool exception = chain->kind == MM_HOLDER_EXCEPTION;
    for (uint32_t i = guilty + 1; exception && i < build->step_count; i++) {
        if (build->steps[i].kind == MM_KIND_FRAME && build->steps[i].file != NULL) {
            place_take(&build->steps[i], chain);
            return;
        }
    }
    for (uint32_t i = guilty + 1; i-- > 0;) {
        if (build->steps[i].file != NULL) {
            place_take(&build->steps[i], chain);
            return;
        }
    }
}

// The str that a reference is filed under, or MM_NONE.
static uint32_t name_object(const mm_graph *graph, uint32_t edge) {
    const mm_file *file = graph->file;
    uint32_t argument = file->reference_argument[edge];
    unsigned naming = mm_file_naming(file, edge);
    uint32_t source = mm_graph_edge_source(graph, edge);
    if (naming == MM_NAME_VALUE && (graph->node_flags[source] & MM_NODE_NAMESPACE) != 0) {
        return argument;
    }
    const mm_file_type *type = &file->types[file->type[source]];
    return naming == MM_NAME_INLINE && argument < type->key_count
               ? file->keys[type->key_start + argument]
               : MM_NONE;
}

static bool node_is_called(const mm_graph *graph, uint32_t node, const char *name) {
    char text[TEXT_BYTES];
    (void)mm_graph_name_text(graph, node, text, sizeof(text));
    return strcmp(text, name) == 0;
}

// Where a name may be meant: in the code of a class and its bases when the name is an attribute of
// theirs or of their instances, or where the class is mentioned too; of a module, anywhere in its
// file.
typedef struct user_scope {
    uint32_t type;   ///< of the class, or MM_NONE when the attribute is no class's
    uint32_t class;  ///< the class that has it, or MM_NONE
} user_scope;

static user_scope user_scope_of(const mm_graph *graph, uint32_t named) {
    user_scope scope = {MM_NONE, MM_NONE};
    uint32_t source = mm_graph_edge_source(graph, named);
    uint32_t owner = mm_graph_owner(graph, source, NULL);
    owner = owner == MM_NONE ? source : owner;
    uint32_t kind = mm_graph_kind(graph, owner);
    if (kind == MM_KIND_TYPE) {
        scope.class = owner;
        scope.type = mm_graph_type_of_class(graph, owner);
    } else if (kind != MM_KIND_MODULE) {
        scope.type = graph->file->type[owner];
        scope.class = graph->file->types[scope.type].object;
    }
    return scope;
}

// Does the tuple of names that a code mentions have this one?
static bool names_have(const mm_graph *graph, uint32_t names, const char *name) {
    const mm_file *file = graph->file;
    for (uint32_t edge = file->reference_start[names]; edge < file->reference_start[names + 1];
         edge++) {
        const char *have = mm_file_text_of(file, file->reference_target[edge]);
        if (have != NULL && strcmp(have, name) == 0) {
            return true;
        }
    }
    return false;
}

// Is a function of this name a method of the class, or does it mention the class?
static bool user_knows_class(const mm_graph *graph, uint32_t class_node, uint32_t names,
                             const char *function) {
    char text[TEXT_BYTES];
    (void)mm_graph_name_text(graph, class_node, text, sizeof(text));
    size_t length = strlen(text);
    if (strncmp(function, text, length) == 0 &&
        (function[length] == '.' || function[length] == '\0')) {
        return true;
    }
    const char *dot = strrchr(text, '.');
    return names_have(graph, names, dot != NULL ? dot + 1 : text);
}

static bool user_is_meant(const mm_graph *graph, const user_scope *scope, uint32_t names,
                          const char *function) {
    if (scope->class == MM_NONE) {
        return true;
    }
    if (user_knows_class(graph, scope->class, names, function)) {
        return true;
    }
    uint32_t type = scope->type == MM_NONE ? MM_NONE : graph->file->types[scope->type].base;
    for (uint32_t steps = 0; type != MM_NONE && steps < BASES_MAX; steps++) {
        uint32_t base = graph->file->types[type].object;
        if (base != MM_NONE && user_knows_class(graph, base, names, function)) {
            return true;
        }
        type = graph->file->types[type].base;
    }
    return false;
}

static void user_add(const mm_graph *graph, uint32_t code, const char *name, mm_why_chain *chain,
                     mm_arena *arena) {
    mm_why_user user = {NULL, NULL, 0};
    if ((graph->node_flags[code] & MM_NODE_OWN) != 0 ||
        !mm_graph_place(graph, code, &user.file, &user.line) ||
        (chain->file != NULL && strcmp(chain->file, user.file) != 0)) {
        return;
    }
    // Code of a whole module mentions everything. The body of the class itself is the place to look
    // at.
    if (name[0] == '<') {
        return;
    }
    if (chain->near && node_is_called(graph, chain->place_node, name)) {
        chain->line = user.line;
        chain->near = false;
        return;
    }
    uint32_t at = chain->user_count;
    while (at > 0 && chain->users[at - 1].line > user.line) {
        at--;
    }
    if (at == MM_WHY_USERS_MAX) {
        return;
    }
    user.name = mm_why_text_keep(arena, name);
    if (user.name == NULL) {
        return;
    }
    uint32_t end =
        chain->user_count < MM_WHY_USERS_MAX ? chain->user_count++ : MM_WHY_USERS_MAX - 1;
    for (uint32_t i = end; i > at; i--) {
        chain->users[i] = chain->users[i - 1];
    }
    chain->users[at] = user;
}

// Functions whose code mentions the name: the same str object stands in their co_names.
static void chain_users(const mm_graph *graph, uint32_t named, mm_why_chain *chain,
                        mm_arena *arena) {
    const mm_file *file = graph->file;
    uint32_t name = named == MM_NONE ? MM_NONE : name_object(graph, named);
    if (name == MM_NONE) {
        return;
    }
    user_scope scope = user_scope_of(graph, named);
    for (uint32_t i = graph->reverse_start[name]; i < graph->reverse_start[name + 1]; i++) {
        uint32_t tuple = mm_graph_reverse_source(graph, i);
        if (mm_graph_kind(graph, tuple) != MM_KIND_TUPLE ||
            mm_file_naming(file, graph->reverse_edge[i]) != MM_NAME_INDEX) {
            continue;
        }
        for (uint32_t j = graph->reverse_start[tuple]; j < graph->reverse_start[tuple + 1]; j++) {
            uint32_t code = mm_graph_reverse_source(graph, j);
            if (mm_graph_kind(graph, code) == MM_KIND_CODE &&
                mm_graph_edge_role(graph, code, graph->reverse_edge[j]) == MM_ROLE_NAMES) {
                char text[TEXT_BYTES];
                (void)mm_graph_name_text(graph, code, text, sizeof(text));
                if (user_is_meant(graph, &scope, tuple, text)) {
                    user_add(graph, code, text, chain, arena);
                }
            }
        }
    }
}

MM_STATUS mm_why_chain_build(const mm_graph *graph, const mm_paths *paths,
                             const mm_why_reference *reference, mm_arena *arena,
                             mm_why_chain *ret) {
    chain_build build = {.graph = graph, .arena = arena};
    mm_why_chain chain = {.place_node = MM_NONE};
    uint32_t named = MM_NONE;
    MM_TRY(chain_collect(&build, paths, reference));
    MM_TRY(chain_steps(&build));
    uint32_t guilty = guilty_step(&build);
    if (build.step_count > 1) {
        build.steps[guilty].guilty = true;
    }
    MM_TRY(chain_holder(&build, guilty, &chain, &named));
    chain_place(&build, guilty, &chain);
    chain_users(graph, named, &chain, arena);
    if (named != MM_NONE && chain.kind != MM_HOLDER_EXCEPTION) {
        MM_TRY(mm_why_scope_find(graph, named, arena, &chain));
    }
    chain.steps = build.steps;
    chain.step_count = build.step_count;
    chain.left_out_count = build.left_out_count;
    *ret = chain;
    return MM_OK;
}
