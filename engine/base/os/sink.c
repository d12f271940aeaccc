// The write itself is a raw system call: the C library's own is a cancellation point, which a child
// cloned from one thread of many must not reach. A short write is not an error, a write of nothing
// is.
#include "base/os/sink.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void mm_os_sink_init(mm_os_sink *sink, int fd) {
    MM_ASSERT(fd >= 0);
    sink->fd = fd;
    sink->sys_errno = 0;
    sink->written_bytes = 0;
}

static mm_status sink_write(void *context, const void *bytes, size_t count) {
    mm_os_sink *sink = context;
    MM_ASSERT(sink->fd >= 0);
    const uint8_t *at = bytes;
    while (count > 0) {
        long written = syscall(SYS_write, sink->fd, at, count);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            sink->sys_errno = written == 0 ? ENOSPC : errno;
            return MM_E_IO;
        }
        MM_ASSERT((size_t)written <= count);
        at += written;
        count -= (size_t)written;
        sink->written_bytes += (uint64_t)written;
    }
    return MM_OK;
}

mm_sink mm_os_sink_view(mm_os_sink *sink) {
    mm_sink view = {sink_write, sink};
    return view;
}

void mm_os_sink_guard_begin(mm_os_sink_guard *ret) {
    sigset_t limit;
    sigset_t before;
    sigset_t pending;
    (void)sigemptyset(&limit);
    (void)sigaddset(&limit, SIGXFSZ);
    (void)sigemptyset(&before);
    (void)sigemptyset(&pending);
    (void)pthread_sigmask(SIG_BLOCK, &limit, &before);
    (void)sigpending(&pending);
    ret->blocked = sigismember(&before, SIGXFSZ) == 1;
    ret->pending = sigismember(&pending, SIGXFSZ) == 1;
}

void mm_os_sink_guard_end(const mm_os_sink_guard *guard) {
    sigset_t limit;
    struct timespec now = {0, 0};
    (void)sigemptyset(&limit);
    (void)sigaddset(&limit, SIGXFSZ);
    if (!guard->pending) {
        while (sigtimedwait(&limit, NULL, &now) < 0 && errno == EINTR) {
        }
    }
    if (!guard->blocked) {
        (void)pthread_sigmask(SIG_UNBLOCK, &limit, NULL);
    }
}
