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

#include "base/free/sort.h"
#include "explain/rings.h"

enum { TEXT_BYTES = 320, SHAPE_BYTES = 2048, MEASURED_MAX = 24 };
// As many rings, or as many bytes, are told of even if the collector runs.
enum { RINGS_MANY = 10, BYTES_MANY = 1 << 20 };

typedef struct ring_key {
    uint64_t hash;
    uint32_t ring;
} ring_key;

// Worth telling: an own instance, frame or generator; a function only if no class waits with it,
// since every class with methods is a cycle.
static bool ring_is_told(const mm_ring_walk *walk, uint32_t ring) {
    const mm_explain *work = walk->work;
    bool function = false;
    bool type = false;
    if (work->steps != 0) {
        // Whatever comes again with every step.
        return true;
    }
    for (uint32_t i = walk->rings.start[ring]; i < walk->rings.start[ring + 1]; i++) {
        uint32_t node = walk->rings.member[i];
        uint32_t kind = mm_graph_kind(work->graph, node);
        type = type || kind == MM_KIND_TYPE;
        if (!mm_ring_node_starts(work, node)) {
            continue;
        }
        if (kind != MM_KIND_FUNCTION) {
            return true;
        }
        function = true;
    }
    return function && !type;
}

// Bytes of all that waits only because these rings do: what they reach of the garbage.
static uint64_t rings_bytes(mm_ring_walk *walk, const ring_key *keys, size_t count) {
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
            // Of what is made again and again, rings below are findings of their own.
            bool below = work->steps != 0 && target != MM_NONE && walk->rings.of[target] != MM_NONE;
            if (target != MM_NONE && work->reach.reached[target] == MM_REACHED_NOT &&
                walk->stamp[target] != walk->search && !below) {
                walk->stamp[target] = walk->search;
                walk->queue[tail++] = target;
            }
        }
    }
    return bytes;
}

