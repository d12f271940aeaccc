// Lines that need no layout but a column of numbers.
#include "report/summary.h"

#include <string.h>

#include "report/json.h"
#include "report/lines.h"

enum { ROWS_DEFAULT = 20 };

static MM_STATUS summary_end(mm_text *text, const char **ret, size_t *ret_count, mm_error *err) {
    mm_status status = mm_text_end(text, ret, ret_count);
    return status == MM_OK ? MM_OK : mm_fail(err, status, "no memory to write the answer", 0);
}

static const char *meta_or(const mm_file *file, const char *key, const char *other) {
    const char *value = mm_file_meta_of(file, key);
    return value != NULL ? value : other;
}

// `value` at the right end of a field of `columns`.
static void column_put(mm_lines *lines, uint64_t value, bool size, size_t columns) {
    mm_text cell;
    const char *text = "";
    size_t count = 0;
    mm_text_init(&cell, lines->out->arena);
    if (size) {
        mm_text_size(&cell, value);
    } else {
        mm_text_number(&cell, value);
    }
    if (mm_text_end(&cell, &text, &count) != MM_OK) {
        lines->out->failed = true;
    }
    mm_lines_column(lines, lines->column + (count < columns ? columns - count : 0));
    mm_lines_tight(lines, text);
}

static void origin_put(mm_text *out, const mm_file *file) {
    mm_text_name(out, meta_or(file, "runtime", "unknown runtime"));
    if (mm_file_meta_of(file, "version") != NULL) {
        mm_text_put(out, " ");
        mm_text_name(out, mm_file_meta_of(file, "version"));
    }
    mm_text_put(out, ", snapshot by ");
    mm_text_name(out, meta_or(file, "door", "an unknown door"));
}

MM_STATUS mm_summary_text(const mm_file *file, const mm_types *types, uint32_t rows_max,
                          const mm_report_options *options, mm_arena *arena, const char **ret,
                          size_t *ret_count, mm_error *err) {
    mm_text text;
    mm_text first;
    mm_lines lines;
    const char *words = "";
    size_t count = 0;
    mm_text_init(&text, arena);
    mm_text_init(&first, arena);
    mm_lines_init(&lines, &text, options);
    mm_text_number(&first, types->object_count);
    mm_text_put(&first, types->object_count == 1 ? " object, " : " objects, ");
    mm_text_size(&first, types->bytes);
    mm_text_put(&first, ", ");
    origin_put(&first, file);
    if (mm_text_end(&first, &words, &count) != MM_OK) {
        text.failed = true;
    }
    mm_lines_start(&lines, 0);
    mm_lines_words(&lines, words);
    mm_lines_end(&lines);
    mm_lines_end(&lines);
    mm_lines_start(&lines, 0);
    mm_lines_colour(&lines, MM_COLOUR_FAINT);
    mm_lines_tight(&lines, "     objects       bytes  type");
    mm_lines_colour(&lines, MM_COLOUR_NONE);
    mm_lines_end(&lines);
    uint32_t most = rows_max == 0 ? (uint32_t)ROWS_DEFAULT : rows_max;
    for (uint32_t i = 0; i < types->row_count && i < most; i++) {
        mm_lines_start(&lines, 0);
        column_put(&lines, types->rows[i].count, false, 12);
        column_put(&lines, types->rows[i].bytes, true, 12);
        mm_lines_column(&lines, lines.column + 2);
        mm_lines_tight(&lines, types->rows[i].name);
        mm_lines_end(&lines);
    }
    if (types->row_count > most) {
        mm_lines_start(&lines, 0);
        column_put(&lines, types->row_count - most, false, 12);
        mm_lines_words(&lines, "types more");
        mm_lines_end(&lines);
    }
    return summary_end(&text, ret, ret_count, err);
}

