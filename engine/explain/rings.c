// Cycles that wait for the collector. Of each one that holds something of the program's own, the
// shortest way round is taken as its shape; cycles of one shape are one finding, with all the bytes
// that only wait because of them.
//
// A ring is written from its owner: the object whose container leads to the others, or the one that
// an attribute called parent or owner leads back to. The last reference is the one back.
//
//     A ──.children──▶ list ──[*]──▶ A ──.parent──▶ (back)          10 rings `A.children` <->
//                                                                  `A.parent` wait
#include <string.h>

#include "analyze/scc.h"
#include "base/free/sort.h"
#include "explain/explain.h"

enum { STEPS_MAX = 48, STARTS_MAX = 8, TEXT_BYTES = 320, SHAPE_BYTES = 2048 };
// As many rings, or as many bytes, are told of even if the collector runs.
enum { RINGS_MANY = 10, BYTES_MANY = 1 << 20 };

typedef struct ring_step {
    uint32_t node;  // what is shown
    uint32_t edge;  // what of it leads on; MM_NONE = to its class
} ring_step;

typedef struct ring_shape {
    ring_step steps[STEPS_MAX];
    uint32_t count;  // 0 = none was found, or it is longer than is worth showing
} ring_shape;

typedef struct ring_key {
    uint64_t hash;
    uint32_t ring;
} ring_key;

typedef struct ring_walk {
    mm_explain *work;
    mm_scc rings;
    uint32_t *queue;
    uint32_t *stamp;  // by node: of the search that reached it last
    uint32_t *from;   // by node: reference by which it was reached; MM_NONE = from an instance
    uint32_t *before;
    uint32_t search;
    uint8_t *waits;  // by node: counted in waiting_bytes
    bool knows_gc;
} ring_walk;

static bool node_starts(const mm_explain *work, uint32_t node) {
    uint32_t kind = mm_graph_kind(work->graph, node);
    bool own = (work->marks[node] & MM_EXPLAIN_OWN) != 0;
    return own && kind != MM_KIND_TYPE && kind != MM_KIND_MODULE &&
           (work->marks[node] & MM_EXPLAIN_NAMES) == 0 &&
           ((work->marks[node] & MM_EXPLAIN_INSTANCE) != 0 || kind != MM_KIND_CODE);
}

// Worth telling: an own instance, frame or generator; a function only if no class waits with it,
// since every class with methods is a cycle.
static bool ring_is_told(const ring_walk *walk, uint32_t ring) {
    const mm_explain *work = walk->work;
    bool function = false;
    bool type = false;
    for (uint32_t i = walk->rings.start[ring]; i < walk->rings.start[ring + 1]; i++) {
        uint32_t node = walk->rings.member[i];
        uint32_t kind = mm_graph_kind(work->graph, node);
        type = type || kind == MM_KIND_TYPE;
        if (!node_starts(work, node)) {
            continue;
        }
        if (kind != MM_KIND_FUNCTION) {
            return true;
        }
        function = true;
    }
    return function && !type;
}

static void ring_offer(ring_walk *walk, uint32_t ring, uint32_t node, uint32_t target,
                       uint32_t edge, uint32_t *tail) {
    if (target == MM_NONE || walk->rings.of[target] != ring ||
        walk->stamp[target] == walk->search) {
        return;
    }
    walk->stamp[target] = walk->search;
    walk->from[target] = edge;
    walk->before[target] = node;
    walk->queue[(*tail)++] = target;
}

// Shortest way from a node back to itself. Its own stamp is set when it is reached again.
static bool ring_search(ring_walk *walk, uint32_t ring, uint32_t start) {
    const mm_explain *work = walk->work;
    const mm_file *file = work->file;
    uint32_t tail = 0;
    walk->search++;
    walk->queue[tail++] = start;
    for (uint32_t head = 0; head < tail; head++) {
        uint32_t node = walk->queue[head];
        for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
             edge++) {
            if (mm_graph_edge_owns(work->graph, edge)) {
                ring_offer(walk, ring, node, file->reference_target[edge], edge, &tail);
            }
            if (walk->stamp[start] == walk->search) {
                return true;
            }
        }
        ring_offer(walk, ring, node, mm_graph_type_object(work->graph, node), MM_NONE, &tail);
        if (walk->stamp[start] == walk->search) {
            return true;
        }
    }
    return false;
}

