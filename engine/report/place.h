// Where in the source to look. Internal to the room.
#ifndef MM_REPORT_PLACE_H
#define MM_REPORT_PLACE_H

#include "report/lines.h"
#include "report/why.h"

/// Columns by which a line of source stands further in than the sentence above it.
enum { MM_PLACE_SOURCE_INDENT = 4 };

/// "Look at shop.py:3, used in add (shop.py:7):" and the line itself. Nothing where nothing is
/// known. COST: linear.
void mm_place_print(mm_lines *lines, const mm_why_chain *chain, const mm_why_source *source);

/// "Look at shop.py:3." REQUIRES: file != NULL. COST: linear.
void mm_place_line_print(mm_lines *lines, const char *file, uint32_t line);

#endif