MM_STATUS mm_verify_text(const mm_file *file, const mm_report_options *options, mm_arena *arena,
                         const char **ret, size_t *ret_count, mm_error *err) {
    mm_text text;
    (void)options;  // one line whatever the width is: scripts read it
    mm_text_init(&text, arena);
    mm_text_put(&text, file->incomplete == 0 ? "ok: " : "incomplete: ");
    mm_text_number(&text, file->object_count);
    mm_text_put(&text, file->object_count == 1 ? " object, " : " objects, ");
    mm_text_number(&text, file->reference_count);
    mm_text_put(&text, file->reference_count == 1 ? " reference, " : " references, ");
    mm_text_size(&text, file->file_bytes);
    mm_text_put(&text, ", ");
    origin_put(&text, file);
    if (file->incomplete != 0) {
        mm_text_put(&text, "; the snapshot was not finished: ");
        mm_text_name(&text, meta_or(file, "incomplete", "it does not say why"));
    }
    mm_text_put(&text, "\n");
    return summary_end(&text, ret, ret_count, err);
}

MM_STATUS mm_verify_json(const mm_file *file, const mm_error *failure, mm_arena *arena,
                         const char **ret, size_t *ret_count, mm_error *err) {
    mm_text text;
    mm_json json;
    bool known = file != NULL;
    bool whole = known && file->incomplete == 0;
    MM_ASSERT(known || failure != NULL);
    mm_text_init(&text, arena);
    mm_json_init(&json, &text);
    mm_json_object(&json, NULL);
    mm_json_text(&json, "schema", "mortmain.verify/1");
    mm_json_object(&json, "runtime");
    mm_json_text(&json, "name", known ? mm_file_meta_of(file, "runtime") : NULL);
    mm_json_text(&json, "version", known ? mm_file_meta_of(file, "version") : NULL);
    mm_json_close(&json, '}');
    mm_json_bool(&json, "ok", whole);
    mm_json_number_known(&json, "objects", known ? file->object_count : 0, known);
    mm_json_number_known(&json, "references", known ? file->reference_count : 0, known);
    mm_json_number_known(&json, "file_bytes", known ? file->file_bytes : 0, known);
    mm_json_text(&json, "door", known ? mm_file_meta_of(file, "door") : NULL);
    mm_json_text(&json, "incomplete",
                 known && !whole ? meta_or(file, "incomplete", "unknown reason") : NULL);
    mm_json_text(&json, "error", known ? NULL : failure->message);
    mm_json_number_known(&json, "error_offset", known ? 0 : failure->offset,
                         !known && failure->code == MM_E_FORMAT);
    mm_json_close(&json, '}');
    return summary_end(&text, ret, ret_count, err);
}

static const char *error_advice(mm_status code) {
    switch (code) {
        case MM_E_FORMAT:
            return "the file is damaged or was cut off: take the snapshot again";
        case MM_E_NOMEM:
            return "free some memory or use a larger machine";
        case MM_E_BUSY:
            return "try again when the collection is over";
        case MM_E_NOT_FOUND:
            return "give an address, a type such as shop.Exam, or a name such as shop:cache[0]";
        case MM_E_EXISTS:
            return "choose another name, or -f to overwrite it";
        default:
            return NULL;
    }
}

MM_STATUS mm_error_text(const mm_error *failure, const char *subject, mm_arena *arena,
                        const char **ret, size_t *ret_count, mm_error *err) {
    mm_text text;
    mm_text_init(&text, arena);
    MM_ASSERT(failure != NULL);
    MM_ASSERT(failure->code != MM_OK);
    if (subject != NULL) {
        mm_text_name(&text, subject);
        mm_text_put(&text, ": ");
    }
    mm_text_put(&text, failure->message != NULL ? failure->message : "it failed");
    if (failure->code == MM_E_FORMAT) {
        mm_text_put(&text, " at byte ");
        mm_text_digits(&text, failure->offset);
    }
    if (failure->sys_errno != 0) {
        mm_text_put(&text, " (");
        mm_text_name(&text, strerror(failure->sys_errno));
        mm_text_put(&text, ")");
    }
    const char *advice = error_advice(failure->code);
    if (advice != NULL) {
        mm_text_put(&text, "; ");
        mm_text_put(&text, advice);
    }
    return summary_end(&text, ret, ret_count, err);
}
