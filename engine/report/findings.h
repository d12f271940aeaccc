// Findings as text and as JSON (docs/findings.schema.json), and what types there are.
#ifndef MM_REPORT_FINDINGS_H
#define MM_REPORT_FINDINGS_H

#include "analyze/types.h"
#include "explain/findings.h"
#include "report/why.h"

/// Findings that are printed without being asked for all.
enum { MM_FINDINGS_SHOWN = 3 };

/// The findings for a terminal: the first three and how many more there are; `verbose`: all, with
/// what they are made of, and the program's own objects. `sources` (none: NULL, 0): lines that make
/// holders; `chain` of each is the index of its finding. No line is wider than options->width. The
/// text lives in the arena. Answers MM_E_NOMEM. COST: linear in the text.
MM_STATUS mm_findings_text(const mm_findings *findings, const mm_why_source *sources,
                           size_t source_count, bool verbose, const mm_report_options *options,
                           mm_arena *arena, const char **ret, size_t *ret_count, mm_error *err);

/// All of them as JSON. COST: as mm_findings_text().
MM_STATUS mm_findings_json(const mm_findings *findings, const mm_why_source *sources,
                           size_t source_count, mm_arena *arena, const char **ret,
                           size_t *ret_count, mm_error *err);

/// The cycles alone, all of them, for a terminal. COST: as mm_findings_text().
MM_STATUS mm_cycles_text(const mm_findings *findings, const mm_report_options *options,
                         mm_arena *arena, const char **ret, size_t *ret_count, mm_error *err);

/// The cycles alone as JSON, by the same schema. COST: as mm_findings_text().
MM_STATUS mm_cycles_json(const mm_findings *findings, mm_arena *arena, const char **ret,
                         size_t *ret_count, mm_error *err);

/// Count and bytes of each type: the largest ones, `verbose`: all. COST: as mm_findings_text().
MM_STATUS mm_types_text(const mm_types *types, bool verbose, const mm_report_options *options,
                        mm_arena *arena, const char **ret, size_t *ret_count, mm_error *err);

/// All types as JSON (docs/types.schema.json). COST: as mm_findings_text().
MM_STATUS mm_types_json(const mm_types *types, const mm_file *file, mm_arena *arena,
                        const char **ret, size_t *ret_count, mm_error *err);

#endif
