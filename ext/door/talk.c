// The parent may end at any time, and a step may close what it does not know: whatever goes wrong
// here means that there is nobody to talk to, and nothing else.
#include "talk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void door_talk_open(const char *text, door_talk *ret) {
    door_talk talk = {false, -1, -1};
    if (sscanf(text, "%d,%d", &talk.in, &talk.out) == 2) {
        talk.is_open =
            fcntl(talk.in, F_SETFD, FD_CLOEXEC) == 0 && fcntl(talk.out, F_SETFD, FD_CLOEXEC) == 0;
    }
    *ret = talk;
}

bool door_talk_read(const door_talk *talk, void *out, size_t bytes, bool still) {
    size_t done = 0;
    while (talk->is_open && done < bytes) {
        PyThreadState *released = still ? NULL : PyEval_SaveThread();
        ssize_t count = read(talk->in, (char *)out + done, bytes - done);
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
        ssize_t written = write(talk->out, (const char *)bytes + done, count - done);
        if (written < 0 && errno != EINTR) {
            return false;
        }
        done += written > 0 ? (size_t)written : 0;
    }
    return talk->is_open;
}
