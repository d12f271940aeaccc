// The shape of a ring: the shortest way round, without internals, begun where a person would begin
// it. Which reference leads back to an owner is read from names first, then from containers, then
// from who makes whom.
#include <string.h>

#include "explain/rings.h"

enum { STARTS_MAX = 8, TEXT_BYTES = 320 };

bool mm_ring_node_starts(const mm_explain *work, uint32_t node) {
    uint32_t kind = mm_graph_kind(work->graph, node);
    bool own = (work->marks[node] & MM_EXPLAIN_OWN) != 0;
    return own && kind != MM_KIND_TYPE && kind != MM_KIND_MODULE &&
           (work->marks[node] & MM_EXPLAIN_NAMES) == 0 &&
           ((work->marks[node] & MM_EXPLAIN_INSTANCE) != 0 || kind != MM_KIND_CODE);
}

static void ring_offer(mm_ring_walk *walk, uint32_t ring, uint32_t node, uint32_t target,
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
static bool ring_search(mm_ring_walk *walk, uint32_t ring, uint32_t start) {
    const mm_explain *work = walk->work;
    const mm_file *file = work->file;
    uint32_t tail = 0;
    walk->search++;
    walk->queue[tail++] = start;
    for (uint32_t head = 0; head < tail; head++) {
        uint32_t node = walk->queue[head];
        for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
             edge++) {
            bool skipped = walk->skipped != NULL && walk->skipped[edge] != 0;
            if (!skipped && mm_graph_edge_owns(work->graph, edge)) {
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
static void shape_take(const mm_ring_walk *walk, uint32_t start, mm_ring_shape *ret) {
    const mm_explain *work = walk->work;
    uint32_t at = start;
    uint32_t shown = 0;
    mm_ring_step back[MM_RING_STEPS_MAX];
    ret->count = 0;
    do {
        uint32_t node = walk->before[at];
        uint32_t edge = walk->from[at];
        bool cell = mm_graph_kind(work->graph, node) == MM_KIND_CELL &&
                    (work->graph->node_flags[node] & MM_NODE_FOLDED) == 0;
        if (!step_folds(work, node, edge) && !cell) {
            if (shown == MM_RING_STEPS_MAX) {
                return;
            }
            uint32_t owner = node;
            for (uint32_t i = 0; i < 4 && mm_graph_owner(work->graph, owner, NULL) != MM_NONE;
                 i++) {
                owner = mm_graph_owner(work->graph, owner, NULL);
            }
            back[shown++] = (mm_ring_step){owner, edge};
        }
        at = node;
    } while (at != start);
    for (uint32_t i = 0; i < shown; i++) {
        ret->steps[i] = back[shown - 1 - i];
    }
    ret->count = shown;
}

void mm_ring_step_text(const mm_explain *work, const mm_ring_step *step, char *out,
                       size_t out_bytes) {
    if (step->edge == MM_NONE) {
        memcpy(out, ".__class__", sizeof(".__class__"));
        return;
    }
    mm_explain_edge_text(work->graph, step->edge, out, out_bytes);
}

static bool is_entry(const mm_explain *work, const mm_ring_step *step) {
    char text[TEXT_BYTES];
    mm_ring_step_text(work, step, text, sizeof(text));
    size_t length = strlen(text);
    return text[0] == '[' || strcmp(text, " member") == 0 ||
           (length > 3 && strcmp(text + length - 3, "[*]") == 0);
}

// The step of an instance itself that ends in its container's entry `at`; MM_NONE = none.
static uint32_t entry_owner(const mm_explain *work, const mm_ring_shape *shape, uint32_t at) {
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

uint32_t mm_ring_instances(const mm_explain *work, const mm_ring_shape *shape) {
    uint32_t found = 0;
    for (uint32_t i = 0; i < shape->count; i++) {
        found += (work->marks[shape->steps[i].node] & MM_EXPLAIN_INSTANCE) != 0;
    }
    return found;
}

// The one reference from an instance straight to another while all others lead through containers:
// a part's to its whole.
static uint32_t back_by_containers(const mm_explain *work, const mm_ring_shape *shape) {
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
static uint32_t back_by_name(const mm_explain *work, const mm_ring_shape *shape) {
    char text[TEXT_BYTES];
    uint32_t back = MM_NONE;
    for (uint32_t i = 0; i < shape->count; i++) {
        mm_ring_step_text(work, &shape->steps[i], text, sizeof(text));
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
static uint32_t back_by_maker(const mm_explain *work, const mm_ring_shape *shape) {
    if (shape->count != 2 || mm_ring_instances(work, shape) != 2) {
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
uint32_t mm_ring_clear_back(const mm_explain *work, const mm_ring_shape *shape) {
    uint32_t back = back_by_name(work, shape);
    back = back != MM_NONE ? back : back_by_containers(work, shape);
    return back != MM_NONE ? back : back_by_maker(work, shape);
}

// Step that leads back to the owner: its index, so that the ring begins after it. Where nobody
// knows which that is, any that is the same in every run.
static uint32_t shape_back(const mm_explain *work, const mm_ring_shape *shape) {
    char text[TEXT_BYTES];
    char best[2 * TEXT_BYTES];
    uint32_t count = shape->count;
    uint32_t back = mm_ring_clear_back(work, shape);
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
        mm_ring_step_text(work, &shape->steps[i], text, sizeof(text));
        memcpy(name + used, text, strlen(text) + 1);
        if (told && (best[0] == '\0' || strcmp(name, best) < 0)) {
            memcpy(best, name, sizeof(best));
            back = (i + count - 1) % count;
        }
    }
    return back;
}

static void shape_turn(const mm_explain *work, mm_ring_shape *shape) {
    mm_ring_step turned[MM_RING_STEPS_MAX];
    if (shape->count == 0) {
        return;
    }
    uint32_t first = shape_back(work, shape) + 1;
    for (uint32_t i = 0; i < shape->count; i++) {
        turned[i] = shape->steps[(first + i) % shape->count];
    }
    memcpy(shape->steps, turned, shape->count * sizeof(turned[0]));
}

uint64_t mm_ring_hash(const mm_explain *work, const mm_ring_shape *shape) {
    uint64_t hash = MM_FORMAT_CHECKSUM_START;
    char text[TEXT_BYTES];
    for (uint32_t i = 0; i < shape->count; i++) {
        (void)mm_graph_node_text(work->graph, shape->steps[i].node, text, sizeof(text));
        hash = mm_explain_hash(hash, text);
        mm_ring_step_text(work, &shape->steps[i], text, sizeof(text));
        hash = mm_explain_hash(hash, text);
    }
    return hash;
}

// Is `a` the type to begin with: instances before code, the rarest first, then by name?
static bool start_better(const mm_explain *work, uint32_t a, uint32_t b) {
    bool a_own = work->type_own[work->file->type[a]] != 0;
    bool b_own = work->type_own[work->file->type[b]] != 0;
    if (a_own != b_own) {
        return a_own;
    }
    bool a_instance = (work->marks[a] & MM_EXPLAIN_INSTANCE) != 0;
    bool b_instance = (work->marks[b] & MM_EXPLAIN_INSTANCE) != 0;
    if (a_instance != b_instance) {
        return a_instance;
    }
    return strcmp(mm_graph_type_short(work->graph, a), mm_graph_type_short(work->graph, b)) < 0;
}

// The shape of a cycle: the shortest way round through one of its own objects; of those equally
// long, the first by its hash.
void mm_ring_shape_find(mm_ring_walk *walk, uint32_t ring, mm_ring_shape *ret) {
    const mm_explain *work = walk->work;
    uint32_t first = MM_NONE;
    uint64_t best_hash = 0;
    uint32_t tried = 0;
    ret->count = 0;
    for (uint32_t i = walk->rings.start[ring]; i < walk->rings.start[ring + 1]; i++) {
        uint32_t node = walk->rings.member[i];
        if (mm_ring_node_starts(work, node) &&
            (first == MM_NONE || start_better(work, node, first))) {
            first = node;
        }
    }
    for (uint32_t i = walk->rings.start[ring];
         first != MM_NONE && tried < STARTS_MAX && i < walk->rings.start[ring + 1]; i++) {
        uint32_t node = walk->rings.member[i];
        if (work->file->type[node] != work->file->type[first] || !mm_ring_node_starts(work, node) ||
            !ring_search(walk, ring, node)) {
            continue;
        }
        mm_ring_shape shape;
        shape_take(walk, node, &shape);
        shape_turn(work, &shape);
        uint64_t hash = mm_ring_hash(work, &shape);
        bool better = shape.count != 0 && (ret->count == 0 || shape.count < ret->count ||
                                           (shape.count == ret->count && hash < best_hash));
        if (better) {
            *ret = shape;
            best_hash = hash;
        }
        tried++;
    }
}

void mm_ring_shortest(mm_ring_walk *walk, uint32_t ring, uint32_t tries_max, mm_ring_shape *ret) {
    const mm_explain *work = walk->work;
    uint64_t best_hash = 0;
    uint32_t tried = 0;
    ret->count = 0;
    for (uint32_t i = walk->rings.start[ring]; tried < tries_max && i < walk->rings.start[ring + 1];
         i++) {
        uint32_t node = walk->rings.member[i];
        mm_ring_shape shape;
        if (!mm_ring_node_starts(work, node)) {
            continue;
        }
        tried++;
        if (!ring_search(walk, ring, node)) {
            continue;
        }
        shape_take(walk, node, &shape);
        shape_turn(work, &shape);
        uint64_t hash = mm_ring_hash(work, &shape);
        if (shape.count != 0 && (ret->count == 0 || shape.count < ret->count ||
                                 (shape.count == ret->count && hash < best_hash))) {
            *ret = shape;
            best_hash = hash;
        }
    }
}

bool mm_ring_is_plumbing(const mm_explain *work, const mm_ring_step *step) {
    uint32_t kind = mm_graph_kind(work->graph, step->node);
    return (work->marks[step->node] & MM_EXPLAIN_OWN) == 0 && kind != MM_KIND_EXCEPTION;
}

// "A.children", "local e of f (shop.py:3)".
void mm_ring_part_name(const mm_explain *work, const mm_ring_step *step, mm_phrase *phrase) {
    static const char frame[] = "frame of ";
    char object[TEXT_BYTES];
    char edge[TEXT_BYTES];
    (void)mm_graph_node_text(work->graph, step->node, object, sizeof(object));
    mm_ring_step_text(work, step, edge, sizeof(edge));
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
}

void mm_ring_part_text(const mm_explain *work, const mm_ring_step *step, mm_phrase *phrase) {
    mm_phrase_text(phrase, "`");
    mm_ring_part_name(work, step, phrase);
    mm_phrase_text(phrase, "`");
}

void mm_ring_parts_text(const mm_explain *work, const mm_ring_shape *shape, mm_phrase *phrase) {
    uint32_t count = 0;
    uint32_t parts = 0;
    for (uint32_t i = 0; i < shape->count; i++) {
        count += !mm_ring_is_plumbing(work, &shape->steps[i]);
    }
    for (uint32_t i = 0; i < shape->count; i++) {
        if (!mm_ring_is_plumbing(work, &shape->steps[i])) {
            mm_phrase_text(phrase, parts == 0 ? "" : count == 2 ? " <-> " : " -> ");
            mm_ring_part_text(work, &shape->steps[i], phrase);
            parts++;
        }
    }
}
