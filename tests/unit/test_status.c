// What objects say of their own life, and what they have beside them: types of C with the names of
// the standard library's, which are believed only if they are laid out as their rows say.
#include "scene.h"

enum { STATE = 88, RESULT = 64, EXCEPTION = 48, LOOP = 16, FUTURE_BYTES = 128, FILE_BYTES = 48 };

static int traverse_nothing(void *object, fake_visit visit, void *context) {
    (void)object;
    (void)visit;
    (void)context;
    return 0;
}

static uint64_t library_type(scene *at, const char *name, uint64_t bytes) {
    return fake_type(&at->heap, name, at->heap.types[MM_KIND_OBJECT], bytes, FAKE_FLAG_COLLECTED,
                     traverse_nothing);
}

static uint64_t future_new(scene *at, uint64_t type, uint32_t state, bool result, bool exception) {
    uint64_t object = fake_object(&at->heap, type, 256);
    uint64_t value = fake_int(&at->heap);
    fake_put(object + LOOP, value);
    fake_put(object + RESULT, result ? value : 0);
    fake_put(object + EXCEPTION, exception ? value : 0);
    fake_put32(object + STATE, state);
    return fake_track(&at->heap, object, 0);
}

static void test_futures(unsigned minor) {
    scene at;
    scene_open(&at, minor, false);
    uint64_t type = library_type(&at, "_asyncio.Future", FUTURE_BYTES);
    uint64_t other = library_type(&at, "_asyncio.Future", FUTURE_BYTES + 8);
    uint64_t alike = library_type(&at, "my_asyncio.Future", FUTURE_BYTES);
    struct {
        uint64_t object;
        uint64_t status;
        const char *what;
    } rows[] = {
        {future_new(&at, type, 0, false, false), 0, "pending"},
        {future_new(&at, type, 1, false, false), MM_LIFE_FINISHED, "cancelled"},
        {future_new(&at, type, 2, true, false), MM_LIFE_FINISHED, "with a result"},
        {future_new(&at, type, 2, false, true), MM_LIFE_FINISHED, "with an exception"},
        {future_new(&at, type, 2, false, false), 0, "done without either"},
        {future_new(&at, type, 2, true, true), 0, "done with both"},
        {future_new(&at, type, 1, true, false), 0, "cancelled with a result"},
        {future_new(&at, type, 3, true, false), 0, "a state that does not exist"},
        {future_new(&at, other, 2, true, false), 0, "a type of another size"},
        {future_new(&at, alike, 2, true, false), 0, "a type of another name"},
    };
    uint64_t torn = future_new(&at, type, 2, true, false);
    fake_put(torn + 24, 0x10);
    scene_run(&at);
    for (size_t i = 0; i < MM_COUNTOF(rows); i++) {
        is_u64(fact(&at, rows[i].object, MM_FACT_STATUS), rows[i].status, "%s: a future, %s",
               at.label, rows[i].what);
    }
    is_u64(fact(&at, torn, MM_FACT_STATUS), 0,
           "%s: a future in which a number stands for an object", at.label);
    scene_close(&at);
}

static void test_closed(unsigned minor) {
    scene at;
    scene_open(&at, minor, false);
    // Without the member that its row compares with, a file says nothing.
    uint64_t file = fake_object(&at.heap, library_type(&at, "_io.FileIO", FILE_BYTES), 256);
    fake_put32(file + 16, UINT32_MAX);
    (void)fake_track(&at.heap, file, 0);
    uint64_t map_type = library_type(&at, "mmap.mmap", 80);
    uint64_t closed = fake_track(&at.heap, fake_object(&at.heap, map_type, 256), 0);
    uint64_t open = fake_object(&at.heap, map_type, 256);
    fake_put(open + 16, 0x1000);
    fake_put(open + 24, 12345);
    (void)fake_track(&at.heap, open, 0);
    scene_run(&at);
    is_u64(fact(&at, file, MM_FACT_STATUS), 0, "%s: a file of another layout", at.label);
    is_u64(fact(&at, closed, MM_FACT_STATUS), MM_LIFE_CLOSED, "%s: a closed map", at.label);
    is_u64(fact(&at, open, MM_FACT_STATUS), 0, "%s: a map in use", at.label);
    is_u64(mm_file_storage_of(&at.capture.file, dense(&at, open)), 12345, "%s: its bytes",
           at.label);
    is_u64(mm_file_storage_of(&at.capture.file, dense(&at, closed)), 0, "%s: none when closed",
           at.label);
    scene_close(&at);
}

static void test_generators(unsigned minor) {
    scene at;
    scene_open(&at, minor, false);
    static const int8_t states[] = {-1, 0, 1, 4};
    static const uint64_t expected[] = {0, MM_LIFE_OPEN, MM_LIFE_FINISHED, MM_LIFE_FINISHED};
    uint64_t code = fake_code(&at.heap, "f", 100, NULL, 0, 0);
    uint64_t generators[MM_COUNTOF(states)];
    for (size_t i = 0; i < MM_COUNTOF(states); i++) {
        uint64_t object = fake_object(&at.heap, at.heap.types[MM_KIND_GENERATOR], 512);
        fake_put8(object + fake_at(&at.heap, MM_AT_GEN_STATE), (uint8_t)states[i]);
        fake_iframe(&at.heap, object + fake_at(&at.heap, MM_AT_GEN_IFRAME), code, 0, NULL, 0);
        generators[i] = fake_track(&at.heap, object, 0);
    }
    scene_run(&at);
    for (size_t i = 0; i < MM_COUNTOF(states); i++) {
        is_u64(fact(&at, generators[i], MM_FACT_STATUS), expected[i], "%s: generator in state %d",
               at.label, states[i]);
    }
    scene_close(&at);
}

int main(void) {
    for (unsigned minor = 11; minor <= 13; minor++) {
        test_futures(minor);
        test_closed(minor);
        test_generators(minor);
    }
    return done_testing();
}
