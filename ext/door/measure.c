// Numbers come from the kernel and from malloc itself: what they cost is on the stack, but for the
// one int that sys.getallocatedblocks() answers, which is gone when it was read.
#include "measure.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/os/process.h"

static const uint64_t SECOND_NS = 1000000000;

uint64_t door_measure_rss(void) {
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    uint64_t pages = 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    if (length <= 0) {
        return 0;
    }
    text[length] = '\0';
    if (sscanf(text, "%*u %" SCNu64, &pages) != 1) {
        return 0;
    }
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t door_measure_malloc(void) {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
    struct mallinfo2 info = mallinfo2();
    return (uint64_t)info.uordblks + (uint64_t)info.hblkhd;
#else
    return 0;
#endif
}

static uint64_t blocks_read(void) {
    PyObject *ask = PySys_GetObject("getallocatedblocks"); /* borrowed */
    PyObject *count = ask == NULL ? NULL : PyObject_CallNoArgs(ask);
    unsigned long long blocks = count == NULL ? 0 : PyLong_AsUnsignedLongLong(count);
    Py_XDECREF(count);
    if (PyErr_Occurred()) {
        PyErr_Clear();
        blocks = 0;
    }
    return blocks;
}

door_numbers door_measure(uint64_t begin_ns) {
    door_numbers numbers = {.rss_bytes = door_measure_rss(),
                            .malloc_bytes = door_measure_malloc(),
                            .block_count = blocks_read(),
                            .nanoseconds = mm_os_now_ns() - begin_ns};
    return numbers;
}

// When the process began, in clock ticks since the system did: field 22, counted from behind the
// name in brackets, which may contain anything. 0 = unknown.
static uint64_t begin_ticks(void) {
    char text[1024];
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    uint64_t ticks = 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    if (length <= 0) {
        return 0;
    }
    text[length] = '\0';
    const char *at = strrchr(text, ')');
    for (int field = 3; at != NULL && field <= 22; field++) {
        at = strchr(at + 1, ' ');
    }
    return at != NULL && sscanf(at, "%" SCNu64, &ticks) == 1 ? ticks : 0;
}

uint64_t door_begin_ns(void) {
    long per_second = sysconf(_SC_CLK_TCK);
    return per_second <= 0 ? 0 : begin_ticks() * (SECOND_NS / (uint64_t)per_second);
}

uint32_t door_stamp_fill(uint64_t begin_ns, door_stamp *ret) {
    struct timespec now = {0, 0};
    if (begin_ns == 0 || clock_gettime(CLOCK_BOOTTIME, &now) != 0) {
        return 0;
    }
    uint64_t now_ns = (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
    if (now_ns <= begin_ns) {
        return 0;
    }
    (void)snprintf(ret->text, sizeof ret->text, "%" PRIu64, now_ns - begin_ns);
    ret->meta = (mm_capture_meta){"nanoseconds", ret->text};
    return 1;
}

// Entries of a folder below /proc.
static uint64_t entries_count(const char *folder) {
    DIR *stream = opendir(folder);
    uint64_t count = 0;
    while (stream != NULL && readdir(stream) != NULL) {
        count++;
    }
    if (stream != NULL) {
        (void)closedir(stream);
    }
    return count;
}

door_scarce door_measure_scarce(void) {
    struct rlimit limit = {0};
    bool known = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    door_scarce scarce = {.files = entries_count("/proc/self/fd"),
                          .files_most = known ? (uint64_t)limit.rlim_cur : UINT64_MAX,
                          .threads = entries_count("/proc/self/task")};
    return scarce;
}
