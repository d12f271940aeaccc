// engine/report: answers as text and JSON. The only renderer for a terminal.
//
// Knows: how an answer is told to a person and to a program: widths, colours, numbers, words.
// Must not know: how the answer was found; it computes nothing.
//
// This header: a growing text in an arena, terminal columns, and how numbers are written.
#ifndef MM_REPORT_TEXT_H
#define MM_REPORT_TEXT_H

#include "base/free/arena.h"

/// How to print. Zero is the default of every member.
typedef struct mm_report_options {
    uint32_t width;  ///< columns; 0 = 80, at least 40
    bool colour;     ///< ANSI colours
    bool ascii;      ///< no character beyond ASCII of our own
} mm_report_options;

/// A text in the making. Appends never fail: the end says whether memory ran out.
typedef struct mm_text {
    mm_arena *arena;
    char *bytes;
    size_t count;
    size_t room;
    bool failed;
} mm_text;

/// Start an empty text.
void mm_text_init(mm_text *text, mm_arena *arena);
/// Append bytes as they are.
void mm_text_bytes(mm_text *text, const char *bytes, size_t count);
/// Append a NUL-terminated string as it is.
void mm_text_put(mm_text *text, const char *string);
/// Append `count` times the same byte.
void mm_text_fill(mm_text *text, char byte, size_t count);
/// Append a number with separated thousands: 10,000.
void mm_text_number(mm_text *text, uint64_t value);
/// Append a number without separators.
void mm_text_digits(mm_text *text, uint64_t value);
/// Append a size for people: 812 B, 10.4 MiB.
void mm_text_size(mm_text *text, uint64_t bytes);
/// Append a name out of a snapshot: characters that could move a terminal's cursor become '?'.
void mm_text_name(mm_text *text, const char *name);
/// Append a name cut to at most `columns`, with an ellipsis where it was cut. Answers the columns
/// used.
size_t mm_text_name_cut(mm_text *text, const char *name, size_t columns, bool ascii);
/// End: `*ret` is NUL-terminated and lives in the arena.
MM_STATUS mm_text_end(mm_text *text, const char **ret, size_t *ret_count);

/// Terminal columns of a UTF-8 text: 2 for wide characters, 0 for combining ones.
size_t mm_text_columns(const char *bytes, size_t count);

#endif
