// What a file says of itself, and one line for every failure. Texts live in the arena; all
// functions answer MM_E_NOMEM and take time linear in what they write.
#ifndef MM_REPORT_SUMMARY_H
#define MM_REPORT_SUMMARY_H

#include "format/read.h"
#include "report/json.h"

/// "ok: 12,345 objects, 45,678 references, 1.2 MiB, cpython 3.11.7, snapshot by fork".
MM_STATUS mm_verify_text(const mm_file *file, const mm_report_options *options, mm_arena *arena,
                         const char **ret, size_t *ret_count, mm_error *err);

/// The same as JSON (docs/verify.schema.json); `file` NULL: `failure` says what is wrong.
MM_STATUS mm_verify_json(const mm_file *file, const mm_error *failure, mm_arena *arena,
                         const char **ret, size_t *ret_count, mm_error *err);

/// What the file warns of, without its end; empty when of nothing.
MM_STATUS mm_warning_text(const mm_file *file, mm_arena *arena, const char **ret, size_t *ret_count,
                          mm_error *err);

/// The member "runtime" of a document: whose heap it is. `file` NULL: nobody knows.
void mm_runtime_json(mm_json *json, const mm_file *file);

/// One line, without its end: what, where, and what to do next. `subject` is the file or the WHAT.
MM_STATUS mm_error_text(const mm_error *failure, const char *subject, mm_arena *arena,
                        const char **ret, size_t *ret_count, mm_error *err);

#endif
