// What the files that compare shapes share with one another. Internal to the room.
//
// The way of an answer: shape_diff.c finds the shapes of which there are more although there are
// no more of what they hang on, and gathers what hangs on them; shape_guilt.c finds in the last
// graph the reference that stands for each, who else holds the same, and objects that grow by
// themselves.
#ifndef MM_ANALYZE_DIFFING_H
#define MM_ANALYZE_DIFFING_H

#include "analyze/shapes.h"

/// Shapes that one reference leads to, with all that hangs on them.
typedef struct mm_diffing_group {
    uint32_t parent;  ///< shape that holds them, MM_NONE: a root
    uint64_t step;    ///< what they are reached by; names: whatever it is
    bool names;       ///< ever new names of a namespace
    bool one;         ///< the shape itself grows: `parent` is it
    uint64_t rise_bytes;
    uint32_t type;         ///< what grows most tellingly; MM_NONE = nothing does
    bool direct;           ///< of that type are the shapes themselves
    uint64_t type_before;  ///< objects of it
    uint64_t type_after;
    uint32_t source;   ///< in the last graph: of the reference that stands for it
    uint32_t edge;     ///< that reference; of root_node: the root
    uint32_t target;   ///< what it leads to, MM_NONE = it was not found
    uint32_t most;     ///< references of the source that belong to the group
    uint32_t looped;   ///< of its objects, those that one of the same shape leads to
    uint32_t objects;  ///< of the shapes themselves, in the last graph
} mm_diffing_group;

/// Everything. Lives in the arena.
typedef struct mm_diffing {
    const mm_shapes_input *input;
    mm_arena *arena;
    uint8_t *grows;        ///< by shape: in every snapshot there are more
    uint8_t *left_out;     ///< by shape: of a module that was only loaded late
    uint32_t *group_of;    ///< by shape: number of the group it belongs to, MM_NONE = none
    uint8_t *is_first;     ///< by shape: the group's reference leads right to it
    uint8_t *has_growth;   ///< by shape: something below it is in a group
    uint8_t *type_rank;    ///< by number of a type: see shape_diff.c
    uint64_t *type_total;  ///< by snapshot and type: objects that have a shape
    uint32_t type_count;
    mm_diffing_group *groups;
    uint32_t group_count;
    uint32_t group_room;
    mm_shape_finding *findings;
    uint32_t finding_count;
} mm_diffing;

/// What a snapshot has of a shape; nothing of those that it does not know.
static inline mm_shape_count mm_diffing_count(const mm_diffing *work, uint32_t mark,
                                              uint32_t shape) {
    static const mm_shape_count none = {0, 0, 0};
    const mm_shape_mark *m = &work->input->marks[mark];
    return shape < m->count ? m->counts[shape] : none;
}

/// Room for one more group, all of it empty; NULL when memory is out.
mm_diffing_group *mm_diffing_group_add(mm_diffing *work);

/// Is a type a class of the program or of an installed package?
bool mm_diffing_is_class(const mm_diffing *work, uint32_t type);

/// Find the references that stand for the groups, and make findings of them.
MM_STATUS mm_diffing_guilt(mm_diffing *work);

#endif
