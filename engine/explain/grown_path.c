// How what grows is reached, and what goes with it.
//
// The best chain to a grown object need not lead through the guilty reference: somebody else may
// hold it too. So the chain is put together: the best one to the source of the guilty reference,
// that reference, and the shortest way on through what is new to an object of the type that grows.
//
//     module shop ──.Within──▶ class Within ──._seen──▶ dict ══[key]══▶ Exam
//     └───────────── the best chain to an old object ────┘   guilty     └─ new
#include <string.h>

#include "explain/grown.h"

// A context that has a variable for each of many instances: none of them has a name.
static const char context_holder[] = "the context";

enum { TEXT_BYTES = 320, ROUTE_MAX = 24, ALSO_MAX = 6, EPHEMERON_MAX = 4096 };

// From the guilty reference to the object that is shown, first the guilty one.
typedef struct grown_route {
    uint32_t source;  // root_node: a root
    uint32_t root;    // its number, or MM_NONE
    uint32_t edges[ROUTE_MAX];
    uint32_t nodes[ROUTE_MAX];  // what each leads to
    uint32_t count;
} grown_route;

static void route_offer(mm_grown *grown, uint32_t edge, uint32_t target, uint32_t *tail) {
    if (grown->stamp[target] == grown->search || grown->birth[target] == 0) {
        return;
    }
    grown->stamp[target] = grown->search;
    grown->from[target] = edge;
    grown->queue[(*tail)++] = target;
}

// The nearest new object of the type behind references that are in the queue, or `object`, where
// that is one.
static uint32_t route_search(mm_grown *grown, uint32_t type, uint32_t object, uint32_t tail) {
    const mm_explain *work = grown->work;
    const mm_file *file = work->file;
    for (uint32_t head = 0; head < tail; head++) {
        uint32_t node = grown->queue[head];
        if (object != MM_NONE ? node == object : mm_grown_is_type(grown, node, type)) {
            return node;
        }
        for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
             edge++) {
            if (mm_graph_edge_owns(work->graph, edge)) {
                route_offer(grown, edge, file->reference_target[edge], &tail);
            }
        }
    }
    return MM_NONE;
}

// Climb from the object to the guilty reference. False if the way is longer than is worth showing.
static bool route_climb(const mm_grown *grown, uint32_t object, grown_route *route) {
    uint32_t edges[ROUTE_MAX];
    uint32_t count = 0;
    uint32_t node = object;
    for (;;) {
        uint32_t edge = grown->from[node];
        if (count == ROUTE_MAX) {
            return false;
        }
        edges[count++] = edge;
        uint32_t source = edge == MM_NONE || route->root != MM_NONE
                              ? MM_NONE
                              : mm_graph_edge_source(grown->work->graph, edge);
        if (edge == MM_NONE || source == route->source) {
            break;
        }
        node = mm_graph_edge_source(grown->work->graph, edge);
    }
    route->count = count;
    for (uint32_t i = 0; i < count; i++) {
        route->edges[i] = edges[count - 1 - i];
    }
    node = object;
    for (uint32_t i = count; i-- > 0;) {
        route->nodes[i] = node;
        node = i > 0 ? mm_graph_edge_source(grown->work->graph, route->edges[i]) : node;
    }
    return true;
}

// The way from the guilty reference. It has at least that one.
static void route_find(mm_grown *grown, const mm_growth_finding *growth, const mm_cut *cut,
                       bool climbed, grown_route *ret) {
    const mm_explain *work = grown->work;
    const mm_file *file = work->file;
    bool is_root = growth->guilty.source == work->graph->root_node;
    uint32_t first = is_root ? file->roots[growth->guilty.edge].object
                             : file->reference_target[growth->guilty.edge];
    uint32_t tail = 0;
    grown->search++;
    ret->source = growth->guilty.source;
    ret->root = is_root ? growth->guilty.edge : MM_NONE;
    ret->count = 1;
    ret->edges[0] = is_root ? MM_NONE : growth->guilty.edge;
    ret->nodes[0] = first;
    if (growth->kind == MM_GROWTH_ONE_OBJECT && first == growth->newest) {
        return;
    }
    route_offer(grown, ret->edges[0], first, &tail);
    if (climbed && tail == 0) {
        // What both ends of the chain hang on is older than all of it.
        grown->stamp[first] = grown->search;
        grown->from[first] = ret->edges[0];
        grown->queue[tail++] = first;
    }
    // Newest entries come last.
    for (uint32_t i = cut->edge_count; i-- > 0;) {
        route_offer(grown, cut->edges[i], file->reference_target[cut->edges[i]], &tail);
    }
    bool one = growth->kind == MM_GROWTH_ONE_OBJECT;
    uint32_t object = route_search(grown, growth->type, one ? growth->newest : MM_NONE, tail);
    grown_route found = *ret;
    if (object != MM_NONE && route_climb(grown, object, &found)) {
        *ret = found;
    }
}

