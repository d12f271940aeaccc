// What to do about a failure: one wording for every front.
#ifndef MM_REPORT_ADVICE_H
#define MM_REPORT_ADVICE_H

#include "base/free/status.h"

/// "take the snapshot again", or NULL where nothing can be advised. `sys_errno` as in mm_error.
/// A constant string. COST: O(1).
const char *mm_advice_text(mm_status code, int sys_errno);

#endif
