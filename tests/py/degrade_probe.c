// A snapshot of the process that loads this, with some of what locate knows hidden from it: built
// into a shared library by test_degrade.py and called through ctypes, with the interpreter lock.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/os/pages.h"
#include "base/os/sink.h"
#include "capture/capture.h"
#include "locate/locate.h"

/// What the snapshot said, for ctypes.
typedef struct probe_answer {
    uint64_t object_count;
    uint64_t reference_count;
    uint64_t unreadable_count;
    uint32_t kinds_failed;
    char warning[160];
} probe_answer;

int probe_snapshot(const char *path, uint32_t hide_kinds, int hide_version, int traverse,
                   uint64_t caller, probe_answer *ret);

static mm_status capture_to(int fd, const mm_target *target, probe_answer *ret) {
    mm_os_pages pages;
    mm_os_sink sink;
    mm_capture_result result = {0};
    mm_capture_options options = {.door = "in process", .keys = true};
    mm_os_pages_init(&pages);
    mm_os_sink_init(&sink, fd);
    mm_status status =
        mm_capture(target, mm_os_pages_view(&pages), mm_os_sink_view(&sink), &options, &result);
    mm_os_pages_deinit(&pages);
    ret->object_count = result.object_count;
    ret->reference_count = result.reference_count;
    ret->unreadable_count = result.unreadable_count;
    return status;
}

int probe_snapshot(const char *path, uint32_t hide_kinds, int hide_version, int traverse,
                   uint64_t caller, probe_answer *ret) {
    mm_os_pages pages;
    mm_arena arena;
    mm_reader reader;
    mm_target *target = NULL;
    mm_locate_report report;
    mm_error error = {MM_OK, NULL, 0, 0};
    mm_locate_options options = {.hide_kinds = hide_kinds,
                                 .hide_version = hide_version != 0,
                                 .traverse = traverse != 0,
                                 .caller_thread = caller};
    memset(&report, 0, sizeof report);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return 1;
    }
    mm_os_pages_init(&pages);
    mm_arena_init(&arena, mm_os_pages_view(&pages), 1 << 20);
    mm_status status = mm_reader_self(&arena, &reader, &error);
    if (status == MM_OK) {
        status = mm_locate(&reader, &options, &arena, &target, &report, &error);
    }
    if (status == MM_OK) {
        status = capture_to(fd, target, ret);
    }
    ret->kinds_failed = report.kinds_failed;
    memcpy(ret->warning, report.warning, sizeof ret->warning);
    mm_os_pages_deinit(&pages);
    return close(fd) == 0 ? (int)status : 1;
}