// A reference that makes one step with the next: into an internal.
static bool step_folds(const mm_explain *work, uint32_t node, uint32_t edge) {
    if (edge == MM_NONE) {
        return false;
    }
    uint32_t target = work->file->reference_target[edge];
    bool traceback = mm_graph_kind(work->graph, node) == MM_KIND_TRACEBACK &&
                     mm_graph_kind(work->graph, target) == MM_KIND_TRACEBACK;
    return traceback || mm_graph_edge_folds(work->graph, node, edge);
}

// The references of the last search, folded, into a shape.
static void shape_take(const ring_walk *walk, uint32_t start, ring_shape *ret) {
    const mm_explain *work = walk->work;
    uint32_t at = start;
    uint32_t shown = 0;
    ring_step back[STEPS_MAX];
    ret->count = 0;
    do {
        uint32_t node = walk->before[at];
        uint32_t edge = walk->from[at];
        bool cell = mm_graph_kind(work->graph, node) == MM_KIND_CELL &&
                    (work->graph->node_flags[node] & MM_NODE_FOLDED) == 0;
        if (!step_folds(work, node, edge) && !cell) {
            if (shown == STEPS_MAX) {
                return;
            }
            uint32_t owner = node;
            for (uint32_t i = 0; i < 4 && mm_graph_owner(work->graph, owner, NULL) != MM_NONE;
                 i++) {
                owner = mm_graph_owner(work->graph, owner, NULL);
            }
            back[shown++] = (ring_step){owner, edge};
        }
        at = node;
    } while (at != start);
    for (uint32_t i = 0; i < shown; i++) {
        ret->steps[i] = back[shown - 1 - i];
    }
    ret->count = shown;
}

static void step_text(const mm_explain *work, const ring_step *step, char *out, size_t out_bytes) {
    if (step->edge == MM_NONE) {
        memcpy(out, ".__class__", sizeof(".__class__"));
        return;
    }
    mm_explain_edge_text(work->graph, step->edge, out, out_bytes);
}

static bool is_entry(const mm_explain *work, const ring_step *step) {
    char text[TEXT_BYTES];
    step_text(work, step, text, sizeof(text));
    return text[0] == '[' || strcmp(text, " member") == 0;
}

// The step of an instance itself that ends in its container's entry `at`; MM_NONE = none.
static uint32_t entry_owner(const mm_explain *work, const ring_shape *shape, uint32_t at) {
    uint32_t count = shape->count;
    for (uint32_t steps = 0; steps < count; steps++) {
        uint32_t step = (at + count - steps) % count;
        if ((work->marks[shape->steps[step].node] & MM_EXPLAIN_INSTANCE) != 0) {
            return step;
        }
        if (!is_entry(work, &shape->steps[step])) {
            return MM_NONE;
        }
    }
    return MM_NONE;
}

static uint32_t instances_count(const mm_explain *work, const ring_shape *shape) {
    uint32_t found = 0;
    for (uint32_t i = 0; i < shape->count; i++) {
        found += (work->marks[shape->steps[i].node] & MM_EXPLAIN_INSTANCE) != 0;
    }
    return found;
}

// The one reference from an instance straight to another while all others lead through containers:
// a part's to its whole.
static uint32_t back_by_containers(const mm_explain *work, const ring_shape *shape) {
    uint32_t straight = MM_NONE;
    bool contained = false;
    for (uint32_t i = 0; i < shape->count; i++) {
        uint32_t next = shape->steps[(i + 1) % shape->count].node;
        if (is_entry(work, &shape->steps[i])) {
            contained = contained || entry_owner(work, shape, i) != MM_NONE;
        } else if ((work->marks[shape->steps[i].node] & work->marks[next] & MM_EXPLAIN_INSTANCE) !=
                   0) {
            if (straight != MM_NONE) {
                return MM_NONE;
            }
            straight = i;
        }
    }
    return contained ? straight : MM_NONE;
}

