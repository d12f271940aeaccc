// The answers of `why` and `refs`, as text and as JSON (docs/why.schema.json).
#ifndef MM_REPORT_WHY_H
#define MM_REPORT_WHY_H

#include "analyze/why.h"
#include "report/text.h"

/// The whole answer: references, chains, what kind of holder each is and where to look.
/// No line is wider than options->width. The text lives in the arena.
MM_STATUS mm_why_text(const mm_why *why, const mm_report_options *options, mm_arena *arena,
                      const char **ret, size_t *ret_count, mm_error *err);

/// The first paragraph alone: "3 references: __main__.p1, all_people[0], 1 unaccounted".
MM_STATUS mm_refs_text(const mm_why *why, const mm_report_options *options, mm_arena *arena,
                       const char **ret, size_t *ret_count, mm_error *err);

/// The answer as JSON.
MM_STATUS mm_why_json(const mm_why *why, mm_arena *arena, const char **ret, size_t *ret_count,
                      mm_error *err);

/// "class attribute", "running frame's local": the word for a kind of holder.
const char *mm_holder_text(mm_holder kind);

#endif