static bool source_is_reached_without(const mm_grown *grown, const grown_route *route) {
    const mm_explain *work = grown->work;
    uint32_t at = route->source;
    if (work->paths.via[at] == MM_VIA_NOTHING) {
        return false;
    }
    for (uint32_t steps = 0; at != MM_NONE && steps <= work->graph->root_node; steps++) {
        for (uint32_t i = 0; i < route->count; i++) {
            if (route->nodes[i] == at) {
                return false;
            }
        }
        at = mm_paths_parent(work->graph, &work->paths, at);
    }
    return true;
}

typedef struct saved_step {
    uint8_t via;
    uint32_t link;
} saved_step;

// While a path is built, the chain to each node of the route leads along the route.
static void route_lay(const mm_grown *grown, const grown_route *route, saved_step *saved) {
    mm_paths *paths = &grown->work->paths;
    for (uint32_t i = 0; i < route->count; i++) {
        uint32_t node = route->nodes[i];
        saved[i] = (saved_step){paths->via[node], paths->link[node]};
        bool is_root = i == 0 && route->root != MM_NONE;
        paths->via[node] = is_root ? MM_VIA_ROOT : MM_VIA_EDGE;
        paths->link[node] = is_root ? route->root : route->edges[i];
    }
}

static void route_lift(const mm_grown *grown, const grown_route *route, const saved_step *saved) {
    mm_paths *paths = &grown->work->paths;
    for (uint32_t i = route->count; i-- > 0;) {
        paths->via[route->nodes[i]] = saved[i].via;
        paths->link[route->nodes[i]] = saved[i].link;
    }
}

// The path of what a root itself holds. The root is the guilty reference.
static MM_STATUS root_path(mm_grown *grown, const grown_route *route, mm_finding *finding) {
    mm_explain *work = grown->work;
    mm_why_reference reference = {.holder = MM_NONE,
                                  .edge = MM_NONE,
                                  .root = route->root,
                                  .target = route->nodes[0],
                                  .chained = true};
    mm_why_chain chain;
    if (route->count > 1) {
        reference.edge = route->edges[route->count - 1];
        reference.holder = route->nodes[route->count - 2];
        reference.target = route->nodes[route->count - 1];
        reference.root = MM_NONE;
    }
    MM_TRY(mm_why_chain_build(work->graph, &work->paths, &reference, work->arena, &chain));
    finding->path = MM_ARENA_NEW(work->arena, mm_finding_step, (size_t)chain.step_count + 1);
    if (finding->path == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t i = 0; i < chain.step_count; i++) {
        const mm_why_step *step = &chain.steps[i];
        finding->path[i] = (mm_finding_step){.object = step->object,
                                             .edge = step->edge,
                                             .entries = step->entries,
                                             .file = step->file,
                                             .line = step->line,
                                             .guilty = i == 0 && chain.step_count > 1};
    }
    finding->path_count = chain.step_count;
    return MM_OK;
}

static mm_how how_of(const mm_grown *grown, uint32_t source, uint32_t edge) {
    const mm_graph *graph = grown->work->graph;
    if ((graph->node_flags[source] & (MM_NODE_NAMESPACE | MM_NODE_FOLDED)) != 0) {
        return MM_HOW_NAME;
    }
    switch (mm_file_naming(graph->file, edge)) {
        case MM_NAME_KEY:
            return MM_HOW_KEY;
        case MM_NAME_VALUE:
            return MM_HOW_VALUE;
        case MM_NAME_INDEX:
            return MM_HOW_ITEM;
        case MM_NAME_MEMBER:
            return MM_HOW_MEMBER;
        case MM_NAME_NAMED:
            return graph->file->names[graph->file->reference_argument[edge]][0] == '['
                       ? MM_HOW_ITEM
                       : MM_HOW_NAME;
        default:
            return MM_HOW_NAME;
    }
}

