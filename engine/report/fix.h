// What a front that reads source has to say of a finding: the cure that its source calls for, a
// patch, and how it went when that was tried. Internal to the room, but for the struct.
#ifndef MM_REPORT_FIX_H
#define MM_REPORT_FIX_H

#include <stdbool.h>
#include <stdint.h>

/// All texts are borrowed.
typedef struct mm_fix {
    const char *cure;            ///< id of engine/explain/cures.h
    const char *hint;            ///< what the source has that does it, no stop; NULL = nothing
    const char *role;            ///< what the holder is for; NULL = as the finding says
    const char *type;            ///< short name of what the checks are about
    const char *const *checked;  ///< ids
    uint32_t checked_count;
    const char *patch;  ///< unified diff; NULL = there is none
    int8_t proven;      ///< 1: tried, and nothing grows; 0: tried and withdrawn; -1: not tried
    uint64_t before_objects;  ///< that came in `before_steps` steps without the patch
    uint64_t before_steps;
    uint64_t after_objects;  ///< that came in `after_steps` steps with it
    uint64_t after_steps;
} mm_fix;

struct mm_lines;
struct mm_text;

/// What is said of the cure, with how it went. REQUIRES: fix != NULL. COST: linear.
void mm_fix_print(struct mm_lines *lines, const mm_fix *fix, bool verbose);

/// "Exam can be weakly referenced" into `out`; nothing for an unknown id. COST: linear.
void mm_fix_check_text(const mm_fix *fix, uint32_t index, struct mm_text *out);

#endif
