// A chain of references as lines of a terminal, with an arrow where it leads. Internal to the room.
#ifndef MM_REPORT_STEPS_H
#define MM_REPORT_STEPS_H

#include "report/lines.h"

/// What the entries of a container are called.
typedef enum mm_step_unit { MM_STEP_ENTRIES = 0, MM_STEP_ITEMS, MM_STEP_MEMBERS } mm_step_unit;

/// One object, and the reference that leads on from it.
typedef struct mm_step {
    const char *object;  ///< "module shop", "dict"
    const char *edge;    ///< "._seen", "[key]", "..." for steps left out; NULL at the end
    uint64_t entries;    ///< UINT64_MAX = no container, or unknown
    mm_step_unit unit;
    bool guilty;        ///< an arrow at `edge`
    const char *note;   ///< what the arrow means; NULL = nothing
    uint64_t left_out;  ///< with "...": how many
} mm_step;

/// Columns of the margin that text beside a chain keeps to.
enum { MM_STEPS_INDENT = 6 };

/// Print from the first object to the last. REQUIRES: every step but the last has an edge. COST:
/// linear.
void mm_steps_print(mm_lines *lines, const mm_step *steps, uint32_t step_count);

/// Put pieces together and hand them to a paragraph: "" when memory is out, which the paragraph's
/// text then knows.
const char *mm_steps_piece_end(mm_text *piece, mm_lines *lines);

/// "3" and what follows it, as one piece.
void mm_steps_number(mm_lines *lines, uint64_t number, const char *after);

#endif
