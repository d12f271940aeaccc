// What grows by two ways of doing the same, side by side.
#ifndef MM_REPORT_AGAINST_H
#define MM_REPORT_AGAINST_H

#include "explain/findings.h"
#include "report/text.h"

/// One of the two.
typedef struct mm_against {
    const char *name;  ///< "before.py:step"
    const mm_findings *findings;
} mm_against;

/// Two paragraphs: what each keeps, in how many steps, and by which references. No line is wider
/// than options->width. The text lives in the arena. Answers MM_E_NOMEM. COST: linear in the text.
MM_STATUS mm_against_text(const mm_against sides[2], const mm_report_options *options,
                          mm_arena *arena, const char **ret, size_t *ret_count, mm_error *err);

/// The same as JSON (docs/against.schema.json). COST: as mm_against_text().
MM_STATUS mm_against_json(const mm_against sides[2], mm_arena *arena, const char **ret,
                          size_t *ret_count, mm_error *err);

#endif
