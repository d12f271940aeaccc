// What is damaged, hostile or does not fit is refused: never a crash, never a wrong answer.
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "heap_model.h"
#include "tap.h"

// Decode with at most `limit_bytes` of memory (0 = any).
static mm_status decode(const uint8_t *bytes, size_t count, uint64_t limit_bytes, mm_error *err) {
    mm_os_pages pages;
    mm_os_pages_init(&pages);
    pages.limit_bytes = limit_bytes;
    mm_arena arena;
    mm_arena_init(&arena, mm_os_pages_view(&pages), 4096);
    mm_file file;
    memset(err, 0, sizeof *err);
    mm_status status = mm_file_decode(bytes, count, &arena, &file, err);
    mm_os_pages_deinit(&pages);
    return status;
}

static heap_bytes small_file(uint64_t seed, uint32_t objects) {
    heap_model model = heap_model_new(seed, objects, 2, 6);
    heap_bytes out = {0};
    if (heap_model_write(&model, heap_bytes_sink(&out)) != MM_OK) {
        abort();
    }
    heap_model_free(&model);
    return out;
}

// Put the right checksum into a damaged file.
static void checksum_repair(uint8_t *bytes, size_t count) {
    uint64_t sum = mm_format_checksum(MM_FORMAT_CHECKSUM_START, bytes, count - 24);
    sum = mm_format_checksum(sum, bytes + count - 16, 16);
    for (unsigned i = 0; i < 8; i++) {
        bytes[count - 24 + i] = (uint8_t)(sum >> 8 * i);
    }
}

static void test_sink(void) {
    heap_model model = heap_model_new(7, 3000, 3, 5);
    size_t writes = 1;
    bool all = true;
    for (;; writes++) {
        heap_bytes out = {.writes_max = writes};
        mm_status status = heap_model_write(&model, heap_bytes_sink(&out));
        free(out.bytes);
        if (status == MM_OK) {
            break;
        }
        all = all && status == MM_E_IO && out.writes == writes;
    }
    ok(all && writes > 8, "a sink that fails at the n-th of %zu writes", writes);
    heap_model_free(&model);
}

static void test_memory(void) {
    heap_bytes file = small_file(8, 500);
    mm_error err;
    uint64_t limit = 4096;
    bool all = true;
    while (decode(file.bytes, file.count, limit, &err) != MM_OK) {
        all = all && err.code == MM_E_NOMEM && err.message != NULL;
        limit += 4096;
    }
    ok(all && limit > 20 * 4096, "every limit below %" PRIu64 " bytes is out of memory", limit);
    free(file.bytes);
}

static void test_truncation(void) {
    heap_bytes file = small_file(9, 20);
    mm_error err;
    bool all = true;
    for (size_t count = 0; count < file.count; count++) {
        uint8_t *exact = malloc(count + 1);  // so that a read beyond the end shows
        memcpy(exact, file.bytes, count);
        all = all && decode(exact, count, 0, &err) == MM_E_FORMAT && err.offset <= file.count;
        free(exact);
    }
    ok(all, "cut off at each of %zu bytes", file.count);
    free(file.bytes);
}

static void test_flips(void) {
    heap_bytes file = small_file(10, 20);
    mm_error err;
    bool refused = true;
    for (size_t bit = 0; bit < 8 * file.count; bit++) {
        file.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        refused = refused && decode(file.bytes, file.count, 0, &err) == MM_E_FORMAT;
        file.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ok(refused, "each of %zu bits flipped", 8 * file.count);
    ok(decode(file.bytes, file.count, 0, &err) == MM_OK, "and flipped back");
    free(file.bytes);
}

static void test_repaired_flips(void) {
    heap_bytes file = small_file(11, 60);
    uint8_t *damaged = malloc(file.count);
    uint64_t random = 12;
    mm_error err;
    bool sane = true;
    unsigned accepted = 0;
    for (unsigned i = 0; i < 20000; i++) {
        memcpy(damaged, file.bytes, file.count);
        for (unsigned j = 0; j <= i % 3; j++) {
            size_t at = model_below(&random, (uint32_t)file.count);
            damaged[at] = (uint8_t)(i % 2 ? heap_random(&random) : damaged[at] ^ 1u << i % 8);
        }
        checksum_repair(damaged, file.count);
        mm_status status = decode(damaged, file.count, 1 << 24, &err);
        accepted += status == MM_OK;
        sane = sane && (status == MM_OK || (err.code == status && err.offset <= file.count));
    }
    ok(sane, "20000 flips behind a right checksum (%u of them are still files)", accepted);
    free(damaged);
    free(file.bytes);
}

static void test_open(void) {
    mm_os_pages pages;
    mm_os_pages_init(&pages);
    mm_arena arena;
    mm_arena_init(&arena, mm_os_pages_view(&pages), 4096);
    mm_file file;
    mm_error err = {0};
    ok(mm_file_open(MM_GOLDEN "/none.mort", &arena, &file, &err) == MM_E_IO, "no file");
    is_u64((uint64_t)err.sys_errno, ENOENT, "and why");
    ok(mm_file_open(MM_GOLDEN, &arena, &file, &err) == MM_E_ARGUMENT, "a folder");
    ok(mm_file_open("/dev/null", &arena, &file, &err) == MM_E_ARGUMENT, "a device");
    ok(mm_file_open(MM_GOLDEN "/make_golden.py", &arena, &file, &err) == MM_E_FORMAT, "a text");
    ok(mm_file_open(MM_GOLDEN "/empty.mort", &arena, &file, &err) == MM_OK, "an empty heap");
    is_u64(file.object_count, 0, "has no objects");
    ok(mm_file_open(MM_GOLDEN "/every_stream.mort", &arena, &file, &err) == MM_OK, "a whole one");
    is_text(mm_file_meta_of(&file, "runtime"), "cpython", "knows its runtime");
    ok(mm_file_meta_of(&file, "absent") == NULL, "and nothing else");
    ok(mm_file_find(&file, file.address[1] + 1) == MM_NONE, "no object in between");
    mm_os_pages_deinit(&pages);
}

// 64 GiB of nothing: told by its ends, before memory is taken for it.
static void test_open_sparse(void) {
    char path[] = "/tmp/mortmain-test-XXXXXX";
    int fd = mkstemp(path);
    bool made = fd >= 0 && write(fd, MM_FORMAT_MAGIC "\1\0\0\0\10\0\0", 16) == 16 &&
                ftruncate(fd, (off_t)1 << 36) == 0;
    mm_os_pages pages;
    mm_os_pages_init(&pages);
    mm_arena arena;
    mm_arena_init(&arena, mm_os_pages_view(&pages), 4096);
    mm_file file;
    mm_error err = {0};
    ok(made && mm_file_open(path, &arena, &file, &err) == MM_E_FORMAT, "a large file, cut off");
    is_u64(err.offset, (uint64_t)1 << 36, "at its end");
    is_u64(pages.mapped_bytes, 0, "takes no memory");
    mm_os_pages_deinit(&pages);
    (void)close(fd);
    (void)unlink(path);
}

int main(void) {
    test_open_sparse();
    test_sink();
    test_memory();
    test_truncation();
    test_flips();
    test_repaired_flips();
    test_open();
    return done_testing();
}