static mm_hold hold_of(const mm_grown *grown, const grown_route *route) {
    const mm_graph *graph = grown->work->graph;
    uint32_t owner = mm_graph_owner(graph, route->source, NULL);
    mm_hold hold = {.object = route->nodes[route->count - 1],
                    .source = route->source,
                    .edge = route->edges[0],
                    .last = route->edges[route->count - 1],
                    .anchor = owner != MM_NONE ? owner : route->source,
                    .how = (uint8_t)how_of(grown, route->source, route->edges[0])};
    for (uint32_t i = 0; i + 1 < route->count; i++) {
        uint32_t kind = mm_graph_kind(graph, route->nodes[i]);
        bool called = kind == MM_KIND_METHOD || kind == MM_KIND_FUNCTION;
        hold.flags |= called ? MM_HOLD_CALLBACK : 0;
    }
    return hold;
}

// The chain's users are those of the name that its own guilty step is filed under. Where the guilty
// reference is an attribute further down, they say nothing of that one.
static void path_users_drop(const mm_grown *grown, uint32_t guilty, mm_finding *finding) {
    const mm_why_chain *chain = finding->chain;
    MM_ASSERT(guilty < chain->step_count);
    const char *edge = chain->steps[guilty].edge;
    bool above = false;
    for (uint32_t i = 0; i < guilty; i++) {
        above |= chain->steps[i].guilty;
    }
    if (!above || edge == NULL || edge[0] != '.' || chain->user_count == 0) {
        return;
    }
    mm_why_chain *copy = MM_ARENA_NEW(grown->work->arena, mm_why_chain, 1);
    if (copy != NULL) {
        *copy = *chain;
        copy->user_count = 0;
        finding->chain = copy;
    }
}

// Mark in the path the step that the guilty reference is: a folded source stands as its owner.
static void path_guilt(const mm_grown *grown, const grown_route *route, mm_finding *finding) {
    const mm_why_chain *chain = finding->chain;
    uint32_t owner = mm_graph_owner(grown->work->graph, route->source, NULL);
    if (chain == NULL || chain->step_count != finding->path_count) {
        return;
    }
    for (uint32_t i = 0; i + 1 < chain->step_count; i++) {
        uint32_t node = chain->steps[i].node;
        if (node != MM_NONE && (node == route->source || node == owner)) {
            for (uint32_t at = 0; at < finding->path_count; at++) {
                finding->path[at].guilty = at == i;
            }
            path_users_drop(grown, i, finding);
            return;
        }
    }
}

static MM_STATUS grown_path(mm_grown *grown, const grown_route *route, mm_finding *finding) {
    mm_explain *work = grown->work;
    saved_step saved[ROUTE_MAX];
    // Before the route is laid, so that nothing is found out of what lies in it.
    MM_TRY(mm_paths_settle(&work->paths, route->source));
    for (uint32_t i = 0; i < route->count; i++) {
        MM_TRY(mm_paths_settle(&work->paths, route->nodes[i]));
    }
    if (route->root == MM_NONE && !source_is_reached_without(grown, route)) {
        return MM_OK;
    }
    if (route->root != MM_NONE) {
        route_lay(grown, route, saved);
        mm_status status = root_path(grown, route, finding);
        route_lift(grown, route, saved);
        return status;
    }
    mm_hold hold = hold_of(grown, route);
    const mm_hold *holds = &hold;
    route_lay(grown, route, saved);
    mm_status status = mm_explain_story(work, &holds, 1, true, finding);
    route_lift(grown, route, saved);
    MM_TRY(status);
    path_guilt(grown, route, finding);
    if ((work->graph->node_flags[hold.anchor] & MM_NODE_STDLIB) != 0) {
        // The line where the library makes its registry helps nobody.
        finding->file = NULL;
        finding->line = 0;
    }
    return MM_OK;
}

