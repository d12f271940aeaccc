// What the files that look for a container's bound share: growth_limits.c, which knows what
// measures a container, and growth_parts.c, which knows what belongs to a container that is
// measured. Internal to those two.
#ifndef MM_ANALYZE_GROWTH_LIMITS_H
#define MM_ANALYZE_GROWTH_LIMITS_H

#include "analyze/growing.h"

enum {
    MM_LIMITS_NAMES_MAX = 256,  ///< of a function or an object
    MM_LIMITS_FEW = 8           ///< entries of what is no table: a pair of counters
};

/// One question.
typedef struct mm_limit_question {
    const mm_graph *graph;
    uint32_t container;
    uint64_t entries;  ///< of the container
    uint64_t *ret_bound;
    uint32_t
        shards;  ///< the list that the container is one item of, or MM_NONE: see shards_limit()
} mm_limit_question;

/// Goes through what an object refers to, and what its dict does.
typedef struct mm_attribute_walk {
    const mm_graph *graph;
    uint32_t places[2];  ///< the object, and its dict or the object once more
    uint32_t most;       ///< references of each that are looked at
    uint32_t place;      ///< where the reference stands
    uint32_t edge;
    uint32_t end;
    uint32_t target;
} mm_attribute_walk;

/// The walk in front of its first reference; `most` of the object and of its dict are looked at.
mm_attribute_walk mm_limits_attributes(const mm_graph *graph, uint32_t object, uint32_t most);
/// Move to the next one; the object's own dict is passed over. False: there are no more.
bool mm_limits_attribute_next(mm_attribute_walk *walk);

/// May it have ever more entries: a container, or an object of C with many references?
bool mm_limits_is_table(const mm_graph *graph, uint32_t node);

/// May another container that a function names stand beside this one: has it as many entries, or
/// next to none?
bool mm_limits_is_aside(const mm_limit_question *q, uint32_t other);

/// Does a method of the object's class, or of the class that the object is, measure the attribute?
bool mm_limits_by_instance(const mm_limit_question *q, uint32_t object, const char *attribute);

/// Are the keys or values of a table all in a list beside it, whose length is then the bound?
bool mm_limits_by_slots(const mm_limit_question *q);

/// Is it a part of a table that is bounded: an order, an index, a link, the object with the table?
bool mm_limits_by_table(const mm_graph *graph, uint32_t part, uint64_t *ret_bound);

#endif
