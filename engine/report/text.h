// engine/report: answers as text and JSON. The only renderer for a terminal.
//
// Knows: how an answer is told to a person and to a program: widths, colours, numbers, words.
// Must not know: how the answer was found; it computes nothing.
//
// This header: a growing text in an arena, terminal columns, and how numbers are written.
#ifndef MM_REPORT_TEXT_H
#define MM_REPORT_TEXT_H

#include "base/free/arena.h"
#include "base/free/status.h"

/// How to print. Zero is the default of every member.
typedef struct mm_report_options {
    uint32_t width;  ///< columns; 0 = 80, at least 40
    bool colour;     ///< ANSI colours
    bool ascii;      ///< no character beyond ASCII of our own
    bool whole;      ///< cut nothing: what does not fit goes on in the next line
} mm_report_options;

/// A text in the making. Appends never fail: the end says whether memory ran out. COST: linear in
/// what is appended, on average; the arena keeps at most three times the text.
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
/// Append a name out of a snapshot. Characters that could move a terminal's cursor, switch its
/// state, turn the direction of writing or that nobody sees are written as \x1b or \u202e; so are
/// bytes that are no UTF-8.
void mm_text_name(mm_text *text, const char *name);
/// As mm_text_name(), its first `count` bytes.
void mm_text_name_part(mm_text *text, const char *name, size_t count);
/// Append a name cut to at most `columns`, with an ellipsis where it was cut. Answers the columns
/// used.
size_t mm_text_name_cut(mm_text *text, const char *name, size_t columns, bool ascii);
/// End: `*ret` is NUL-terminated and lives in the arena. Answers MM_E_NOMEM when any append failed.
MM_STATUS mm_text_end(mm_text *text, const char **ret, size_t *ret_count, mm_error *err);

/// What a byte that is no UTF-8 is read as: no character has this number.
#define MM_GLYPH_INVALID 0xffffu

/// Length in bytes of the character at `at`, and which it is. REQUIRES: left > 0.
size_t mm_text_glyph(const char *at, size_t left, uint32_t *ret);

/// Could the character do something to a terminal, or to the order of what stands around it?
bool mm_text_is_control(uint32_t code);

/// Terminal columns of a UTF-8 text as mm_text_name() writes it: 2 for wide characters, 0 for
/// combining ones, 4 or 6 for escaped ones. COST: linear.
size_t mm_text_columns(const char *bytes, size_t count);

#endif
