// Several rings through the same objects. One cycle of the garbage may hold more than one ring, and
// no single kind of reference breaks all of them: then the reference back of the shortest one is
// cut on paper, and what is left is looked at again.
#include "explain/rings.h"

enum { MORE_MAX = 5, SAID_MAX = 1, TRIES_MAX = 64 };

// What is to be cut: references of one kind, out of objects of one type.
typedef struct ring_class {
    uint32_t type;
    unsigned naming;
    uint32_t argument;  // of what has a name; else 0
} ring_class;

static ring_class ring_class_of(const mm_explain *work, uint32_t node, uint32_t edge) {
    const mm_file *file = work->file;
    ring_class class = {file->type[node], mm_file_naming(file, edge), 0};
    bool entry = class.naming == MM_NAME_INDEX || class.naming == MM_NAME_MEMBER ||
                 class.naming == MM_NAME_KEY;
    bool data =
        class.naming == MM_NAME_VALUE && (work->graph->node_flags[node] & MM_NODE_NAMESPACE) == 0;
    if (!entry && !data) {
        class.argument = file->reference_argument[edge];
    }
    return class;
}

// Do not follow references of the kind any more, in this cycle.
static void class_skip(mm_ring_walk *walk, uint32_t ring, const mm_ring_step *step) {
    const mm_explain *work = walk->work;
    const mm_file *file = work->file;
    uint32_t node = mm_graph_edge_source(work->graph, step->edge);
    ring_class cut = ring_class_of(work, node, step->edge);
    for (uint32_t i = walk->rings.start[ring]; i < walk->rings.start[ring + 1]; i++) {
        uint32_t member = walk->rings.member[i];
        if (file->type[member] != cut.type) {
            continue;
        }
        for (uint32_t edge = file->reference_start[member];
             edge < file->reference_start[member + 1]; edge++) {
            ring_class class = ring_class_of(work, member, edge);
            if (class.naming == cut.naming && class.argument == cut.argument) {
                walk->skipped[edge] = 1;
            }
        }
    }
}

// The last step that a person would name.
static uint32_t shape_last(const mm_explain *work, const mm_ring_shape *shape) {
    uint32_t last = shape->count - 1;
    while (last > 0 && mm_ring_is_plumbing(work, &shape->steps[last])) {
        last--;
    }
    return last;
}

static MM_STATUS more_add(mm_explain *work, const mm_ring_shape *shape, mm_phrase *phrase,
                          mm_finding *finding) {
    mm_phrase back = {.used = 0};
    if (finding->more_cut_count < SAID_MAX) {
        mm_phrase_text(phrase, " and ");
        mm_ring_parts_text(work, shape, phrase);
    }
    mm_ring_part_name(work, &shape->steps[shape_last(work, shape)], &back);
    if (finding->more_cuts == NULL) {
        finding->more_cuts = MM_ARENA_NEW(work->arena, const char *, MORE_MAX);
    }
    const char *text = mm_phrase_keep(&back, work->arena);
    if (finding->more_cuts == NULL || text == NULL) {
        return MM_E_NOMEM;
    }
    finding->more_cuts[finding->more_cut_count++] = text;
    return MM_OK;
}

MM_STATUS mm_ring_more(mm_ring_walk *walk, uint32_t ring, const mm_ring_shape *first,
                       mm_phrase *phrase, mm_finding *finding) {
    mm_explain *work = walk->work;
    mm_ring_shape shape = *first;
    if (walk->skipped == NULL) {
        walk->skipped = MM_ARENA_NEW(work->arena, uint8_t, (size_t)work->file->reference_count + 1);
        if (walk->skipped == NULL) {
            return MM_E_NOMEM;
        }
    }
    for (uint32_t i = 0; i < MORE_MAX && shape.count > 0; i++) {
        uint32_t last = shape_last(work, &shape);
        if (shape.steps[last].edge == MM_NONE) {
            break;
        }
        class_skip(walk, ring, &shape.steps[last]);
        mm_ring_shortest(walk, ring, TRIES_MAX, &shape);
        if (shape.count > 0) {
            MM_TRY(more_add(work, &shape, phrase, finding));
        }
    }
    return MM_OK;
}