// The one reference that is called parent, owner or the like.
static uint32_t back_by_name(const mm_explain *work, const ring_shape *shape) {
    char text[TEXT_BYTES];
    uint32_t back = MM_NONE;
    for (uint32_t i = 0; i < shape->count; i++) {
        step_text(work, &shape->steps[i], text, sizeof(text));
        if (text[0] == '.' && mm_explain_says_parent(text)) {
            if (back != MM_NONE) {
                return MM_NONE;
            }
            back = i;
        }
    }
    return back;
}

// Of two instances that name each other, the reference of the one that the other's class makes.
static uint32_t back_by_maker(const mm_explain *work, const ring_shape *shape) {
    if (shape->count != 2 || instances_count(work, shape) != 2) {
        return MM_NONE;
    }
    uint32_t a = shape->steps[0].node;
    uint32_t b = shape->steps[1].node;
    bool a_makes = mm_explain_makes(work, a, b);
    bool b_makes = mm_explain_makes(work, b, a);
    if (a_makes == b_makes || work->file->type[a] == work->file->type[b]) {
        return MM_NONE;
    }
    return a_makes ? 1 : 0;
}

// Which reference leads from a part back to its whole, if that is clear; else MM_NONE.
static uint32_t shape_clear_back(const mm_explain *work, const ring_shape *shape) {
    uint32_t back = back_by_name(work, shape);
    back = back != MM_NONE ? back : back_by_containers(work, shape);
    return back != MM_NONE ? back : back_by_maker(work, shape);
}

// Step that leads back to the owner: its index, so that the ring begins after it. Where nobody
// knows which that is, any that is the same in every run.
static uint32_t shape_back(const mm_explain *work, const ring_shape *shape) {
    char text[TEXT_BYTES];
    char best[2 * TEXT_BYTES];
    uint32_t count = shape->count;
    uint32_t back = shape_clear_back(work, shape);
    if (back != MM_NONE) {
        return back;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t owner = is_entry(work, &shape->steps[i]) ? entry_owner(work, shape, i) : MM_NONE;
        if (owner != MM_NONE) {
            return (owner + count - 1) % count;
        }
    }
    back = count - 1;
    best[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        uint32_t node = shape->steps[i].node;
        char name[2 * TEXT_BYTES];
        bool told = (work->marks[node] & MM_EXPLAIN_INSTANCE) != 0 ||
                    mm_graph_kind(work->graph, node) == MM_KIND_EXCEPTION;
        size_t used = mm_graph_node_text(work->graph, node, name, TEXT_BYTES);
        used = used < TEXT_BYTES ? used : TEXT_BYTES - 1;
        step_text(work, &shape->steps[i], text, sizeof(text));
        memcpy(name + used, text, strlen(text) + 1);
        if (told && (best[0] == '\0' || strcmp(name, best) < 0)) {
            memcpy(best, name, sizeof(best));
            back = (i + count - 1) % count;
        }
    }
    return back;
}

static void shape_turn(const mm_explain *work, ring_shape *shape) {
    ring_step turned[STEPS_MAX];
    if (shape->count == 0) {
        return;
    }
    uint32_t first = shape_back(work, shape) + 1;
    for (uint32_t i = 0; i < shape->count; i++) {
        turned[i] = shape->steps[(first + i) % shape->count];
    }
    memcpy(shape->steps, turned, shape->count * sizeof(turned[0]));
}

static uint64_t shape_hash(const mm_explain *work, const ring_shape *shape) {
    uint64_t hash = MM_FORMAT_CHECKSUM_START;
    char text[TEXT_BYTES];
    for (uint32_t i = 0; i < shape->count; i++) {
        (void)mm_graph_node_text(work->graph, shape->steps[i].node, text, sizeof(text));
        hash = mm_explain_hash(hash, text);
        step_text(work, &shape->steps[i], text, sizeof(text));
        hash = mm_explain_hash(hash, text);
    }
    return hash;
}

