// What a step's process and its parent say to one another behind the last round.
#ifndef MM_DOOR_TALK_H
#define MM_DOOR_TALK_H

#include "compat.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/// A descriptor, and what it was when it was taken.
typedef struct door_talk_end {
    int fd;
    dev_t device;
    ino_t inode;
} door_talk_end;

/// Two pipes. Zero is nobody to talk to.
typedef struct door_talk {
    bool is_open;
    door_talk_end in;
    door_talk_end out;
} door_talk;

/// Take the descriptors that a text names, as in "5,6": to read from, and to write to. They are
/// closed on exec from now on. Nobody to talk to for anything else.
void door_talk_open(const char *text, door_talk *ret);

/// Read so many bytes. False when the parent is gone, or an interrupt came: then an exception may
/// be set. `still`: keep the lock, so that nothing else runs meanwhile; signals wait until later.
bool door_talk_read(const door_talk *talk, void *out, size_t bytes, bool still);

/// Write all of it. False when nobody listens any more.
bool door_talk_write(const door_talk *talk, const void *bytes, size_t count);

#endif
