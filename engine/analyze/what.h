// Dotted names with constant subscripts, followed from a module. Internal to the room.
#ifndef MM_ANALYZE_WHAT_H
#define MM_ANALYZE_WHAT_H

#include "analyze/classes.h"
#include "analyze/select.h"

/// Follow `what` to one object. False with the reason. COST: O(modules + attributes on the way).
bool mm_what_follow(const mm_graph *graph, const mm_classes *classes, const char *what,
                    uint32_t *ret, mm_refused *refused);

#endif