// Is `a` the type to begin with: instances before code, the rarest first, then by name?
static bool start_better(const mm_explain *work, uint32_t a, uint32_t b) {
    bool a_instance = (work->marks[a] & MM_EXPLAIN_INSTANCE) != 0;
    bool b_instance = (work->marks[b] & MM_EXPLAIN_INSTANCE) != 0;
    if (a_instance != b_instance) {
        return a_instance;
    }
    return strcmp(mm_graph_type_short(work->graph, a), mm_graph_type_short(work->graph, b)) < 0;
}

// The shape of a cycle: the shortest way round through one of its own objects; of those equally
// long, the first by its hash.
static void ring_shape_find(ring_walk *walk, uint32_t ring, ring_shape *ret) {
    const mm_explain *work = walk->work;
    uint32_t first = MM_NONE;
    uint64_t best_hash = 0;
    uint32_t tried = 0;
    ret->count = 0;
    for (uint32_t i = walk->rings.start[ring]; i < walk->rings.start[ring + 1]; i++) {
        uint32_t node = walk->rings.member[i];
        if (node_starts(work, node) && (first == MM_NONE || start_better(work, node, first))) {
            first = node;
        }
    }
    for (uint32_t i = walk->rings.start[ring];
         first != MM_NONE && tried < STARTS_MAX && i < walk->rings.start[ring + 1]; i++) {
        uint32_t node = walk->rings.member[i];
        if (work->file->type[node] != work->file->type[first] || !node_starts(work, node) ||
            !ring_search(walk, ring, node)) {
            continue;
        }
        ring_shape shape;
        shape_take(walk, node, &shape);
        shape_turn(work, &shape);
        uint64_t hash = shape_hash(work, &shape);
        bool better = shape.count != 0 && (ret->count == 0 || shape.count < ret->count ||
                                           (shape.count == ret->count && hash < best_hash));
        if (better) {
            *ret = shape;
            best_hash = hash;
        }
        tried++;
    }
}

// Bytes of all that waits only because these rings do: what they reach of the garbage.
static uint64_t rings_bytes(ring_walk *walk, const ring_key *keys, size_t count) {
    mm_explain *work = walk->work;
    const mm_file *file = work->file;
    uint32_t tail = 0;
    uint64_t bytes = 0;
    walk->search++;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t at = walk->rings.start[keys[i].ring];
             at < walk->rings.start[keys[i].ring + 1]; at++) {
            walk->stamp[walk->rings.member[at]] = walk->search;
            walk->queue[tail++] = walk->rings.member[at];
        }
    }
    for (uint32_t head = 0; head < tail; head++) {
        uint32_t node = walk->queue[head];
        // What never dies does not wait.
        uint64_t own = file->refcount[node] == MM_NONE ? 0 : mm_retained_own(file, node);
        bytes += own;
        work->waiting_bytes += walk->waits[node] == 0 ? own : 0;
        walk->waits[node] = 1;
        for (uint32_t edge = file->reference_start[node]; edge <= file->reference_start[node + 1];
             edge++) {
            uint32_t target = MM_NONE;
            if (edge == file->reference_start[node + 1]) {
                target = mm_graph_type_object(work->graph, node);
            } else if (mm_graph_edge_owns(work->graph, edge)) {
                target = file->reference_target[edge];
            }
            if (target != MM_NONE && work->reach.reached[target] == MM_REACHED_NOT &&
                walk->stamp[target] != walk->search) {
                walk->stamp[target] = walk->search;
                walk->queue[tail++] = target;
            }
        }
    }
    return bytes;
}

static bool step_is_plumbing(const mm_explain *work, const ring_step *step) {
    uint32_t kind = mm_graph_kind(work->graph, step->node);
    return (work->marks[step->node] & MM_EXPLAIN_OWN) == 0 && kind != MM_KIND_EXCEPTION;
}

