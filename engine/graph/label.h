// A name in the making: text appended to a caller's buffer, cut where it ends, and measured beyond.
//
// Internal to the room. The buffer always holds whole UTF-8 characters and a NUL.
#ifndef MM_GRAPH_LABEL_H
#define MM_GRAPH_LABEL_H

#include "base/free/attr.h"

/// Where text goes and how long it would be.
typedef struct mm_label {
    char *out;
    size_t out_bytes;
    size_t length;  ///< bytes appended so far, also those that did not fit
} mm_label;

/// Start an empty text in `out`. REQUIRES: out_bytes > 0.
void mm_label_init(mm_label *label, char *out, size_t out_bytes);
/// Append a NUL-terminated text.
void mm_label_text(mm_label *label, const char *text);
/// Append `count` bytes.
void mm_label_bytes(mm_label *label, const char *text, size_t count);
/// Append a decimal number.
void mm_label_number(mm_label *label, uint64_t value);
/// Append a number in hexadecimal with its 0x.
void mm_label_hex(mm_label *label, uint64_t value);
/// Append the last component of a path.
void mm_label_file(mm_label *label, const char *path);
/// End the text; answers the length that it would have.
size_t mm_label_end(mm_label *label);

#endif
