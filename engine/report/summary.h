// A file in a few lines: its summary, its types, whether it is sound; and one line for every
// failure.
#ifndef MM_REPORT_SUMMARY_H
#define MM_REPORT_SUMMARY_H

#include "analyze/types.h"
#include "report/text.h"

/// Objects, bytes and the largest `rows_max` types (0 = 20), as a table.
MM_STATUS mm_summary_text(const mm_file *file, const mm_types *types, uint32_t rows_max,
                          const mm_report_options *options, mm_arena *arena, const char **ret,
                          size_t *ret_count, mm_error *err);

/// "ok: 12,345 objects, 45,678 references, 1.2 MiB, cpython 3.11.7, snapshot by fork".
MM_STATUS mm_verify_text(const mm_file *file, const mm_report_options *options, mm_arena *arena,
                         const char **ret, size_t *ret_count, mm_error *err);

/// The same as JSON (docs/verify.schema.json); `file` NULL: `failure` says what is wrong.
MM_STATUS mm_verify_json(const mm_file *file, const mm_error *failure, mm_arena *arena,
                         const char **ret, size_t *ret_count, mm_error *err);

/// One line, without its end: what, where, and what to do next. `subject` is the file or the WHAT.
MM_STATUS mm_error_text(const mm_error *failure, const char *subject, mm_arena *arena,
                        const char **ret, size_t *ret_count, mm_error *err);

#endif