// "A.children", "local e of f (shop.py:3)".
static void part_text(const mm_explain *work, const ring_step *step, mm_phrase *phrase) {
    static const char frame[] = "frame of ";
    char object[TEXT_BYTES];
    char edge[TEXT_BYTES];
    (void)mm_graph_node_text(work->graph, step->node, object, sizeof(object));
    step_text(work, step, edge, sizeof(edge));
    mm_phrase_text(phrase, "`");
    if (edge[0] == '.' || edge[0] == '[') {
        mm_phrase_text(phrase, object);
        mm_phrase_text(phrase, edge);
    } else if (strcmp(edge, "traceback") == 0) {
        mm_phrase_text(phrase, object);
        mm_phrase_text(phrase, ".__traceback__");
    } else {
        bool framed = strncmp(object, frame, sizeof(frame) - 1) == 0;
        mm_phrase_text(phrase, edge);
        mm_phrase_text(phrase, " of ");
        mm_phrase_text(phrase, framed ? object + sizeof(frame) - 1 : object);
    }
    mm_phrase_text(phrase, "`");
}

static void parts_text(const mm_explain *work, const ring_shape *shape, mm_phrase *phrase) {
    uint32_t count = 0;
    uint32_t parts = 0;
    for (uint32_t i = 0; i < shape->count; i++) {
        count += !step_is_plumbing(work, &shape->steps[i]);
    }
    for (uint32_t i = 0; i < shape->count; i++) {
        if (!step_is_plumbing(work, &shape->steps[i])) {
            mm_phrase_text(phrase, parts == 0 ? "" : count == 2 ? " <-> " : " -> ");
            part_text(work, &shape->steps[i], phrase);
            parts++;
        }
    }
}

static MM_STATUS ring_steps(mm_explain *work, const ring_shape *shape, mm_finding *finding) {
    char text[TEXT_BYTES];
    finding->ring = MM_ARENA_NEW(work->arena, mm_finding_step, (size_t)shape->count + 1);
    if (finding->ring == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t i = 0; i < shape->count; i++) {
        mm_finding_step *step = &finding->ring[i];
        (void)mm_graph_node_text(work->graph, shape->steps[i].node, text, sizeof(text));
        step->object = mm_why_text_keep(work->arena, text);
        step_text(work, &shape->steps[i], text, sizeof(text));
        step->edge = mm_why_text_keep(work->arena, text);
        step->entries = MM_UNKNOWN;
        (void)mm_graph_entries(work->graph, shape->steps[i].node, &step->entries);
        (void)mm_graph_place(work->graph, shape->steps[i].node, &step->file, &step->line);
        step->back = i + 1 == shape->count;
        step->guilty = step->back;
        if (step->object == NULL || step->edge == NULL) {
            return MM_E_NOMEM;
        }
    }
    finding->ring_count = shape->count;
    return MM_OK;
}

// What is on a ring besides instances.
typedef struct ring_kinds {
    bool exception;
    bool method;
    bool code;  // functions, frames, generators
} ring_kinds;

static ring_kinds kinds_of(const mm_explain *work, const ring_shape *shape) {
    ring_kinds kinds = {false, false, false};
    for (uint32_t i = 0; i < shape->count; i++) {
        uint32_t kind = mm_graph_kind(work->graph, shape->steps[i].node);
        kinds.exception = kinds.exception || kind == MM_KIND_EXCEPTION || kind == MM_KIND_TRACEBACK;
        kinds.method = kinds.method || kind == MM_KIND_METHOD;
        kinds.code = kinds.code || kind == MM_KIND_FUNCTION || kind == MM_KIND_FRAME ||
                     kind == MM_KIND_GENERATOR || kind == MM_KIND_COROUTINE ||
                     kind == MM_KIND_ASYNC_GENERATOR;
    }
    return kinds;
}

