// Tables of what there is: a count, bytes and a name. Internal to the room.
#ifndef MM_REPORT_TABLE_H
#define MM_REPORT_TABLE_H

#include "report/lines.h"

/// One row.
typedef struct mm_table_row {
    uint64_t count;
    uint64_t bytes;
    const char *name;
    const char *note;  ///< beside the name, or below it; NULL = nothing
} mm_table_row;

/// Print with a line of heads above it. `note_head` NULL: no row has a note. COST: linear.
void mm_table_print(mm_lines *lines, const char *name_head, const char *note_head,
                    const mm_table_row *rows, uint32_t row_count);

#endif
