// Holds that make one finding. Internal to the room.
#ifndef MM_EXPLAIN_GROUP_H
#define MM_EXPLAIN_GROUP_H

#include "explain/explain.h"

/// What is held. Each class is a finding of its own.
enum { MM_HELD_INSTANCES = 0, MM_HELD_EXCEPTIONS, MM_HELD_DEAD, MM_HELD_CODE, MM_HELD_DATA };

/// Holds of one container, or of the same attribute of instances of one class. Lives in the arena.
typedef struct mm_hold_group {
    const mm_hold **holds;  ///< one for each object
    uint32_t *objects;      ///< ascending, each once
    size_t count;
    uint64_t first;
    uint64_t second;
    uint64_t weight_bytes;  ///< retained by the objects
    const char *holder;
    const char *type;     ///< "Exam"
    uint64_t type_count;  ///< of them, those of that type
    uint32_t sample;      ///< one of that type
    uint8_t what;         ///< MM_HELD_*
    uint8_t kind;         ///< mm_anchor_kind
    uint8_t rank;         ///< which of two holders of the same objects is told: the smaller
    bool one_source;
    bool renamed;  ///< `holder` was read off the path
    bool inside;   ///< the container is inside an object of C
    bool cached;   ///< that is what functools.lru_cache made
    bool bounded;  ///< it is a cache that never grows beyond its bound
    bool hidden;
    bool owned;  ///< cut off, others would still keep all of them
    mm_finding *finding;
} mm_hold_group;

/// Is it told or hidden, and which of two holders of the same objects is told first: fills `hidden`
/// and `rank`. `tables` counts, over all groups, the tables that were looked for in the code.
void mm_explain_judge(const mm_explain *work, mm_hold_group *group, uint32_t *tables);

#endif
