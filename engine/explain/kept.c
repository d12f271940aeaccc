// What a stored exception keeps: its traceback has the frames that it passed, and a frame has all
// its variables. The exceptions that it followed from, or that a group is made of, have their own
// tracebacks: all of them are looked through, and the variable that weighs most is the story.
//
//     AppError ──.__cause__──▶ ValueError ──traceback──▶ ... ──frame──▶ frame of parse
//                                                                        └─local text──▶ bytearray
#include <string.h>

#include "explain/story.h"

enum { TRACEBACK_MAX = 4096, CHAIN_MAX = 64, ENTRIES_MAX = 64, CLIMB_MAX = 256, NAME_BYTES = 256 };

// Exceptions that belong together, the one that was stored first.
typedef struct exception_chain {
    uint32_t nodes[CHAIN_MAX];
    uint32_t count;
} exception_chain;

static void chain_offer(const mm_explain *work, exception_chain *chain, uint32_t node) {
    if (mm_graph_kind(work->graph, node) != MM_KIND_EXCEPTION || chain->count == CHAIN_MAX) {
        return;
    }
    for (uint32_t i = 0; i < chain->count; i++) {
        if (chain->nodes[i] == node) {
            return;
        }
    }
    chain->nodes[chain->count++] = node;
}

// `start`: an exception, or a traceback, which is a chain of none.
static exception_chain chain_of(const mm_explain *work, uint32_t start) {
    const mm_file *file = work->file;
    exception_chain chain = {.count = 0};
    chain_offer(work, &chain, start);
    for (uint32_t head = 0; head < chain.count; head++) {
        uint32_t node = chain.nodes[head];
        for (uint32_t i = file->reference_start[node]; i < file->reference_start[node + 1]; i++) {
            uint32_t target = file->reference_target[i];
            uint32_t kind = mm_graph_kind(work->graph, target);
            if (!mm_graph_edge_owns(work->graph, i)) {
                continue;
            }
            chain_offer(work, &chain, target);
            // A group has its exceptions in a tuple; so has one that was made from another.
            uint32_t first = file->reference_start[target];
            uint32_t end = kind == MM_KIND_TUPLE ? file->reference_start[target + 1] : first;
            for (uint32_t at = first; at < end && at - first < ENTRIES_MAX; at++) {
                chain_offer(work, &chain, file->reference_target[at]);
            }
        }
    }
    return chain;
}

static bool frame_is_kept(const mm_explain *work, uint32_t frame) {
    char name[NAME_BYTES];
    if ((work->marks[frame] & (MM_EXPLAIN_OWN | MM_EXPLAIN_RUNNING)) != MM_EXPLAIN_OWN) {
        return false;
    }
    (void)mm_graph_name_text(work->graph, frame, name, sizeof(name));
    return strcmp(name, "<module>") != 0;
}

// Steps through a traceback: its next entry, or MM_NONE, and the frame of this one, or MM_NONE.
static uint32_t traceback_next(const mm_explain *work, uint32_t node, uint32_t *ret_frame) {
    const mm_file *file = work->file;
    uint32_t next = MM_NONE;
    *ret_frame = MM_NONE;
    for (uint32_t i = file->reference_start[node]; i < file->reference_start[node + 1]; i++) {
        uint32_t target = file->reference_target[i];
        uint32_t kind = mm_graph_kind(work->graph, target);
        *ret_frame = kind == MM_KIND_FRAME ? target : *ret_frame;
        next = kind == MM_KIND_TRACEBACK ? target : next;
    }
    return next;
}

// The traceback of an exception; of a traceback, itself.
static uint32_t traceback_of(const mm_explain *work, uint32_t node) {
    if (mm_graph_kind(work->graph, node) == MM_KIND_TRACEBACK) {
        return node;
    }
    uint32_t edge = mm_graph_edge_with_role(work->graph, node, MM_ROLE_TRACEBACK);
    return edge == MM_NONE ? MM_NONE : work->file->reference_target[edge];
}

static bool traceback_keeps(const mm_explain *work, uint32_t node) {
    uint32_t frame = MM_NONE;
    for (uint32_t steps = 0; node != MM_NONE && steps < TRACEBACK_MAX; steps++) {
        node = traceback_next(work, node, &frame);
        if (frame != MM_NONE && frame_is_kept(work, frame)) {
            return true;
        }
    }
    return false;
}

