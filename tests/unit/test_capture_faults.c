// The walker when its doors fail it, and on a heap that is one long chain: every failure is an
// answer, no stack grows with the heap.
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

#include "scene.h"

enum { CHAIN = 1000000, CHAIN_BYTES = 128 << 20, SPREAD = 60000 };

#if defined(__SANITIZE_ADDRESS__)
enum { STACK_BYTES = 1 << 18 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { STACK_BYTES = 1 << 18 };
#else
enum { STACK_BYTES = 1 << 16 };
#endif
#else
enum { STACK_BYTES = 1 << 16 };
#endif

// A world and enough lists around it, far enough apart, that buffers and pages run full.
static void large_open(scene *at) {
    fake_heap_init(&at->heap, 12, true, CHAIN_BYTES);
    fake_capture_init(&at->capture);
    at->label = "3.12 odd";
    uint64_t world = fake_world(&at->heap);
    for (unsigned i = 0; i < SPREAD; i++) {
        uint64_t list = fake_list(&at->heap, (uint64_t[]){world, 0, world}, 3);
        world = i % 100 == 0 ? list : world;
        if (i % 600 == 0) {
            (void)fake_take(&at->heap, 1 << 20);  // many blocks: each has bitmaps of its own
        }
    }
}

// Capture anew with a door that fails at its first call, at its second, and so on: `fail` says at
// which, `calls` counts them. Answers how many of these captures ended with `status`; `at_once`:
// and did not call the door again.
static uint64_t fail_each(scene *at, uint64_t *fail, const uint64_t *calls, mm_status status,
                          bool at_once) {
    uint64_t failed = 0;
    uint64_t whole = *calls;
    for (uint64_t n = 1; n <= whole; n++) {
        fake_capture_deinit(&at->capture);
        fake_capture_init(&at->capture);
        *fail = n;
        fake_capture_run(&at->capture, &at->heap);
        failed += at->capture.status == status && (!at_once || *calls == n);
    }
    return failed;
}

static void test_sink_fails(void) {
    scene at;
    large_open(&at);
    fake_capture_run(&at.capture, &at.heap);
    uint64_t writes = at.capture.write_count;
    ok(at.capture.status == MM_OK && writes > 5, "a whole capture: %u writes", (unsigned)writes);
    is_u64(fail_each(&at, &at.capture.write_fail, &at.capture.write_count, MM_E_IO, true), writes,
           "each write may fail: its status is the answer, nothing is written after");
    scene_close(&at);
}

static void test_pages_fail(void) {
    scene at;
    large_open(&at);
    fake_capture_run(&at.capture, &at.heap);
    uint64_t maps = at.capture.map_count;
    ok(at.capture.status == MM_OK && maps > 2, "a whole capture: %u maps", (unsigned)maps);
    is_u64(fail_each(&at, &at.capture.map_fail, &at.capture.map_count, MM_E_NOMEM, false), maps,
           "memory may end at any time");
    scene_close(&at);
}

static void test_types_without_end(void) {
    scene at;
    fake_heap_init(&at.heap, 13, false, 24 << 20);
    fake_capture_init(&at.capture);
    uint64_t items[6000];
    for (size_t i = 0; i < MM_COUNTOF(items); i++) {
        uint64_t type = fake_type(&at.heap, "t", at.heap.types[MM_KIND_OBJECT], 64, 0, NULL);
        items[i] = fake_object(&at.heap, type, 64);
    }
    uint64_t list = fake_list(&at.heap, items, MM_COUNTOF(items));
    fake_capture_run(&at.capture, &at.heap);
    ok(at.capture.file_status == MM_OK && at.capture.file.type_count > MM_COUNTOF(items) &&
           mm_file_find(&at.capture.file, list) != MM_NONE,
       "more types than the first map holds");
    uint64_t maps = at.capture.map_count;
    is_u64(fail_each(&at, &at.capture.map_fail, &at.capture.map_count, MM_E_NOMEM, false), maps,
           "and no memory for a larger one");
    scene_close(&at);
}

static void *capture_in_thread(void *context) {
    scene *at = context;
    const mm_target *target = at->heap.target;
    at->capture.status =
        mm_capture(target, fake_capture_pages(&at->capture), fake_capture_sink(&at->capture),
                   &at->capture.options, &at->capture.result);
    return NULL;
}

// Capture on a stack of 64 KiB; answers the seconds of CPU it took: a busy machine changes them
// little.
static double run_on_small_stack(scene *at) {
    (void)fake_heap_target(&at->heap);
    pthread_attr_t attributes;
    pthread_t thread;
    struct timespec start;
    struct timespec end;
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    if (pthread_create(&thread, &attributes, capture_in_thread, at) != 0) {
        return -1;
    }
    (void)pthread_join(thread, NULL);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    (void)pthread_attr_destroy(&attributes);
    return (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
}

// `tracked`: the rings know every link; else each is known only through the one before it, which
// lies behind it in memory: (i, (i - 1, (i - 2, ...))), untracked by the collector.
static double test_chain(bool tracked, uint32_t count, const char *name) {
    scene at;
    fake_heap_init(&at.heap, 13, false, CHAIN_BYTES);
    fake_capture_init(&at.capture);
    uint64_t number = fake_int(&at.heap);
    uint64_t next = number;
    for (uint32_t i = 0; i < count; i++) {
        next = fake_tuple(&at.heap, &next, 1);
        if (tracked) {
            fake_track(&at.heap, next, i % MM_GENERATION_COUNT);
        }
    }
    (void)fake_list(&at.heap, &next, 1);
    double seconds = run_on_small_stack(&at);
    ok(seconds >= 0 && at.capture.status == MM_OK, "%s: a chain of %u on a small stack", name,
       count);
    diag("%s: %.0f ns a link", name, seconds * 1e9 / count);
    fake_capture_read(&at.capture);
    ok(at.capture.file_status == MM_OK && at.capture.file.reference_count >= count &&
           at.capture.result.object_count >= count,
       "%s: all of it", name);
    scene_close(&at);
    return seconds / count;
}

int main(void) {
    test_sink_fails();
    test_pages_fail();
    test_types_without_end();
    double tracked = test_chain(true, CHAIN, "tracked");
    double untracked = test_chain(false, CHAIN / 20, "untracked");
    // Were each link found by a sweep of its own, it would be a matter of thousands.
    ok(untracked < 50 * tracked, "a link is found in about the same time either way");
    return done_testing();
}
