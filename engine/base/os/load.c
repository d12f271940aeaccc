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

// Read [at, at + count), or as much of it as there is. Answers how much that was, in `ret`.
static mm_status range_read(int fd, uint8_t *to, size_t from, size_t count, size_t *ret,
                            mm_error *err) {
    size_t done = 0;
    while (done < count) {
        size_t part = count - done < READ_BYTES_MAX ? count - done : READ_BYTES_MAX;
        ssize_t got = pread(fd, to + done, part, (off_t)(from + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return mm_fail_io(err, "cannot read the file", errno);
        }
        if (got == 0) {
            break;
        }
        done += (size_t)got;
    }
    MM_ASSERT(done <= count);
    *ret = done;
    return MM_OK;
}

static mm_status ends_look(int fd, const mm_os_load_ends *ends, size_t size_bytes, mm_error *err) {
    uint8_t head[MM_OS_LOAD_END_BYTES_MAX] = {0};
    uint8_t tail[MM_OS_LOAD_END_BYTES_MAX] = {0};
    size_t got = 0;
    MM_ASSERT(ends->head_bytes <= sizeof head);
    MM_ASSERT(ends->tail_bytes <= sizeof tail);
    if (size_bytes < ends->head_bytes + ends->tail_bytes) {
        return MM_OK;
    }
    MM_TRY(range_read(fd, head, 0, ends->head_bytes, &got, err));
    MM_TRY(range_read(fd, tail, size_bytes - ends->tail_bytes, ends->tail_bytes, &got, err));
    return ends->check(head, tail, size_bytes, err);
}

static mm_status descriptor_load(int fd, size_t slack_bytes, const mm_os_load_ends *ends,
                                 mm_arena *arena, uint8_t **ret, size_t *ret_bytes, mm_error *err) {
    struct stat about;
    if (fstat(fd, &about) != 0) {
        return mm_fail_io(err, "cannot look at the file", errno);
    }
    if (!S_ISREG(about.st_mode)) {
        return mm_fail(err, MM_E_ARGUMENT, "it is no regular file", 0);
    }
    size_t size_bytes = (size_t)about.st_size;
    if (ends != NULL) {
        MM_TRY(ends_look(fd, ends, size_bytes, err));
    }
    uint8_t *bytes = mm_arena_take(arena, size_bytes + slack_bytes, 1);
    if (bytes == NULL) {
        return mm_fail(err, MM_E_NOMEM, "not enough memory for the file", size_bytes);
    }
    MM_TRY(range_read(fd, bytes, 0, size_bytes, ret_bytes, err));
    *ret = bytes;
    return MM_OK;
}

mm_status mm_os_load(const char *path, size_t slack_bytes, const mm_os_load_ends *ends,
                     mm_arena *arena, uint8_t **ret, size_t *ret_bytes, mm_error *err) {
    MM_ASSERT(path != NULL);
    MM_ASSERT(ret != NULL);
    // O_NONBLOCK: a pipe must not keep us waiting; it means nothing to a regular file.
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return mm_fail_io(err, "cannot open the file", errno);
    }
    mm_status status = descriptor_load(fd, slack_bytes, ends, arena, ret, ret_bytes, err);
    (void)close(fd);
    return status;
}