static MM_STATUS ring_cure(mm_explain *work, const ring_shape *shape, mm_finding *finding) {
    mm_phrase phrase = {.used = 0};
    mm_phrase back = {.used = 0};
    ring_kinds kinds = kinds_of(work, shape);
    uint32_t last = shape->count - 1;
    uint32_t instances = instances_count(work, shape);
    while (last > 0 && step_is_plumbing(work, &shape->steps[last])) {
        last--;
    }
    part_text(work, &shape->steps[last], &back);
    finding->cut.reference = mm_phrase_keep(&back, work->arena);
    finding->cure = "break-ring";
    if (kinds.exception) {
        finding->cut.role = "exception and frame";
        finding->cure = "drop-exception";
        mm_phrase_text(&phrase,
                       "the frame keeps the exception and the exception the frame: end "
                       "the handler with `del` of the variable that names it");
    } else if (kinds.method && !kinds.code && instances == 1) {
        finding->cut.role = "callback of its own";
        finding->cure = "weak-method";
        mm_phrase_text(&phrase, "let ");
        mm_phrase_text(&phrase, back.text);
        mm_phrase_text(&phrase,
                       " be a weakref.WeakMethod, or look the method up when it is "
                       "called");
    } else if (kinds.code) {
        finding->cut.role = "closure";
        mm_phrase_text(&phrase,
                       "break the ring when you are done: clear the variable or attribute that "
                       "leads back, or pass what it names as an argument");
    } else if (shape->count == 1) {
        finding->cut.role = "reference to itself";
        finding->cure = "drop-self-reference";
        mm_phrase_text(&phrase, "leave ");
        mm_phrase_text(&phrase, back.text);
        mm_phrase_text(&phrase, " out: `self` is at hand in every method");
    } else if (instances >= 2 && shape_clear_back(work, shape) == shape->count - 1) {
        finding->cut.role = "back reference";
        finding->cure = "weak-parent";
        mm_phrase_text(&phrase, "make ");
        mm_phrase_text(&phrase, back.text);
        mm_phrase_text(&phrase, " a weakref.ref: the owner outlives what it owns");
    } else {
        finding->cut.role = "ring";
        mm_phrase_text(&phrase, "break the ring when you are done");
        mm_phrase_text(&phrase, instances == 2  ? ", or make one of the two a weakref.ref"
                                : instances > 2 ? ", or make one of them a weakref.ref"
                                                : "");
    }
    finding->cure_text = mm_phrase_keep(&phrase, work->arena);
    return finding->cut.reference == NULL || finding->cure_text == NULL ? MM_E_NOMEM : MM_OK;
}

// The collector frees few and small rings soon enough, unless it is off, which only a program that
// imports gc can bring about, or the ring has a finalizer, which somebody waits for.
static bool rings_are_hidden(const ring_walk *walk, const ring_key *keys, size_t count,
                             uint64_t bytes) {
    if (walk->knows_gc || count >= RINGS_MANY || bytes >= BYTES_MANY) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        for (uint32_t at = walk->rings.start[keys[i].ring];
             at < walk->rings.start[keys[i].ring + 1]; at++) {
            uint32_t node = walk->rings.member[at];
            if ((walk->work->marks[node] & MM_EXPLAIN_INSTANCE) != 0 &&
                mm_explain_class_defines(walk->work, node, "__del__")) {
                return false;
            }
        }
    }
    return true;
}