static MM_STATUS also_text(const mm_grown *grown, const mm_growth_edge *edge, const char **ret) {
    const mm_explain *work = grown->work;
    mm_phrase phrase = {.used = 0};
    char text[TEXT_BYTES];
    if (edge->source == work->graph->root_node) {
        (void)mm_graph_root_text(work->graph, edge->edge, text, sizeof(text));
        mm_phrase_text(&phrase, text);
    } else {
        mm_explain_reference_text(work->graph, edge->source, edge->edge, &phrase);
    }
    *ret = mm_phrase_keep(&phrase, work->arena);
    return *ret == NULL ? MM_E_NOMEM : MM_OK;
}

static MM_STATUS also_fill(const mm_grown *grown, const mm_growth_finding *growth,
                           mm_finding *finding) {
    finding->also_held_by = MM_ARENA_NEW(grown->work->arena, const char *, ALSO_MAX);
    if (finding->also_held_by == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t i = 0; i < growth->also_count && finding->also_count < ALSO_MAX; i++) {
        const char *text = NULL;
        MM_TRY(also_text(grown, &growth->also[i], &text));
        bool known = finding->cut.reference != NULL && strcmp(text, finding->cut.reference) == 0;
        for (uint32_t j = 0; j < finding->also_count && !known; j++) {
            known = strcmp(text, finding->also_held_by[j]) == 0;
        }
        if (!known) {
            finding->also_held_by[finding->also_count++] = text;
        }
    }
    return MM_OK;
}

// The first of the route that is an exception which keeps a frame: what is behind it is kept by
// that. MM_NONE = none.
static uint32_t route_exception(const mm_grown *grown, const grown_route *route) {
    for (uint32_t i = 0; i < route->count; i++) {
        if ((grown->work->marks[route->nodes[i]] & MM_EXPLAIN_KEEPS) != 0) {
            return route->nodes[i];
        }
    }
    return MM_NONE;
}

// Is the guilty reference the value of a weak key, and does the value lead back to the key? Then
// neither ever goes.
static bool route_is_ephemeron(mm_grown *grown, const grown_route *route) {
    const mm_explain *work = grown->work;
    const mm_file *file = work->file;
    uint32_t edge = route->edges[0];
    uint32_t key =
        mm_file_naming(file, edge) == MM_NAME_VALUE ? file->reference_argument[edge] : MM_NONE;
    if (key == MM_NONE || mm_graph_kind(work->graph, key) != MM_KIND_WEAKREF) {
        return false;
    }
    uint32_t referent = mm_graph_referent(work->graph, key);
    uint32_t tail = 0;
    grown->search++;
    route_offer(grown, edge, file->reference_target[edge], &tail);
    for (uint32_t head = 0; referent != MM_NONE && head < tail && head < EPHEMERON_MAX; head++) {
        uint32_t node = grown->queue[head];
        if (node == referent) {
            return true;
        }
        for (uint32_t i = file->reference_start[node]; i < file->reference_start[node + 1]; i++) {
            if (mm_graph_edge_owns(work->graph, i)) {
                route_offer(grown, i, file->reference_target[i], &tail);
            }
        }
    }
    return false;
}

static MM_STATUS role_fill(mm_grown *grown, const grown_route *route, const mm_grown_facts *facts,
                           bool owned, mm_finding *finding) {
    mm_explain *work = grown->work;
    mm_hold hold = hold_of(grown, route);
    mm_role_guess guess = {NULL, NULL, NULL};
    uint32_t entry = route->nodes[0];
    uint8_t mark = work->marks[hold.object];
    mm_role_facts role = {.holder = facts->holder,
                          .type = facts->object_text,
                          .how = (mm_how)hold.how,
                          .object = hold.object,
                          .source = hold.source,
                          .callback = (hold.flags & MM_HOLD_CALLBACK) != 0,
                          .exception = (mark & MM_EXPLAIN_KEEPS) != 0,
                          .dead = (mark & MM_EXPLAIN_DEAD) != 0,
                          .cached = facts->cached,
                          .owned = owned};
    uint32_t exception = route_exception(grown, route);
    if (exception != MM_NONE) {
        role.exception = true;
        role.object = exception;
    }
    role.weak = !role.exception && route_is_ephemeron(grown, route);
    finding->kind = role.weak ? MM_FINDING_WEAK_CONTAINER : finding->kind;
    role.bound = mm_graph_kind(work->graph, entry) == MM_KIND_METHOD;
    role.descriptor = mm_explain_is_descriptor(work, hold.anchor);
    role.observer = (work->marks[hold.anchor] & MM_EXPLAIN_INSTANCE) != 0 &&
                    mm_explain_calls_back(work, hold.anchor, hold.object);
    role.shared = finding->also_count > 0 || finding->cut.freed_bytes == 0 ||
                  (finding->cut.other_holders != MM_UNKNOWN && finding->cut.other_holders > 0);
    role.alone = !role.shared && finding->cut.other_holders == 0;
    role.inside = route->count > 1;
    MM_TRY(mm_explain_role(work, &role, &guess));
    finding->cut.role = guess.role;
    finding->cure = guess.cure;
    finding->cure_text = guess.text;
    return MM_OK;
}

