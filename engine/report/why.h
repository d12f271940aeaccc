// The answers of `why` and `refs`, as text and as JSON (docs/why.schema.json).
#ifndef MM_REPORT_WHY_H
#define MM_REPORT_WHY_H

#include "analyze/why.h"
#include "report/fix.h"
#include "report/text.h"

/// A line of source that makes the holder of a chain: found by a front, which can read source.
typedef struct mm_why_source {
    uint32_t chain;    ///< index into the chains of the answer
    const char *file;  ///< what to call the file
    uint32_t line;
    const char *text;
    const mm_fix *fix;  ///< of a finding: the cure that its source calls for; NULL = none
} mm_why_source;

/// The whole answer: references, chains, what kind of holder each is and where to look. `sources`
/// (none: NULL, 0) are no part of the answer, which never changes. No line is wider than
/// options->width. The text lives in the arena. Answers MM_E_NOMEM. COST: linear in the text.
MM_STATUS mm_why_text(const mm_why *why, const mm_why_source *sources, size_t source_count,
                      const mm_report_options *options, mm_arena *arena, const char **ret,
                      size_t *ret_count, mm_error *err);

/// The first paragraph alone: "3 references: __main__.p1, all_people[0], 1 unaccounted". COST: as
/// mm_why_text().
MM_STATUS mm_refs_text(const mm_why *why, const mm_report_options *options, mm_arena *arena,
                       const char **ret, size_t *ret_count, mm_error *err);

/// The answer as JSON. COST: as mm_why_text().
MM_STATUS mm_why_json(const mm_why *why, const mm_why_source *sources, size_t source_count,
                      mm_arena *arena, const char **ret, size_t *ret_count, mm_error *err);

/// "class attribute", "running frame's local": the word for a kind of holder. REQUIRES: kind <
/// MM_HOLDER_COUNT. COST: O(1).
const char *mm_holder_text(mm_holder kind);

/// The source of a chain, or NULL.
static inline const mm_why_source *mm_why_source_of(const mm_why_source *sources,
                                                    size_t source_count, uint32_t chain) {
    for (size_t i = 0; i < source_count; i++) {
        if (sources[i].chain == chain) {
            return &sources[i];
        }
    }
    return NULL;
}

#endif
