// What the files of rings share with one another. Internal to the room.
#ifndef MM_EXPLAIN_RINGS_H
#define MM_EXPLAIN_RINGS_H

#include "analyze/scc.h"
#include "explain/grown.h"

enum { MM_RING_STEPS_MAX = 48 };

/// One object of a ring, and how it leads to the next.
typedef struct mm_ring_step {
    uint32_t node;  ///< what is shown
    uint32_t edge;  ///< what of it leads on; MM_NONE = to its class
} mm_ring_step;

/// Once around; the last step leads back.
typedef struct mm_ring_shape {
    mm_ring_step steps[MM_RING_STEPS_MAX];
    uint32_t count;  ///< 0 = none was found, or it is longer than is worth showing
} mm_ring_shape;

/// All cycles of the garbage, and room to search them. Arrays by node.
typedef struct mm_ring_walk {
    mm_explain *work;
    mm_scc rings;
    uint32_t *queue;
    uint32_t *stamp;  ///< of the search that reached it last
    uint32_t *from;   ///< reference by which it was reached; MM_NONE = from an instance
    uint32_t *before;
    uint32_t search;
    uint8_t *waits;    ///< counted in waiting_bytes
    uint8_t *skipped;  ///< by reference: not to be followed, when not zero; NULL = none
    bool knows_gc;
    uint32_t measured;  ///< findings whose cut was measured
} mm_ring_walk;

/// Can a ring be told beginning with this object?
bool mm_ring_node_starts(const mm_explain *work, uint32_t node);

/// The shape of a cycle: the shortest way round through one of its own objects; of those equally
/// long, the first by its hash.
void mm_ring_shape_find(mm_ring_walk *walk, uint32_t ring, mm_ring_shape *ret);

/// The shortest way round through any of the first `tries_max` objects of a cycle that may begin
/// one.
void mm_ring_shortest(mm_ring_walk *walk, uint32_t ring, uint32_t tries_max, mm_ring_shape *ret);

/// Cycles that are left when the reference back of a shape is cut in a cycle: their shapes, and so
/// on with theirs: a few. Says them, `first` being said already, and puts their references
/// back into the finding's cut. Answers MM_E_NOMEM.
MM_STATUS mm_ring_more(mm_ring_walk *walk, uint32_t ring, const mm_ring_shape *first,
                       mm_phrase *phrase, mm_finding *finding);

/// The same for equal shapes.
uint64_t mm_ring_hash(const mm_explain *work, const mm_ring_shape *shape);

/// Which step leads from a part back to its whole, if that is clear; else MM_NONE.
uint32_t mm_ring_clear_back(const mm_explain *work, const mm_ring_shape *shape);

/// Own instances on it.
uint32_t mm_ring_instances(const mm_explain *work, const mm_ring_shape *shape);

/// Is it nothing that a person would name: a list, a cell, a traceback?
bool mm_ring_is_plumbing(const mm_explain *work, const mm_ring_step *step);

/// ".parent", "[*]", "local e".
void mm_ring_step_text(const mm_explain *work, const mm_ring_step *step, char *out,
                       size_t out_bytes);

/// "A.children", "local e of f (shop.py:3)".
void mm_ring_part_name(const mm_explain *work, const mm_ring_step *step, mm_phrase *phrase);
/// The same in quotes.
void mm_ring_part_text(const mm_explain *work, const mm_ring_step *step, mm_phrase *phrase);
/// All that are no plumbing, with arrows between them.
void mm_ring_parts_text(const mm_explain *work, const mm_ring_shape *shape, mm_phrase *phrase);

#endif
