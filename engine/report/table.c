// Numbers to the right, names to the left, each column as wide as its widest cell. Notes have a
// column of their own where half of the line is enough for the names, else a line of their own.
#include "report/table.h"

#include <string.h>

#include "report/steps.h"

enum { TABLE_INDENT = 2, TABLE_GAP = 2 };

typedef struct table_columns {
    size_t count;  // width
    size_t bytes;  // width
    size_t name;   // where it begins
    size_t note;   // where it begins; 0 = below
} table_columns;

static const char *cell_number(mm_lines *lines, uint64_t value) {
    mm_text piece;
    mm_text_init(&piece, lines->out->arena);
    mm_text_number(&piece, value);
    return mm_steps_piece_end(&piece, lines);
}

static const char *cell_size(mm_lines *lines, uint64_t value) {
    mm_text piece;
    mm_text_init(&piece, lines->out->arena);
    mm_text_size(&piece, value);
    return mm_steps_piece_end(&piece, lines);
}

static void widen(size_t *width, const char *cell) {
    size_t columns = mm_text_columns(cell, strlen(cell));
    *width = columns > *width ? columns : *width;
}

static table_columns columns_of(mm_lines *lines, const char *name_head, const char *note_head,
                                const mm_table_row *rows, uint32_t row_count) {
    table_columns columns = {0, 0, 0, 0};
    size_t name = 0;
    widen(&columns.count, "count");
    widen(&columns.bytes, "bytes");
    widen(&name, name_head);
    for (uint32_t i = 0; i < row_count; i++) {
        widen(&columns.count, cell_number(lines, rows[i].count));
        widen(&columns.bytes, cell_size(lines, rows[i].bytes));
        widen(&name, rows[i].name);
    }
    columns.name = TABLE_INDENT + columns.count + TABLE_GAP + columns.bytes + TABLE_GAP;
    if (note_head != NULL && columns.name + name + TABLE_GAP <= lines->width / 2) {
        columns.note = columns.name + name + TABLE_GAP;
    }
    return columns;
}

// `cell` ends at the column `end`.
static void cell_right(mm_lines *lines, const char *cell, size_t end) {
    size_t columns = mm_text_columns(cell, strlen(cell));
    mm_lines_column(lines, end > columns ? end - columns : 0);
    mm_lines_tight(lines, cell);
}

static void row_print(mm_lines *lines, const table_columns *columns, const char *const cells[3],
                      const char *note) {
    size_t end = TABLE_INDENT + columns->count;
    mm_lines_start(lines, 0);
    lines->indent = columns->name;
    cell_right(lines, cells[0], end);
    cell_right(lines, cells[1], end + TABLE_GAP + columns->bytes);
    mm_lines_column(lines, columns->name);
    mm_lines_tight(lines, cells[2]);
    if (note != NULL && columns->note != 0) {
        mm_lines_column(lines, columns->note);
        lines->indent = columns->note;
        mm_lines_tight(lines, note);
    } else if (note != NULL) {
        mm_lines_end(lines);
        mm_lines_start(lines, columns->name);
        mm_lines_colour(lines, MM_COLOUR_FAINT);
        mm_lines_tight(lines, note);
        mm_lines_colour(lines, MM_COLOUR_NONE);
    }
    mm_lines_end(lines);
}

void mm_table_print(mm_lines *lines, const char *name_head, const char *note_head,
                    const mm_table_row *rows, uint32_t row_count) {
    table_columns columns = columns_of(lines, name_head, note_head, rows, row_count);
    const char *const heads[3] = {"count", "bytes", name_head};
    MM_ASSERT(rows != NULL || row_count == 0);
    mm_lines_colour(lines, MM_COLOUR_FAINT);
    row_print(lines, &columns, heads, columns.note != 0 ? note_head : NULL);
    mm_lines_colour(lines, MM_COLOUR_NONE);
    for (uint32_t i = 0; i < row_count; i++) {
        const char *const cells[3] = {cell_number(lines, rows[i].count),
                                      cell_size(lines, rows[i].bytes), rows[i].name};
        row_print(lines, &columns, cells, rows[i].note);
    }
}
