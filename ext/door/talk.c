// The parent may end at any time, and a step may close what it does not know: whatever goes wrong
// here means that there is nobody to talk to, and nothing else. What a step opens later gets the
// number of what it closed, so that a number alone is no proof that it is ours.
#include "talk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool end_take(door_talk_end *end) {
    struct stat found;
    if (fcntl(end->fd, F_SETFD, FD_CLOEXEC) != 0 || fstat(end->fd, &found) != 0) {
        return false;
    }
    end->device = found.st_dev;
    end->inode = found.st_ino;
    return true;
}

static bool end_is_ours(const door_talk_end *end) {
    struct stat found;
    return fstat(end->fd, &found) == 0 && found.st_dev == end->device && found.st_ino == end->inode;
}

void door_talk_open(const char *text, door_talk *ret) {
    door_talk talk = {.is_open = false};
    if (sscanf(text, "%d,%d", &talk.in.fd, &talk.out.fd) == 2) {
        talk.is_open = end_take(&talk.in) && end_take(&talk.out);
    }
    *ret = talk;
}

bool door_talk_read(const door_talk *talk, void *out, size_t bytes, bool still) {
    size_t done = 0;
    while (talk->is_open && done < bytes) {
        if (!end_is_ours(&talk->in)) {
            return false;
        }
        PyThreadState *released = still ? NULL : PyEval_SaveThread();
        ssize_t count = read(talk->in.fd, (char *)out + done, bytes - done);
        bool interrupted = count < 0 && errno == EINTR;
        if (released != NULL) {
            PyEval_RestoreThread(released);
        }
        if ((count <= 0 && !interrupted) || (!still && PyErr_CheckSignals() != 0)) {
            return false;
        }
        done += count > 0 ? (size_t)count : 0;
    }
    return talk->is_open;
}

bool door_talk_write(const door_talk *talk, const void *bytes, size_t count) {
    size_t done = 0;
    while (talk->is_open && done < count) {
        if (!end_is_ours(&talk->out)) {
            return false;
        }
        ssize_t written = write(talk->out.fd, (const char *)bytes + done, count - done);
        if (written < 0 && errno != EINTR) {
            return false;
        }
        done += written > 0 ? (size_t)written : 0;
    }
    return talk->is_open;
}