// What is to be said of an object that grows itself, or of a value that is set anew.
static MM_STATUS role_plain(const mm_grown *grown, const mm_grown_facts *facts,
                            mm_finding *finding) {
    bool chain = facts->growth->chain;
    finding->cut.role = chain ? "chain" : "log";
    finding->cure = chain ? "drop-link" : "bound-it";
    finding->cure_text = chain ? "drop the reference to the one before when it is done with"
                               : "bound it, empty it when it was used, or make it local";
    if (chain && facts->link != NULL) {
        mm_phrase phrase = {.used = 0};
        mm_phrase_text(&phrase, "drop `");
        mm_phrase_text(&phrase, facts->link);
        mm_phrase_text(&phrase, "`, the reference to the one before, when it is done with");
        finding->cure_text = mm_phrase_keep(&phrase, grown->work->arena);
        return finding->cure_text == NULL ? MM_E_NOMEM : MM_OK;
    }
    return MM_OK;
}

// Does each of many running frames have one of what grows? Then their threads do not end.
static bool is_on_stacks(const mm_grown *grown, const mm_growth_finding *growth) {
    const mm_explain *work = grown->work;
    bool found = false;
    for (uint32_t i = 0; i <= growth->also_count && !found; i++) {
        const mm_growth_edge *edge = i == 0 ? &growth->guilty : &growth->also[i - 1];
        found = edge->source == work->graph->root_node &&
                work->file->roots[edge->edge].kind == MM_ROOT_FRAME;
    }
    return found && !growth->unsteady && growth->kind == MM_GROWTH_HELD;
}

// Where no container of the program's is to blame: what a root stands for.
static void role_root(const mm_grown *grown, const mm_grown_facts *facts, mm_finding *finding) {
    const mm_growth_finding *growth = facts->growth;
    bool is_root = growth->guilty.source == grown->work->graph->root_node;
    if (is_on_stacks(grown, growth) && (is_root || finding->cure_text == NULL)) {
        finding->cut.role = is_root ? "running threads" : finding->cut.role;
        finding->cure = "end-threads";
        finding->cure_text =
            "let the threads end: one that runs is kept, and its frames keep all their variables";
    } else if (facts->atexit) {
        finding->cut.role = "callbacks";
        finding->cure = "unsubscribe";
        finding->cure_text = "register it once, or call atexit.unregister when it is done";
    }
    const char *reference = finding->cut.reference;
    if (reference != NULL && strcmp(reference, context_holder) == 0) {
        finding->cure_text =
            "make each ContextVar once, at the level of a module: a context keeps "
            "the values of all that were ever set in it";
    }
}

// "finished" where that is true of nearly all new objects of a node's type, the youngest may still
// be at work; NULL = nobody knows of one.
static const char *over_word(const mm_grown *grown, uint32_t node) {
    const mm_graph *graph = grown->work->graph;
    const char *word = mm_graph_over_word(graph, node);
    uint64_t count = 0;
    uint64_t over_count = 0;
    for (uint32_t i = 0; word != NULL && i < grown->mark->count; i++) {
        if (grown->birth[i] > 0 && mm_grown_is_type(grown, i, mm_mark_type_of(grown->mark, node))) {
            const char *other = mm_graph_over_word(graph, i);
            count++;
            over_count += other != NULL && strcmp(other, word) == 0;
        }
    }
    return over_count * 10 >= count * 9 ? word : NULL;
}