static MM_STATUS rings_find(ring_walk *walk, const ring_key *keys, size_t count) {
    mm_explain *work = walk->work;
    ring_shape shape;
    char type[TEXT_BYTES];
    mm_phrase phrase = {.used = 0};
    ring_shape_find(walk, keys[0].ring, &shape);
    mm_finding *finding = mm_explain_finding(work);
    if (finding == NULL) {
        return MM_E_NOMEM;
    }
    finding->kind = MM_FINDING_CYCLE;
    finding->count = count;
    finding->retained_bytes = rings_bytes(walk, keys, count);
    finding->hidden = rings_are_hidden(walk, keys, count, finding->retained_bytes);
    uint32_t node =
        shape.count > 0 ? shape.steps[0].node : walk->rings.member[walk->rings.start[keys[0].ring]];
    for (uint32_t i = 0; i < shape.count; i++) {
        if ((work->marks[shape.steps[i].node] & MM_EXPLAIN_INSTANCE) != 0) {
            node = shape.steps[i].node;
            break;
        }
    }
    (void)mm_graph_type_text(work->graph, work->file->type[node], type, sizeof(type));
    finding->type = mm_why_text_keep(work->arena, type);
    mm_phrase_number(&phrase, count);
    mm_phrase_text(&phrase, count == 1 ? " ring " : " rings ");
    if (shape.count > 0) {
        parts_text(work, &shape, &phrase);
        MM_TRY(ring_cure(work, &shape, finding));
    } else {
        mm_phrase_text(&phrase, "through ");
        mm_phrase_text(&phrase, mm_graph_type_short(work->graph, node));
    }
    mm_phrase_text(&phrase, count == 1 ? " waits: " : " wait: ");
    mm_phrase_bytes(&phrase, finding->retained_bytes);
    finding->sentence = mm_phrase_keep(&phrase, work->arena);
    MM_TRY(ring_steps(work, &shape, finding));
    uint32_t class_node = work->file->types[work->file->type[node]].object;
    bool instance = (work->marks[node] & MM_EXPLAIN_INSTANCE) != 0 && class_node != MM_NONE;
    (void)mm_graph_place(work->graph, instance ? class_node : node, &finding->file, &finding->line);
    finding->fingerprint = mm_explain_hash(MM_FORMAT_CHECKSUM_START, "cycle");
    finding->fingerprint = mm_explain_hash(finding->fingerprint, finding->type);
    for (uint32_t i = 0; i < finding->ring_count; i++) {
        finding->fingerprint = mm_explain_hash(finding->fingerprint, finding->ring[i].edge);
    }
    return finding->type == NULL || finding->sentence == NULL ? MM_E_NOMEM : MM_OK;
}

static bool ring_before(const void *left, const void *right, const void *context) {
    const ring_key *a = left;
    const ring_key *b = right;
    (void)context;
    return a->hash < b->hash;
}

static MM_STATUS walk_init(ring_walk *walk) {
    mm_explain *work = walk->work;
    size_t nodes = (size_t)work->graph->root_node + 1;
    uint8_t *left_out = MM_ARENA_NEW(work->arena, uint8_t, nodes);
    walk->queue = MM_ARENA_NEW(work->arena, uint32_t, nodes);
    walk->stamp = MM_ARENA_NEW(work->arena, uint32_t, nodes);
    walk->from = MM_ARENA_NEW(work->arena, uint32_t, nodes);
    walk->before = MM_ARENA_NEW(work->arena, uint32_t, nodes);
    walk->waits = MM_ARENA_NEW(work->arena, uint8_t, nodes);
    if (left_out == NULL || walk->queue == NULL || walk->stamp == NULL || walk->from == NULL ||
        walk->before == NULL || walk->waits == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t node = 0; node < work->graph->root_node; node++) {
        left_out[node] = work->reach.reached[node] != MM_REACHED_NOT ||
                         (work->graph->node_flags[node] & MM_NODE_OWN) != 0;
    }
    return mm_scc_find(&work->flow, left_out, work->arena, &walk->rings, work->err);
}

MM_STATUS mm_explain_rings(mm_explain *work) {
    ring_walk walk = {.work = work};
    if (work->reach.garbage_count == 0) {
        return MM_OK;
    }
    MM_TRY(walk_init(&walk));
    walk.knows_gc = mm_explain_knows_gc(work);
    ring_key *keys = MM_ARENA_NEW(work->arena, ring_key, (size_t)walk.rings.count + 1);
    ring_key *buffer = MM_ARENA_NEW(work->arena, ring_key, (size_t)walk.rings.count + 1);
    if (keys == NULL || buffer == NULL) {
        return MM_E_NOMEM;
    }
    size_t count = 0;
    for (uint32_t ring = 0; ring < walk.rings.count; ring++) {
        if (ring_is_told(&walk, ring)) {
            ring_shape shape;
            ring_shape_find(&walk, ring, &shape);
            keys[count++] = (ring_key){shape_hash(work, &shape), ring};
        }
    }
    mm_sort(keys, buffer, count, sizeof(*keys), ring_before, NULL);
    for (size_t i = 0; i < count;) {
        size_t end = i;
        while (end < count && keys[end].hash == keys[i].hash) {
            end++;
        }
        MM_TRY(rings_find(&walk, &keys[i], end - i));
        i = end;
    }
    return MM_OK;
}
