// Nothing is ever written past the width but source that is to be copied. The column is counted
// here and nowhere else.
#include "report/lines.h"

#include <string.h>

enum { WIDTH_LEAST = 40, WIDTH_DEFAULT = 80, WORD_BYTES = 512 };

void mm_lines_init(mm_lines *lines, mm_text *out, const mm_report_options *options) {
    MM_ASSERT(out != NULL);
    lines->out = out;
    lines->options = *options;
    lines->width = options->width == 0            ? (size_t)WIDTH_DEFAULT
                   : options->width < WIDTH_LEAST ? (size_t)WIDTH_LEAST
                                                  : options->width;
    lines->column = 0;
    lines->indent = 0;
    lines->filled = false;
    lines->cut = false;
    lines->excerpt = false;
}

void mm_lines_start(mm_lines *lines, size_t indent) {
    MM_ASSERT(lines->column == 0);
    lines->indent = indent;
    mm_lines_column(lines, indent);
}

void mm_lines_column(mm_lines *lines, size_t column) {
    size_t to = column < lines->width ? column : lines->width;
    if (to > lines->column) {
        mm_text_fill(lines->out, ' ', to - lines->column);
        lines->column = to;
    }
}

// Bytes of the first characters that fit into so many columns.
static size_t prefix_bytes(const char *text, size_t columns) {
    size_t count = strlen(text);
    size_t at = 0;
    while (at < count) {
        uint32_t code = 0;
        size_t length = mm_text_glyph(text + at, count - at, &code);
        size_t wide = mm_text_columns(text + at, length);
        if (wide > columns) {
            break;
        }
        columns -= wide;
        at += length;
    }
    return at;
}

// Of so many bytes those up to the last blank before which something stands, else all of them.
static size_t words_bytes(const char *text, size_t bytes) {
    for (size_t i = bytes; i > 0; i--) {
        if (text[i] == ' ' && text[i - 1] != ' ') {
            return i;
        }
    }
    return bytes;
}

// What no line can hold goes on in the next one: answers the rest, which fits.
static const char *lines_wrap(mm_lines *lines, const char *text) {
    while (lines->column + mm_text_columns(text, strlen(text)) > lines->width) {
        size_t bytes = prefix_bytes(text, lines->width - lines->column);
        if (bytes == 0 && lines->column <= lines->indent) {
            break;
        }
        size_t kept = words_bytes(text, bytes);
        mm_text_name_part(lines->out, text, kept);
        text += kept + strspn(text + kept, " ");
        mm_lines_end(lines);
        mm_lines_column(lines, lines->indent);
    }
    return text;
}

void mm_lines_tight(mm_lines *lines, const char *text) {
    MM_ASSERT(lines->column <= lines->width);
    const char *rest = lines->options.whole ? lines_wrap(lines, text) : text;
    size_t left = lines->width - lines->column;
    lines->filled = lines->filled || rest[0] != '\0';
    lines->cut = lines->cut || mm_text_columns(rest, strlen(rest)) > left;
    lines->column += mm_text_name_cut(lines->out, rest, left, lines->options.ascii);
}

void mm_lines_source(mm_lines *lines, const char *text, size_t count) {
    lines->filled = lines->filled || count > 0;
    for (size_t at = 0; at < count;) {
        const char *tab = memchr(text + at, '\t', count - at);
        size_t length = tab != NULL ? (size_t)(tab - text) - at : count - at;
        mm_text_name_part(lines->out, text + at, length);
        lines->column += mm_text_columns(text + at, length) + (tab != NULL);
        mm_text_put(lines->out, tab != NULL ? "\t" : "");
        at += length + (tab != NULL);
    }
}

void mm_lines_piece(mm_lines *lines, const char *piece) {
    MM_ASSERT(lines->indent < lines->width);
    size_t columns = mm_text_columns(piece, strlen(piece));
    if (lines->filled) {
        if (lines->column + 1 + columns > lines->width) {
            mm_lines_end(lines);
            mm_lines_column(lines, lines->indent);
        } else {
            mm_lines_column(lines, lines->column + 1);
        }
    }
    mm_lines_tight(lines, lines_wrap(lines, piece));
}

void mm_lines_words(mm_lines *lines, const char *words) {
    char word[WORD_BYTES];
    while (*words != '\0') {
        size_t length = strcspn(words, " ");
        size_t kept = length < sizeof(word) - 1 ? length : sizeof(word) - 1;
        memcpy(word, words, kept);
        word[kept] = '\0';
        if (kept > 0) {
            mm_lines_piece(lines, word);
        }
        words += length + (words[length] == ' ');
    }
}

void mm_lines_colour(mm_lines *lines, mm_colour colour) {
    static const char *const codes[] = {"\x1b[0m", "\x1b[1m", "\x1b[1;31m", "\x1b[2m"};
    if (lines->options.colour) {
        mm_text_put(lines->out, codes[colour]);
    }
}

void mm_lines_end(mm_lines *lines) {
    mm_text_put(lines->out, "\n");
    lines->column = 0;
    lines->filled = false;
}
