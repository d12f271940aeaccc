// Lines that need no layout.
#include "report/summary.h"

#include <errno.h>
#include <string.h>

// What a file says of itself is short, unless somebody made the file to be a nuisance.
enum { META_COLUMNS = 160 };

static void origin_name(mm_text *out, const char *value) {
    (void)mm_text_name_cut(out, value, META_COLUMNS, false);
}

static const char *meta_or(const mm_file *file, const char *key, const char *other) {
    const char *value = mm_file_meta_of(file, key);
    return value != NULL ? value : other;
}

static void origin_put(mm_text *out, const mm_file *file) {
    origin_name(out, meta_or(file, "runtime", "unknown runtime"));
    if (mm_file_meta_of(file, "version") != NULL) {
        mm_text_put(out, " ");
        origin_name(out, mm_file_meta_of(file, "version"));
    }
    mm_text_put(out, ", snapshot by ");
    origin_name(out, meta_or(file, "door", "an unknown door"));
}

void mm_runtime_json(mm_json *json, const mm_file *file) {
    mm_json_object(json, "runtime");
    mm_json_text(json, "name", file != NULL ? mm_file_meta_of(file, "runtime") : NULL);
    mm_json_text(json, "version", file != NULL ? mm_file_meta_of(file, "version") : NULL);
    mm_json_close(json, '}');
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
        origin_name(&text, meta_or(file, "incomplete", "it does not say why"));
    }
    mm_text_put(&text, "\n");
    return mm_text_end(&text, ret, ret_count, err);
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
    mm_runtime_json(&json, file);
    mm_json_bool(&json, "ok", whole);
    mm_json_number_known(&json, "objects", known ? file->object_count : 0, known);
    mm_json_number_known(&json, "references", known ? file->reference_count : 0, known);
    mm_json_number_known(&json, "file_bytes", known ? file->file_bytes : 0, known);
    mm_json_text(&json, "door", known ? mm_file_meta_of(file, "door") : NULL);
    mm_json_text(&json, "warning", known ? mm_file_meta_of(file, "warning") : NULL);
    mm_json_text(&json, "incomplete",
                 known && !whole ? meta_or(file, "incomplete", "unknown reason") : NULL);
    mm_json_text(&json, "error", known ? NULL : failure->message);
    mm_json_number_known(&json, "error_offset", known ? 0 : failure->offset,
                         !known && failure->code == MM_E_FORMAT);
    mm_json_close(&json, '}');
    return mm_text_end(&text, ret, ret_count, err);
}

MM_STATUS mm_warning_text(const mm_file *file, mm_arena *arena, const char **ret, size_t *ret_count,
                          mm_error *err) {
    mm_text text;
    mm_text_init(&text, arena);
    origin_name(&text, meta_or(file, "warning", ""));
    return mm_text_end(&text, ret, ret_count, err);
}

// About a file that is read: what could not be written is advised on elsewhere.
static const char *reading_advice(const mm_error *failure) {
    static const char made[] = "give a file that mortmain.snapshot(path) made";
    switch (failure->code) {
        case MM_E_FORMAT:
            return failure->offset == 0   ? made
                   : failure->offset == 8 ? "read it with the version of mortmain that made it"
                                          : "take the snapshot again";
        case MM_E_ARGUMENT:
            return made;
        case MM_E_IO:
            return failure->sys_errno == EACCES ? "a snapshot is for its owner: ask as that user"
                   : failure->sys_errno == ENOENT || failure->sys_errno == ENOTDIR ? made
                                                                                   : NULL;
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
    // What stands at the beginning says what the file is; everything behind is damage.
    if (failure->code == MM_E_FORMAT && failure->offset > 8) {
        mm_text_put(&text, "damaged at byte ");
        mm_text_digits(&text, failure->offset);
        mm_text_put(&text, ": ");
    }
    mm_text_put(&text, failure->message != NULL ? failure->message : "it failed");
    if (failure->sys_errno != 0) {
        mm_text_put(&text, " (");
        mm_text_name(&text, strerror(failure->sys_errno));
        mm_text_put(&text, ")");
    }
    const char *advice = reading_advice(failure);
    advice = advice != NULL ? advice : mm_status_advice(failure->code);
    if (advice != NULL) {
        mm_text_put(&text, "; ");
        mm_text_put(&text, advice);
    }
    return mm_text_end(&text, ret, ret_count, err);
}
