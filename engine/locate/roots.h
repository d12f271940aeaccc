// The part of the room that names references from outside the heap. Private to engine/locate.
#ifndef MM_LOCATE_ROOTS_H
#define MM_LOCATE_ROOTS_H

#include "locate/locator.h"

/// A field of the interpreter's state that can be told by what it holds.
typedef struct mm_anchor {
    uint64_t table_offset;   ///< where the version's table has it
    uint64_t actual_offset;  ///< where it is
} mm_anchor;

enum { ANCHORS_MAX = 24 };

/// The anchors found in one state, by rising offset.
typedef struct mm_anchors {
    mm_anchor found[ANCHORS_MAX];
    size_t count;
} mm_anchors;

/// sys.modules, by what is in it.
void mm_locate_modules(mm_locator *locator);

/// Is this the table of interned strings: many entries, each its own key?
bool mm_dict_is_interned(mm_locator *locator, uint64_t object);
/// Find the anchors of interpreter `index`.
void mm_anchors_find(mm_locator *locator, size_t index, mm_anchors *ret);
/// Where a field of the table is in this state. False when the anchors around it disagree.
bool mm_anchors_place(const mm_anchors *anchors, uint64_t table_offset, uint64_t *ret);

#endif