// What of the way from the guilty reference should be gone: the object itself, or the first thing
// on the way to it. A frame is no news: a traceback leads to it.
static MM_STATUS lives_fill(const mm_grown *grown, const grown_route *route,
                            mm_grown_facts *facts) {
    const mm_graph *graph = grown->work->graph;
    facts->over = over_word(grown, facts->object);
    for (uint32_t i = 0; facts->over == NULL && i + 1 < route->count; i++) {
        uint32_t node = route->nodes[i];
        const char *word = mm_graph_kind(graph, node) == MM_KIND_FRAME || grown->birth[node] == 0
                               ? NULL
                               : over_word(grown, node);
        if (word != NULL) {
            mm_phrase phrase = {.used = 0};
            mm_phrase_text(&phrase, word[0] == 'e' ? "an " : "a ");
            mm_phrase_text(&phrase, word);
            mm_phrase_text(&phrase, " ");
            mm_phrase_text(&phrase, mm_graph_type_short(graph, node));
            facts->through = mm_phrase_keep(&phrase, grown->work->arena);
            return facts->through == NULL ? MM_E_NOMEM : MM_OK;
        }
    }
    return MM_OK;
}

// A context is a tree of C's: what is replaced in it has the name of the variable. The name is that
// of a global which has the variable, where there is one.
static MM_STATUS context_fill(const mm_grown *grown, const grown_route *route,
                              mm_finding *finding) {
    const mm_graph *graph = grown->work->graph;
    uint32_t variable = MM_NONE;
    const char *type =
        route->root == MM_NONE ? mm_graph_type_short(graph, route->source) : "Context";
    if (strcmp(type, "Context") != 0 && strncmp(type, "hamt", 4) != 0) {
        return MM_OK;
    }
    for (uint32_t i = 0; variable == MM_NONE && i < route->count; i++) {
        variable = mm_explain_context_variable(graph, route->nodes[i]);
    }
    if (variable == MM_NONE) {
        return MM_OK;
    }
    char name[TEXT_BYTES];
    mm_phrase phrase = {.used = 0};
    mm_phrase_text(&phrase, "context variable");
    (void)mm_graph_holder_text(graph, variable, true, name, sizeof(name));
    if (strcmp(name, mm_graph_type_short(graph, variable)) != 0) {
        mm_phrase_text(&phrase, " ");
        mm_phrase_text(&phrase, name);
    } else {
        phrase.used = 0;
        mm_phrase_text(&phrase, context_holder);
    }
    finding->cut.reference = mm_phrase_keep(&phrase, grown->work->arena);
    return finding->cut.reference == NULL ? MM_E_NOMEM : MM_OK;
}

// A namespace into which ever new names come is the container, whatever they are: "the namespace of
// module shop". One name of it would tell one object.
static MM_STATUS names_fill(const mm_grown *grown, uint32_t source, mm_finding *finding,
                            mm_grown_facts *facts) {
    const mm_graph *graph = grown->work->graph;
    uint32_t owner = mm_graph_owner(graph, source, NULL);
    owner = owner != MM_NONE ? owner : source;
    uint32_t kind = mm_graph_kind(graph, owner);
    mm_phrase holder = {.used = 0};
    mm_phrase reference = {.used = 0};
    char text[TEXT_BYTES];
    (void)mm_graph_holder_text(graph, owner, true, text, sizeof(text));
    bool plain = kind == MM_KIND_MODULE || kind == MM_KIND_TYPE;
    mm_phrase_text(&holder, plain ? "the namespace of " : "");
    mm_phrase_text(&holder, kind == MM_KIND_MODULE ? "module " : plain ? "class " : "");
    mm_phrase_text(&holder, text);
    mm_phrase_text(&holder, plain || owner == source ? "" : ".__dict__");
    // sys.modules is a namespace that stands by itself.
    facts->container = owner == source ? mm_graph_type_short(graph, source) : NULL;
    mm_phrase_text(&reference, text);
    mm_phrase_text(&reference, owner == source ? "[*]" : ".*");
    facts->holder = mm_phrase_keep(&holder, grown->work->arena);
    finding->cut.reference = mm_phrase_keep(&reference, grown->work->arena);
    return facts->holder == NULL || finding->cut.reference == NULL ? MM_E_NOMEM : MM_OK;
}

