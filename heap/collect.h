// What collect.c and generations.c share.
#ifndef MORT_COLLECT_H
#define MORT_COLLECT_H

#include "internal.h"

/// Collect, whatever is due. REQUIRES: nothing is closed; heap->is_collecting is set by the caller.
size_t mort_collect_(mort_heap *heap, int generation);
/// COST: O(n).
size_t mort_list_len_(const mort_object *list);

#endif
