// Lines of a terminal: words that wrap, colours that take no columns. Internal to the room.
#ifndef MM_REPORT_LINES_H
#define MM_REPORT_LINES_H

#include "report/text.h"

/// The few colours we have.
typedef enum mm_colour {
    MM_COLOUR_NONE,
    MM_COLOUR_STRONG,  ///< the answer
    MM_COLOUR_GUILTY,  ///< the reference to look at
    MM_COLOUR_FAINT    ///< what may be skipped
} mm_colour;

/// A paragraph in the making. Nothing fails: the end of the text says whether memory ran out. COST:
/// linear in what is written.
typedef struct mm_lines {
    mm_text *out;
    mm_report_options options;
    size_t width;
    size_t column;
    size_t indent;  ///< of lines after the first
    bool filled;    ///< something stands in this line
    bool cut;       ///< something was cut at the width
    bool excerpt;   ///< of a patch the changed lines alone were shown
} mm_lines;

/// Begin; the text is the caller's.
void mm_lines_init(mm_lines *lines, mm_text *out, const mm_report_options *options);
/// Begin a line at this column; lines that wrap go on there too.
void mm_lines_start(mm_lines *lines, size_t indent);
/// Add a piece after a blank, on a new line if it does not fit; a piece longer than a line goes on
/// in the next one.
void mm_lines_piece(mm_lines *lines, const char *piece);
/// Add the words of a text one by one.
void mm_lines_words(mm_lines *lines, const char *words);
/// Add text without a blank before it, cut at the width; where all is to be whole, what is too long
/// goes on in the next line.
void mm_lines_tight(mm_lines *lines, const char *text);
/// Add source that is to be copied, however long it is. Tabs stay; other characters that do
/// something to a terminal are written as in a name.
void mm_lines_source(mm_lines *lines, const char *text, size_t count);
/// Blanks up to a column.
void mm_lines_column(mm_lines *lines, size_t column);
/// Switch the colour.
void mm_lines_colour(mm_lines *lines, mm_colour colour);
/// End the line.
void mm_lines_end(mm_lines *lines);

#endif
