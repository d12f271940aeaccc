// The path of a finding: the chain that leads to what is held. Internal to the room.
#ifndef MM_EXPLAIN_STORY_H
#define MM_EXPLAIN_STORY_H

#include "explain/explain.h"

/// Fill path, holder, file and line of a finding from the best of some holds: one whose chain
/// leads through the guilty reference. `many`: positions in containers are left out. A chain that
/// does not exist leaves the path empty.
MM_STATUS mm_explain_story(mm_explain *work, const mm_hold *const *holds, size_t hold_count,
                           bool many, mm_finding *finding);

/// The last part of the name of an object's type, or what a function is called.
void mm_explain_object_text(const mm_graph *graph, uint32_t node, char *out, size_t out_bytes);

/// Of all tracebacks of an exception, the frame that ended and its variable that goes with it and
/// weighs most.
typedef struct mm_kept_frame {
    uint32_t frame;     ///< MM_NONE = none
    uint32_t edge;      ///< the variable, or MM_NONE
    uint32_t variable;  ///< what it names
    uint32_t holder;    ///< node that `last` comes from: the frame, or the variable's cell
    uint32_t last;      ///< reference to the variable's object
    uint64_t weight;    ///< 0 where no variable goes with it
} mm_kept_frame;

/// Look for it, from what was stored: an exception or a traceback. COST: linear in the tracebacks
/// and their frames.
mm_kept_frame mm_explain_kept_frame(const mm_explain *work, uint32_t stored);

#endif
