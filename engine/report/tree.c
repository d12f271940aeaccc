// What stands further to the right would go with what it stands below. The sum of all that is left
// out at one place is a line too, so that nothing is lost unseen.
//
//     count      bytes  retained by
//         1  10.9 MiB  module shop
//         1  10.9 MiB    .Within class Within
//    10,000  10.4 MiB        Exam
#include "report/tree.h"

#include <string.h>

#include "report/json.h"
#include "report/steps.h"
#include "report/summary.h"
#include "report/table.h"

static const char *line_name(mm_lines *lines, const mm_tree_row *row) {
    mm_text piece;
    mm_text_init(&piece, lines->out->arena);
    mm_text_fill(&piece, ' ', 2 * (size_t)row->depth);
    if (row->edge != NULL) {
        mm_text_put(&piece, row->edge[0] == ' ' ? row->edge + 1 : row->edge);
        mm_text_put(&piece, "  ");
    }
    mm_text_put(&piece, row->text != NULL ? row->text : "smaller parts");
    return mm_steps_piece_end(&piece, lines);
}

MM_STATUS mm_tree_text(const mm_tree *tree, const mm_report_options *options, mm_arena *arena,
                       const char **ret, size_t *ret_count, mm_error *err) {
    mm_text text;
    mm_lines lines;
    mm_table_row *rows = MM_ARENA_NEW(arena, mm_table_row, (size_t)tree->row_count + 1);
    mm_text_init(&text, arena);
    mm_lines_init(&lines, &text, options);
    if (rows == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory for a table", 0);
    }
    for (uint32_t i = 0; i < tree->row_count; i++) {
        const mm_tree_row *row = &tree->rows[i];
        rows[i] = (mm_table_row){row->count, row->bytes, line_name(&lines, row), NULL};
    }
    mm_lines_start(&lines, 0);
    mm_lines_words(&lines, "What would go with what stands above it, of");
    mm_text size;
    mm_text_init(&size, arena);
    mm_text_size(&size, tree->bytes);
    mm_text_put(&size, ":");
    mm_lines_piece(&lines, mm_steps_piece_end(&size, &lines));
    mm_lines_end(&lines);
    mm_lines_end(&lines);
    mm_table_print(&lines, "kept by", NULL, rows, tree->row_count);
    return mm_text_end(&text, ret, ret_count, err);
}

MM_STATUS mm_tree_json(const mm_tree *tree, const mm_file *file, mm_arena *arena, const char **ret,
                       size_t *ret_count, mm_error *err) {
    mm_text text;
    mm_json json;
    mm_text_init(&text, arena);
    mm_json_init(&json, &text);
    mm_json_object(&json, NULL);
    mm_json_text(&json, "schema", "mortmain.tree/1");
    mm_runtime_json(&json, file);
    mm_json_number(&json, "bytes", tree->bytes);
    mm_json_array(&json, "rows");
    for (uint32_t i = 0; i < tree->row_count; i++) {
        const mm_tree_row *row = &tree->rows[i];
        mm_json_object(&json, NULL);
        mm_json_number(&json, "depth", row->depth);
        mm_json_number(&json, "count", row->count);
        mm_json_number(&json, "retained_bytes", row->bytes);
        mm_json_text(&json, "edge", row->edge);
        mm_json_text(&json, "object", row->text);
        mm_json_close(&json, '}');
    }
    mm_json_close(&json, ']');
    mm_json_close(&json, '}');
    return mm_text_end(&text, ret, ret_count, err);
}
