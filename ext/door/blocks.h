// Which blocks for objects a stretch of time asked for, and still has.
#ifndef MM_DOOR_BLOCKS_H
#define MM_DOOR_BLOCKS_H

#include "compat.h"

#include <stdbool.h>
#include <stdint.h>

/// Notes of blocks. Not to be moved or freed while it listens.
typedef struct door_blocks door_blocks;

/// Begin to note blocks that are handed out; NULL when memory is out. REQUIRES: the lock is held.
door_blocks *door_blocks_begin(void);

/// Note no new ones from now on, only which are given back.
void door_blocks_close(door_blocks *blocks);

/// Objects of exactly this type in the noted blocks that are not among `known`, which ascends.
/// `ret` has room for `room` addresses. Answers how many there are. REQUIRES: nothing runs.
uint64_t door_blocks_lost(const door_blocks *blocks, uint64_t type, const uint64_t *known,
                          uint64_t known_count, uint64_t *ret, uint64_t room);

/// End it. Where somebody listens who came after us, and leads to us, the notes stay, unused. NULL
/// is fine.
void door_blocks_end(door_blocks *blocks);

#endif