// Is the traceback stored by itself? One that an exception has is the exception's, one that another
// leads to is a part of that.
static bool traceback_is_alone(const mm_explain *work, uint32_t node) {
    const mm_graph *graph = work->graph;
    for (uint32_t i = graph->reverse_start[node]; i < graph->reverse_start[node + 1]; i++) {
        uint32_t source = mm_graph_reverse_source(graph, i);
        uint32_t kind = mm_graph_kind(graph, source);
        bool reached = work->reach.reached[source] != MM_REACHED_NOT;
        if (reached && (kind == MM_KIND_EXCEPTION || kind == MM_KIND_TRACEBACK)) {
            return false;
        }
    }
    return true;
}

bool mm_explain_keeps_frames(const mm_explain *work, uint32_t node) {
    if (mm_graph_kind(work->graph, node) == MM_KIND_TRACEBACK) {
        return traceback_is_alone(work, node) && traceback_keeps(work, node);
    }
    if (mm_graph_kind(work->graph, node) != MM_KIND_EXCEPTION) {
        return false;
    }
    exception_chain chain = chain_of(work, node);
    for (uint32_t i = 0; i < chain.count; i++) {
        if (traceback_keeps(work, traceback_of(work, chain.nodes[i]))) {
            return true;
        }
    }
    return false;
}

// Would the variable's object go with the frame, or with what was stored?
static bool variable_goes(const mm_explain *work, const mm_kept_frame *kept, uint32_t stored) {
    uint32_t above = kept->variable;
    for (uint32_t steps = 0; above != MM_NONE && steps < CLIMB_MAX; steps++) {
        above = mm_dominators_object(&work->tree, above);
        if (above == kept->frame || above == kept->holder || above == stored) {
            return above != MM_NONE;
        }
    }
    return false;
}

static void variable_consider(const mm_explain *work, uint32_t frame, uint32_t edge,
                              uint32_t stored, mm_kept_frame *best) {
    const mm_file *file = work->file;
    mm_kept_frame kept = {frame, edge, file->reference_target[edge], frame, edge, 0};
    if (mm_graph_kind(work->graph, kept.variable) == MM_KIND_CELL) {
        uint32_t first = file->reference_start[kept.variable];
        if (first == file->reference_start[kept.variable + 1]) {
            return;
        }
        kept.holder = kept.variable;
        kept.last = first;
        kept.variable = file->reference_target[first];
    }
    if ((work->marks[kept.variable] & MM_EXPLAIN_KEEPS) == 0 &&
        variable_goes(work, &kept, stored)) {
        // Of two that weigh the same, the program's own tells more.
        bool own = (work->marks[kept.variable] & MM_EXPLAIN_INSTANCE) != 0;
        kept.weight = 2 * work->retained[kept.variable] + own;
        if (kept.weight > best->weight) {
            *best = kept;
        }
    }
}

mm_kept_frame mm_explain_kept_frame(const mm_explain *work, uint32_t stored) {
    const mm_file *file = work->file;
    mm_kept_frame best = {MM_NONE, MM_NONE, MM_NONE, MM_NONE, MM_NONE, 0};
    exception_chain chain = chain_of(work, stored);
    uint32_t count = chain.count > 0 ? chain.count : 1;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t frame = MM_NONE;
        uint32_t node = traceback_of(work, chain.count > 0 ? chain.nodes[i] : stored);
        for (uint32_t steps = 0; node != MM_NONE && steps < TRACEBACK_MAX; steps++) {
            node = traceback_next(work, node, &frame);
            if (frame == MM_NONE || !frame_is_kept(work, frame)) {
                continue;
            }
            // Where nothing weighs, the last of the first traceback: there it was raised.
            best.frame = best.weight == 0 && i == 0 ? frame : best.frame;
            best.frame = best.frame == MM_NONE ? frame : best.frame;
            for (uint32_t edge = file->reference_start[frame];
                 edge < file->reference_start[frame + 1]; edge++) {
                if (mm_file_naming(file, edge) == MM_NAME_LOCAL &&
                    mm_graph_edge_owns(work->graph, edge)) {
                    variable_consider(work, frame, edge, stored, &best);
                }
            }
        }
    }
    return best;
}