static MM_STATUS ring_steps(mm_explain *work, const mm_ring_shape *shape, mm_finding *finding) {
    char text[TEXT_BYTES];
    finding->ring = MM_ARENA_NEW(work->arena, mm_finding_step, (size_t)shape->count + 1);
    if (finding->ring == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t i = 0; i < shape->count; i++) {
        mm_finding_step *step = &finding->ring[i];
        (void)mm_graph_node_text(work->graph, shape->steps[i].node, text, sizeof(text));
        step->object = mm_why_text_keep(work->arena, text);
        mm_ring_step_text(work, &shape->steps[i], text, sizeof(text));
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

static ring_kinds kinds_of(const mm_explain *work, const mm_ring_shape *shape) {
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

// Of a C program's heap, where a weak reference is a field.
static void ring_cure_in_c(const mm_explain *work, const mm_ring_shape *shape, const char *back,
                           mm_finding *finding, mm_phrase *phrase) {
    if (shape->count == 1) {
        finding->cut.role = "reference to itself";
        finding->cure = "drop-self-reference";
        mm_phrase_text(phrase, "leave ");
        mm_phrase_text(phrase, back);
        mm_phrase_text(phrase, " out");
    } else if (mm_ring_clear_back(work, shape) == shape->count - 1) {
        finding->cut.role = "back reference";
        finding->cure = "weak-parent";
        mm_phrase_text(phrase, "make ");
        mm_phrase_text(phrase, back);
        mm_phrase_text(phrase, " a mort_weak: the owner outlives what it owns");
    } else {
        finding->cut.role = "ring";
        mm_phrase_text(phrase,
                       "break the ring when you are done, make one of its references a "
                       "mort_weak, or call mort_poll() where the program is idle");
    }
}

static MM_STATUS ring_cure(mm_explain *work, const mm_ring_shape *shape, mm_finding *finding) {
    mm_phrase phrase = {.used = 0};
    mm_phrase back = {.used = 0};
    mm_phrase name = {.used = 0};
    ring_kinds kinds = kinds_of(work, shape);
    uint32_t last = shape->count - 1;
    uint32_t instances = mm_ring_instances(work, shape);
    while (last > 0 && mm_ring_is_plumbing(work, &shape->steps[last])) {
        last--;
    }
    mm_ring_part_name(work, &shape->steps[last], &name);
    mm_ring_part_text(work, &shape->steps[last], &back);
    finding->cut.reference = mm_phrase_keep(&name, work->arena);
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
    } else if (mm_explain_is_c_heap(work)) {
        ring_cure_in_c(work, shape, back.text, finding, &phrase);
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
    } else if (instances >= 2 && mm_ring_clear_back(work, shape) == shape->count - 1) {
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
static bool rings_are_hidden(const mm_ring_walk *walk, const ring_key *keys, size_t count,
                             uint64_t bytes) {
    if (walk->work->steps != 0) {
        // What comes less often than every other step is no step's own.
        return count * 2 < walk->work->steps;
    }
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

// Where the reference back is made: what a front needs to find its line.
static MM_STATUS ring_place(mm_explain *work, const mm_ring_shape *shape, mm_finding *finding) {
    mm_why_chain *chain = MM_ARENA_NEW(work->arena, mm_why_chain, 1);
    if (chain == NULL) {
        return MM_E_NOMEM;
    }
    *chain = (mm_why_chain){.file = finding->file, .line = finding->line, .place_node = MM_NONE};
    uint32_t last = shape->count;
    while (last > 0 && mm_ring_is_plumbing(work, &shape->steps[last - 1])) {
        last--;
    }
    uint32_t from = last > 0 ? shape->steps[last - 1].node : MM_NONE;
    uint32_t kind = from == MM_NONE ? MM_NONE : mm_graph_kind(work->graph, from);
    char step[TEXT_BYTES] = ".";
    if (from != MM_NONE) {
        mm_ring_step_text(work, &shape->steps[last - 1], step, sizeof(step));
    }
    if ((kind == MM_KIND_FUNCTION || kind == MM_KIND_FRAME) && step[0] != '.') {
        // Its variable leads back: where it stands says more than the class.
        (void)mm_graph_place(work->graph, from, &chain->file, &chain->line);
        finding->file = chain->file;
        finding->line = chain->line;
    } else if (last > 0 && shape->steps[last - 1].edge != MM_NONE) {
        MM_TRY(mm_why_instance_scope_find(work->graph, shape->steps[last - 1].edge, work->arena,
                                          chain));
    }
    if (finding->file != NULL && finding->file[0] == '<') {
        finding->file = chain->scope_file;
        finding->line = 0;
        chain->file = finding->file;
        chain->line = 0;
    }
    finding->chain = chain;
    return MM_OK;
}

// What would have gone by counting, had the reference back been weak, in all these rings at once.
static MM_STATUS ring_cut(mm_ring_walk *walk, const mm_ring_shape *shape, const ring_key *keys,
                          size_t count, mm_finding *finding) {
    mm_explain *work = walk->work;
    mm_cut cut;
    mm_cut_effect effect;
    uint32_t last = shape->count - 1;
    uint32_t nodes = 0;
    while (last > 0 && mm_ring_is_plumbing(work, &shape->steps[last])) {
        last--;
    }
    if (shape->steps[last].edge == MM_NONE || walk->measured == MEASURED_MAX) {
        return MM_OK;
    }
    for (size_t i = 0; i < count; i++) {
        for (uint32_t at = walk->rings.start[keys[i].ring];
             at < walk->rings.start[keys[i].ring + 1]; at++) {
            walk->queue[nodes++] = walk->rings.member[at];
        }
    }
    MM_TRY(mm_cut_select_alike(work->graph, shape->steps[last].edge, walk->queue, nodes,
                               walk->rings.of, work->arena, &cut, work->err));
    mm_cutter_measure_waiting(&work->cutter, &cut, NULL, 0, &effect);
    finding->cut.freed_bytes = effect.freed_bytes;
    finding->cut.other_holders = effect.other_holders;
    finding->cut.would_drop_at_once = effect.drop_count;
    walk->measured++;
    return MM_OK;
}

// Of what is made again and again: the class that these rings are, if nothing but a class and what
// belongs to it is on them; the first by name. Every class is a ring.
static uint32_t ring_class(const mm_ring_walk *walk, uint32_t ring) {
    const mm_explain *work = walk->work;
    char best[TEXT_BYTES];
    char name[TEXT_BYTES];
    uint32_t class = MM_NONE;
    for (uint32_t i = walk->rings.start[ring]; i < walk->rings.start[ring + 1]; i++) {
        uint32_t node = walk->rings.member[i];
        uint32_t kind = mm_graph_kind(work->graph, node);
        bool instance = (work->marks[node] & MM_EXPLAIN_INSTANCE) != 0;
        bool descriptor = (work->file->types[work->file->type[node]].flags & MM_TYPE_CLASS) == 0;
        if (work->steps == 0 || kind == MM_KIND_FRAME || (instance && !descriptor)) {
            return MM_NONE;
        }
        if (kind == MM_KIND_TYPE) {
            (void)mm_graph_node_text(work->graph, node, name, sizeof(name));
            if (class == MM_NONE || strcmp(name, best) < 0) {
                memcpy(best, name, sizeof(best));
                class = node;
            }
        }
    }
    return class;
}

// Classes of one name are one finding.
static MM_STATUS classes_find(mm_ring_walk *walk, uint32_t class, const ring_key *keys,
                              size_t count) {
    mm_explain *work = walk->work;
    mm_phrase phrase = {.used = 0};
    char name[TEXT_BYTES];
    mm_finding *finding = mm_explain_finding(work);
    if (finding == NULL) {
        return MM_E_NOMEM;
    }
    (void)mm_graph_node_text(work->graph, class, name, sizeof(name));
    finding->kind = MM_FINDING_CYCLE;
    finding->count = count;
    finding->grown_objects = count;
    finding->steps = work->steps;
    finding->retained_bytes = rings_bytes(walk, keys, count);
    finding->hidden = rings_are_hidden(walk, keys, count, finding->retained_bytes);
    finding->type = mm_why_text_keep(work->arena, name);
    finding->cut.role = "classes made again and again";
    finding->cure = "make-class-once";
    finding->cure_text = "make the class once, outside of the function: every class is a ring";
    mm_phrase_number(&phrase, count);
    mm_phrase_text(&phrase, count == 1 ? " class made anew waits (" : " classes made anew wait (");
    mm_phrase_text(&phrase, name);
    mm_phrase_text(&phrase, "): ");
    mm_phrase_bytes(&phrase, finding->retained_bytes);
    mm_grown_say_rate(&phrase, count, work->steps);
    finding->sentence = mm_phrase_keep(&phrase, work->arena);
    (void)mm_graph_place(work->graph, class, &finding->file, &finding->line);
    if (finding->file != NULL && finding->file[0] == '<') {
        finding->file = NULL;
        finding->line = 0;
    }
    finding->fingerprint = mm_explain_hash(MM_FORMAT_CHECKSUM_START, "classes");
    finding->fingerprint = mm_explain_hash(finding->fingerprint, name);
    return finding->type == NULL || finding->sentence == NULL ? MM_E_NOMEM : MM_OK;
}

static MM_STATUS rings_find(mm_ring_walk *walk, const ring_key *keys, size_t count) {
    mm_explain *work = walk->work;
    mm_ring_shape shape;
    char type[TEXT_BYTES];
    mm_phrase phrase = {.used = 0};
    mm_ring_shape_find(walk, keys[0].ring, &shape);
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
        mm_ring_parts_text(work, &shape, &phrase);
        MM_TRY(ring_cure(work, &shape, finding));
        MM_TRY(ring_cut(walk, &shape, keys, count, finding));
        if (work->steps != 0 && !finding->hidden) {
            MM_TRY(mm_ring_more(walk, keys[0].ring, &shape, &phrase, finding));
        }
    } else {
        mm_phrase_text(&phrase, "through ");
        mm_phrase_text(&phrase, mm_graph_type_short(work->graph, node));
    }
    mm_phrase_text(&phrase, count == 1 ? " waits: " : " wait: ");
    mm_phrase_bytes(&phrase, finding->retained_bytes);
    if (work->steps != 0) {
        mm_grown_say_rate(&phrase, count, work->steps);
        finding->grown_objects = count;
        finding->steps = work->steps;
    }
    finding->sentence = mm_phrase_keep(&phrase, work->arena);
    MM_TRY(ring_steps(work, &shape, finding));
    uint32_t class_node = work->file->types[work->file->type[node]].object;
    bool instance = (work->marks[node] & MM_EXPLAIN_INSTANCE) != 0 && class_node != MM_NONE;
    (void)mm_graph_place(work->graph, instance ? class_node : node, &finding->file, &finding->line);
    MM_TRY(ring_place(work, &shape, finding));
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

static MM_STATUS walk_init(mm_ring_walk *walk) {
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
    mm_ring_walk walk = {.work = work};
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
            mm_ring_shape shape;
            mm_ring_shape_find(&walk, ring, &shape);
            uint64_t hash = mm_ring_hash(work, &shape);
            uint32_t class = ring_class(&walk, ring);
            if (class != MM_NONE) {
                char name[TEXT_BYTES];
                (void)mm_graph_node_text(work->graph, class, name, sizeof(name));
                hash = mm_explain_hash(MM_FORMAT_CHECKSUM_START, name);
            }
            keys[count++] = (ring_key){hash, ring};
        }
    }
    mm_sort(keys, buffer, count, sizeof(*keys), ring_before, NULL);
    for (size_t i = 0; i < count;) {
        size_t end = i;
        while (end < count && keys[end].hash == keys[i].hash) {
            end++;
        }
        uint32_t class = ring_class(&walk, keys[i].ring);
        MM_TRY(class != MM_NONE ? classes_find(&walk, class, &keys[i], end - i)
                                : rings_find(&walk, &keys[i], end - i));
        i = end;
    }
    return MM_OK;
}
