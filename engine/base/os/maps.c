// /proc/PID/maps is read with plain read() into the arena and parsed in place: the paths of the
// answer point into that buffer. The file is generated a page at a time, so it is read until it
// says that it is over; when the buffer was too small the next try takes twice as much.
//
// Memory is read by process_vm_readv on ourselves: a wrong address is an error there and not a
// signal. Where a sandbox forbids that call, pread on /proc/self/mem answers the same.
#include "base/os/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/free/bytes.h"

enum { MAPS_FIRST_BYTES = 1 << 17, MAPS_LIMIT_BYTES = 1 << 28, MAPS_PATH_ROOM = 40 };

static void maps_path(uint64_t pid, char to[MAPS_PATH_ROOM]) {
    static const char head[] = "/proc/";
    static const char tail[] = "/maps";
    char digits[24];
    size_t count = 0;
    for (uint64_t rest = pid; rest != 0 && count < sizeof digits; rest /= 10) {
        digits[count++] = (char)('0' + rest % 10);
    }
    size_t at = sizeof head - 1;
    mm_copy(to, head, at);
    if (count == 0) {
        mm_copy(to + at, "self", 4);
        at += 4;
    }
    while (count > 0) {
        to[at++] = digits[--count];
    }
    mm_copy(to + at, tail, sizeof tail);
}

/// Read until the end of the file. Answers the bytes read; `room` when the buffer was too small;
/// SIZE_MAX on failure.
static size_t read_until_end(int fd, char *to, size_t room) {
    size_t have = 0;
    while (have < room) {
        ssize_t got = read(fd, to + have, room - have);
        if (got == 0) {
            return have;
        }
        if (got < 0 && errno != EINTR) {
            return SIZE_MAX;
        }
        have += got > 0 ? (size_t)got : 0;
    }
    return have;
}

static mm_status maps_text(uint64_t pid, mm_arena *arena, char **ret, size_t *count_ret,
                           mm_error *err) {
    char path[MAPS_PATH_ROOM];
    maps_path(pid, path);
    for (size_t room = MAPS_FIRST_BYTES; room <= MAPS_LIMIT_BYTES; room *= 2) {
        char *text = mm_arena_take(arena, room, 1);
        if (text == NULL) {
            return mm_fail(err, MM_E_NOMEM, "no memory for the list of mappings", room);
        }
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            return mm_fail_io(err, "cannot open the process's list of mappings", errno);
        }
        size_t count = read_until_end(fd, text, room);
        int failure = errno;
        (void)close(fd);
        if (count == SIZE_MAX) {
            return mm_fail_io(err, "cannot read the process's list of mappings", failure);
        }
        if (count < room) {
            *ret = text;
            *count_ret = count;
            return MM_OK;
        }
    }
    return mm_fail(err, MM_E_LIMIT, "the process has too many mappings", 0);
}

/// Parse hexadecimal digits and step over the one character that ends them.
static uint64_t hex_take(const char **at) {
    uint64_t value = 0;
    for (;; ++*at) {
        char c = **at;
        if (c >= '0' && c <= '9') {
            value = value << 4 | (uint64_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            value = value << 4 | (uint64_t)(c - 'a' + 10);
        } else {
            break;
        }
    }
    *at += **at != '\0';
    return value;
}

static bool begins(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool map_is_harmless(const char *permissions, const char *file) {
    if (permissions[0] != 'r' || permissions[3] == 's') {
        return false;
    }
    if (file[0] == '[') {
        return begins(file, "[heap]") || begins(file, "[stack") || begins(file, "[anon");
    }
    return !begins(file, "/dev/") || begins(file, "/dev/zero");
}

/// One NUL-terminated line. Answers false when it is to be left out.
static bool map_line(const char *line, mm_mapping *ret) {
    ret->start = hex_take(&line);
    ret->end = hex_take(&line);
    if (strnlen(line, 5) < 5) {
        return false;
    }
    const char *permissions = line;
    line += 5;
    ret->file_offset = hex_take(&line);
    for (int column = 0; column < 2; ++column) {  // device, inode
        line += strcspn(line, " ");
        line += strspn(line, " ");
    }
    ret->flags = (permissions[1] == 'w' ? (uint32_t)MM_MAP_WRITE : 0) |
                 (permissions[2] == 'x' ? (uint32_t)MM_MAP_EXECUTE : 0) |
                 (begins(line, "[stack") ? (uint32_t)MM_MAP_STACK : 0);
    ret->file = line[0] == '[' ? "" : line;
    return ret->start < ret->end && map_is_harmless(permissions, line);
}

mm_status mm_os_maps_read(uint64_t pid, mm_arena *arena, mm_mapping **ret, size_t *count_ret,
                          mm_error *err) {
    char *text = NULL;
    size_t bytes = 0;
    MM_TRY(maps_text(pid, arena, &text, &bytes, err));
    size_t lines = 0;
    for (size_t i = 0; i < bytes; ++i) {
        lines += text[i] == '\n';
    }
    mm_mapping *found = MM_ARENA_NEW(arena, mm_mapping, lines + 1);
    if (found == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory for the list of mappings", lines);
    }
    size_t count = 0;
    char *line = text;
    for (size_t i = 0; i < lines; ++i) {
        char *end = memchr(line, '\n', bytes - (size_t)(line - text));
        MM_ASSERT(end != NULL);
        *end = '\0';
        count += map_line(line, &found[count]);
        line = end + 1;
    }
    *ret = found;
    *count_ret = count;
    return MM_OK;
}

static mm_status peek_file(uint64_t address, void *to, size_t count) {
    int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return MM_E_TARGET;
    }
    ssize_t got = pread(fd, to, count, (off_t)address);
    (void)close(fd);
    return got == (ssize_t)count ? MM_OK : MM_E_TARGET;
}

mm_status mm_os_peek_self(uint64_t address, void *to, size_t count) {
    struct iovec local = {to, count};
    // The kernel takes the address as a pointer; nothing is dereferenced here.
    struct iovec remote = {(void *)(uintptr_t)address, count};
    ssize_t got = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
    if (got == (ssize_t)count) {
        return MM_OK;
    }
    if (got < 0 && (errno == ENOSYS || errno == EPERM)) {
        return peek_file(address, to, count);
    }
    return MM_E_TARGET;
}
