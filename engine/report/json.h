// A JSON writer: keys in the order in which they are written, two spaces of indent, integers only.
#ifndef MM_REPORT_JSON_H
#define MM_REPORT_JSON_H

#include "report/text.h"

/// Deepest nesting that a document of ours has.
enum { MM_JSON_DEPTH_MAX = 16 };

/// A document in the making. Nothing fails: the end of the text says whether memory ran out.
/// REQUIRES of all functions: brackets are closed in order. COST: linear in what is written.
typedef struct mm_json {
    mm_text *out;
    uint32_t depth;
    bool filled[MM_JSON_DEPTH_MAX];  ///< something stands at this depth already
} mm_json;

/// Start a document; the text is the caller's.
void mm_json_init(mm_json *json, mm_text *out);
/// Open an object as member `key` (NULL: as an element, or the document itself).
void mm_json_object(mm_json *json, const char *key);
/// Open an array.
void mm_json_array(mm_json *json, const char *key);
/// Close what was opened last; `bracket` is its closing one.
void mm_json_close(mm_json *json, char bracket);
/// A string; NULL is null. What could do something to a terminal is escaped.
void mm_json_text(mm_json *json, const char *key, const char *value);
/// A number.
void mm_json_number(mm_json *json, const char *key, uint64_t value);
/// A number, or null when `known` is false.
void mm_json_number_known(mm_json *json, const char *key, uint64_t value, bool known);
/// true or false.
void mm_json_bool(mm_json *json, const char *key, bool value);

#endif
