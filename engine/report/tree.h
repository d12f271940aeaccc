// The dominator tree as text and as JSON (docs/tree.schema.json).
#ifndef MM_REPORT_TREE_H
#define MM_REPORT_TREE_H

#include "analyze/tree.h"
#include "report/text.h"

/// The tree for a terminal: count and bytes of each line, what hangs on it further to the right. No
/// line is wider than options->width. The text lives in the arena. Answers MM_E_NOMEM. COST: linear
/// in the text.
MM_STATUS mm_tree_text(const mm_tree *tree, const mm_report_options *options, mm_arena *arena,
                       const char **ret, size_t *ret_count, mm_error *err);

/// The tree as JSON. COST: as mm_tree_text().
MM_STATUS mm_tree_json(const mm_tree *tree, const mm_file *file, mm_arena *arena, const char **ret,
                       size_t *ret_count, mm_error *err);

#endif
