// Where objects were made. Internal to the room.
#ifndef MM_REPORT_SITES_H
#define MM_REPORT_SITES_H

#include "report/findings.h"
#include "report/json.h"
#include "report/lines.h"

/// "Made at shop.py:12 in Shop.add:" and the line itself, for each place; the first few unless
/// `verbose`. Nothing where nothing is known. Does it end with a line of source? COST: linear.
bool mm_sites_print(mm_lines *lines, const mm_finding *finding, bool verbose);

/// The array `key`; NULL in another array. COST: linear.
void mm_sites_json(mm_json *json, const char *key, const mm_finding *finding);

#endif
