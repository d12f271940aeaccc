// Exceptions that left a `__del__`, counted while a script runs.
#ifndef MM_DOOR_UNRAISABLE_H
#define MM_DOOR_UNRAISABLE_H

#include "capture/capture.h"
#include "compat.h"

/// What is counted; at most this many kinds are told apart, those that come later are left out.
enum { DOOR_UNRAISABLE_MAX = 16, DOOR_UNRAISABLE_TEXT_BYTES = 800 };

/// META texts, and the bytes that they point to.
typedef struct door_unraisable_texts {
    mm_capture_meta metas[DOOR_UNRAISABLE_MAX];
    uint32_t count;
    char values[DOOR_UNRAISABLE_MAX][DOOR_UNRAISABLE_TEXT_BYTES];
} door_unraisable_texts;

/// The counts of one run.
typedef struct door_unraisable door_unraisable;

/// Begin to count in this process and the main interpreter. NULL when that cannot be; no exception
/// is set. The result is never given back: the interpreter keeps calling until the process ends.
door_unraisable *door_unraisable_watch(void);

/// What was counted until now, as META `unraisable`. `watch` may be NULL: nothing.
void door_unraisable_tell(const door_unraisable *watch, door_unraisable_texts *ret);

#endif
