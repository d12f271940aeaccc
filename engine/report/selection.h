// What was asked about, in words: several types of one name, or no object at all. Internal.
#ifndef MM_REPORT_SELECTION_H
#define MM_REPORT_SELECTION_H

#include "analyze/why.h"
#include "report/lines.h"

/// "150 Item: 100 pkga.Item, 50 pkgb.Item" and an empty line, if the name fits several types.
void mm_selection_types_print(mm_lines *lines, const mm_why *why);

/// "No Exam is alive in this snapshot." and, when `whole`, how to ask for the class itself.
/// REQUIRES: by type.
void mm_selection_none_print(mm_lines *lines, const mm_why *why, bool whole);

#endif