// What a person calls the reference by which each of a chain holds the next: "__cause__". Entries
// and fields of C have no such name.
static MM_STATUS link_fill(const mm_grown *grown, mm_grown_facts *facts) {
    const mm_graph *graph = grown->work->graph;
    const mm_growth_edge *link = &facts->growth->link;
    if (!facts->growth->chain || link->source >= graph->root_node) {
        return MM_OK;
    }
    const char *name = mm_graph_edge_name(graph, link->source, link->edge);
    facts->link = name != NULL ? mm_why_text_keep(grown->work->arena, name) : NULL;
    return name != NULL && facts->link == NULL ? MM_E_NOMEM : MM_OK;
}

// A container that nothing names but a variable of a function that runs is said to be that.
static MM_STATUS variable_fill(const mm_grown *grown, uint32_t source, mm_grown_facts *facts) {
    char text[TEXT_BYTES];
    if (facts->holder == NULL ||
        !mm_explain_running_local(grown->work->graph, source, facts->holder, text, sizeof(text))) {
        return MM_OK;
    }
    facts->variable = mm_why_text_keep(grown->work->arena, text);
    return facts->variable == NULL ? MM_E_NOMEM : MM_OK;
}

static MM_STATUS facts_fill(mm_grown *grown, const grown_route *route, mm_finding *finding,
                            mm_grown_facts *facts) {
    const mm_graph *graph = grown->work->graph;
    char text[TEXT_BYTES];
    facts->object = route->nodes[route->count - 1];
    mm_explain_object_text(graph, facts->object, text, sizeof(text));
    facts->object_text = mm_why_text_keep(grown->work->arena, text);
    facts->container = NULL;
    facts->holder = finding->cut.reference;
    facts->holder_is_value = true;
    if (route->root == MM_NONE && facts->growth->names && !facts->growth->chain) {
        MM_TRY(names_fill(grown, route->source, finding, facts));
    } else if (route->root == MM_NONE && facts->growth->kind == MM_GROWTH_HELD &&
               (how_of(grown, route->source, route->edges[0]) != MM_HOW_NAME ||
                mm_explain_is_cache(graph, route->source))) {
        mm_explain_holder_text(graph, route->source, text, sizeof(text), &facts->cached);
        facts->holder = mm_why_text_keep(grown->work->arena, text);
        // The holder is called after the object of C that the container is inside of.
        bool in_context = mm_explain_context_variable(graph, route->source) != MM_NONE;
        uint32_t outer = in_context ? route->source : mm_explain_outer(graph, route->source);
        facts->container = mm_graph_type_short(graph, outer);
        facts->holder_is_value = false;
        MM_TRY(variable_fill(grown, route->source, facts));
    } else if (facts->growth->kind == MM_GROWTH_ONE_OBJECT) {
        mm_explain_holder_text(graph, facts->object, text, sizeof(text), &facts->cached);
        facts->holder = strcmp(text, mm_graph_type_short(graph, facts->object)) == 0
                            ? finding->cut.reference
                            : mm_why_text_keep(grown->work->arena, text);
        // What C has inside of an object grows: it is that object which does.
        uint32_t outer = mm_explain_outer(graph, facts->object);
        if (facts->holder == finding->cut.reference && route->count > 1) {
            outer = route->nodes[0];
            facts->inside = mm_graph_type_short(graph, facts->object);
        }
        facts->container = mm_graph_type_short(graph, outer);
        finding->cut.reference = outer != facts->object ? facts->holder : finding->cut.reference;
    }
    if (facts->growth->kind == MM_GROWTH_HELD) {
        MM_TRY(lives_fill(grown, route, facts));
        MM_TRY(link_fill(grown, facts));
    }
    return facts->object_text == NULL || facts->holder == NULL ? MM_E_NOMEM : MM_OK;
}

// A finding without a holder: what there is to say of the type.
static MM_STATUS facts_without_holder(mm_grown *grown, mm_grown_facts *facts) {
    const char *dot = strrchr(facts->type, '.');
    facts->object = facts->growth->newest;
    facts->object_text = dot != NULL && dot[1] != '\0' ? dot + 1 : facts->type;
    char text[TEXT_BYTES];
    if (facts->object != MM_NONE && facts->object < grown->work->graph->root_node) {
        uint32_t kind = mm_graph_kind(grown->work->graph, facts->object);
        if (kind == MM_KIND_TYPE || kind == MM_KIND_FUNCTION) {
            mm_explain_object_text(grown->work->graph, facts->object, text, sizeof(text));
            facts->object_text = mm_why_text_keep(grown->work->arena, text);
        }
    }
    return facts->object_text == NULL ? MM_E_NOMEM : MM_OK;
}

