// Why WHAT means nothing in a snapshot, and what to ask for instead, in one line.
#ifndef MM_REPORT_REFUSAL_H
#define MM_REPORT_REFUSAL_H

#include "analyze/select.h"
#include "report/text.h"

/// The line for a `what` that mm_select() refuses, without a newline: "no type or name 'Ordr' in
/// a.mort; did you mean Order?". `where` names the snapshot. The text lives in the arena. Answers
/// MM_E_ARGUMENT when nothing is wrong with `what`, and MM_E_NOMEM. COST: as mm_select().
MM_STATUS mm_refusal_text(const mm_graph *graph, const char *what, const char *where,
                          mm_arena *arena, const char **ret, size_t *ret_count, mm_error *err);

#endif
