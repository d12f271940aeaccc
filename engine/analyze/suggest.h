// "Did you mean": the name of a snapshot that is nearest to one that it does not have.
#ifndef MM_ANALYZE_SUGGEST_H
#define MM_ANALYZE_SUGGEST_H

#include "analyze/select.h"

/// What to ask for instead of `what`, or NULL when nothing is near. Lives in the arena. COST: O(V),
/// and one comparison for each of at most some 20,000 names.
MM_STATUS mm_suggest(const mm_graph *graph, const char *what, const mm_refused *refused,
                     mm_arena *arena, const char **ret, mm_error *err);

#endif
