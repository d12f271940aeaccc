// The size is asked for once and memory is taken for that; a file that shrinks meanwhile is read as
// far as it goes, one that grows is read to the size it had. Whether what was read makes sense is
// for the reader of its format to say.
#include "base/os/load.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

// One read at most: the kernel's own limit is a little below 2 GiB.
enum { READ_BYTES_MAX = 1 << 30 };

static mm_status descriptor_load(int fd, size_t slack_bytes, mm_arena *arena, uint8_t **ret,
                                 size_t *ret_bytes, mm_error *err) {
    struct stat about;
    if (fstat(fd, &about) != 0) {
        return mm_fail_io(err, "cannot look at the file", errno);
    }
    if (!S_ISREG(about.st_mode)) {
        return mm_fail(err, MM_E_ARGUMENT, "it is no regular file", 0);
    }
    size_t size_bytes = (size_t)about.st_size;
    uint8_t *bytes = mm_arena_take(arena, size_bytes + slack_bytes, 1);
    if (bytes == NULL) {
        return mm_fail(err, MM_E_NOMEM, "not enough memory for the file", size_bytes);
    }
    size_t at = 0;
    while (at < size_bytes) {
        size_t part = size_bytes - at < READ_BYTES_MAX ? size_bytes - at : READ_BYTES_MAX;
        ssize_t got = pread(fd, bytes + at, part, (off_t)at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return mm_fail_io(err, "cannot read the file", errno);
        }
        if (got == 0) {
            break;
        }
        at += (size_t)got;
    }
    MM_ASSERT(at <= size_bytes);
    *ret = bytes;
    *ret_bytes = at;
    return MM_OK;
}

mm_status mm_os_load(const char *path, size_t slack_bytes, mm_arena *arena, uint8_t **ret,
                     size_t *ret_bytes, mm_error *err) {
    MM_ASSERT(path != NULL);
    MM_ASSERT(ret != NULL);
    // O_NONBLOCK: a pipe must not keep us waiting; it means nothing to a regular file.
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return mm_fail_io(err, "cannot open the file", errno);
    }
    mm_status status = descriptor_load(fd, slack_bytes, arena, ret, ret_bytes, err);
    (void)close(fd);
    return status;
}