// Of a namespace that ever new names come into, all of those that are new.
static MM_STATUS names_select(const mm_grown *grown, mm_cut *cut) {
    const mm_explain *work = grown->work;
    const mm_file *file = work->file;
    uint32_t start = file->reference_start[cut->source];
    uint32_t end = file->reference_start[cut->source + 1];
    cut->edges = MM_ARENA_NEW(work->arena, uint32_t, (size_t)(end - start) + 1);
    if (cut->edges == NULL) {
        return MM_E_NOMEM;
    }
    cut->edge_count = 0;
    cut->entry_count = 0;
    for (uint32_t at = start; at < end; at++) {
        if (mm_graph_edge_owns(work->graph, at) && grown->birth[file->reference_target[at]] > 0) {
            cut->edges[cut->edge_count++] = at;
            cut->entry_count += mm_file_naming(file, at) != MM_NAME_KEY;
        }
    }
    return MM_OK;
}

static MM_STATUS held_explain(mm_grown *grown, const mm_growth_finding *growth, mm_finding *finding,
                              mm_grown_facts *facts) {
    mm_explain *work = grown->work;
    grown_route route;
    mm_cut cut = {0};
    bool owned = false;
    bool is_root = growth->guilty.source == work->graph->root_node;
    bool climbed = false;
    mm_growth_finding moved;
    MM_TRY(is_root ? MM_OK : mm_grown_chain_climb(grown, growth, &moved, &climbed));
    growth = climbed ? &moved : growth;
    MM_TRY(also_text(grown, &growth->guilty, &finding->cut.reference));
    if (!is_root) {
        MM_TRY(mm_cut_select(work->graph, growth->guilty.source, growth->guilty.edge, work->arena,
                             &cut, work->err));
        MM_TRY(growth->names ? names_select(grown, &cut) : MM_OK);
    }
    route_find(grown, growth, &cut, climbed, &route);
    MM_TRY(grown_path(grown, &route, finding));
    if (!is_root && growth->settled == MM_SETTLED_LEAK) {
        MM_TRY(mm_grown_cut_measure(grown, growth, &cut, finding, &owned));
    }
    MM_TRY(context_fill(grown, &route, finding));
    MM_TRY(facts_fill(grown, &route, finding, facts));
    facts->atexit = is_root && mm_graph_root_is_atexit(grown->work->graph, growth->guilty.edge);
    MM_TRY(also_fill(grown, growth, finding));
    finding->holder = facts->holder;
    bool entries = !is_root && growth->kind == MM_GROWTH_HELD && !growth->chain &&
                   how_of(grown, route.source, route.edges[0]) != MM_HOW_NAME;
    if (entries) {
        MM_TRY(role_fill(grown, &route, facts, owned, finding));
    } else {
        MM_TRY(role_plain(grown, facts, finding));
    }
    role_root(grown, facts, finding);
    return MM_OK;
}

MM_STATUS mm_grown_explain(mm_grown *grown, const mm_growth_finding *growth, mm_finding *finding,
                           mm_grown_facts *ret) {
    mm_grown_facts facts = {.growth = growth, .object = MM_NONE, .count = MM_UNKNOWN};
    facts.type = growth->type < grown->input->names->count
                     ? grown->input->names->names[growth->type]
                     : "object";
    finding->type = mm_why_text_keep(grown->work->arena, facts.type);
    finding->count = growth->grown_objects;
    finding->grown_objects = growth->grown_objects;
    finding->steps = growth->steps;
    finding->retained_bytes = growth->grown_bytes;
    if (finding->type == NULL) {
        return MM_E_NOMEM;
    }
    if (growth->guilty.source == MM_NONE) {
        MM_TRY(facts_without_holder(grown, &facts));
        MM_TRY(mm_grown_library(grown, facts.type, &finding->library));
    } else {
        MM_TRY(held_explain(grown, growth, finding, &facts));
    }
    facts.count = finding->count;
    facts.bytes = finding->retained_bytes;
    *ret = facts;
    return MM_OK;
}
