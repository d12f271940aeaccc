// One fake heap, one capture of it, and questions about what was captured: what the tests of the
// walker share.
#ifndef MM_TESTS_SCENE_H
#define MM_TESTS_SCENE_H

#include <string.h>

#include "fake_heap.h"
#include "tap.h"

enum { HEAP_BYTES = 4 << 20 };

/// One heap and one capture of it.
typedef struct scene {
    fake_heap heap;
    fake_capture capture;
    const char *label;
} scene;

static inline void scene_open(scene *at, unsigned minor, bool odd) {
    static const char *const labels[] = {"3.11",     "3.12",     "3.13",
                                         "3.11 odd", "3.12 odd", "3.13 odd"};
    fake_heap_init(&at->heap, minor, odd, HEAP_BYTES);
    fake_capture_init(&at->capture);
    at->label = labels[minor - 11 + (odd ? 3 : 0)];
}

/// A test of one layout: a minor version, its fields at their places or at odd ones.
typedef void (*layout_test)(unsigned minor, bool odd);

/// Run each test on each layout.
static inline void each_version(const layout_test *tests, size_t count) {
    for (unsigned minor = 11; minor <= 13; minor++) {
        for (size_t i = 0; i < 2 * count; i++) {
            tests[i % count](minor, i >= count);
        }
    }
}

static inline void scene_run(scene *at) {
    fake_capture_run(&at->capture, &at->heap);
    ok(at->capture.status == MM_OK && at->capture.file_status == MM_OK, "%s: captured", at->label);
}

static inline void scene_close(scene *at) {
    fake_capture_deinit(&at->capture);
    fake_heap_deinit(&at->heap);
}

static inline uint32_t word_of(const scene *at, enum mm_at name) {
    return fake_at(&at->heap, name) / 8u;
}

static inline uint32_t body_word(const scene *at) {
    return at->heap.odd ? 4 : 3;
}

/// The references of an object, all of them, in order.
#define EXPECT(at, object, name, ...)                                                       \
    ok(fake_refers(&(at)->capture, (object), (const fake_reference[]){__VA_ARGS__},         \
                   sizeof((const fake_reference[]){__VA_ARGS__}) / sizeof(fake_reference)), \
       "%s: " name, (at)->label)
/// It has none.
#define EXPECT_NONE(at, object, name) \
    ok(fake_refers(&(at)->capture, (object), NULL, 0), "%s: " name, (at)->label)

static inline uint32_t dense(const scene *at, uint64_t address) {
    return at->capture.file_status == MM_OK ? mm_file_find(&at->capture.file, address) : MM_NONE;
}

static inline bool has_text(const scene *at, uint64_t address, const char *text) {
    uint32_t object = dense(at, address);
    const char *got = object == MM_NONE ? NULL : mm_file_text_of(&at->capture.file, object);
    return text == NULL ? got == NULL : got != NULL && strcmp(got, text) == 0;
}

static inline uint64_t fact(const scene *at, uint64_t address, mm_fact which) {
    uint64_t value = 0;
    uint32_t object = dense(at, address);
    bool found = object != MM_NONE && mm_file_fact_of(&at->capture.file, object, which, &value);
    return found ? value : 0;
}

static inline unsigned flags_of(const scene *at, uint64_t address) {
    uint32_t object = dense(at, address);
    return object == MM_NONE ? 0 : at->capture.file.object_flags[object];
}

#endif
