// Blocks of malloc that objects of C own: those whose address one object alone has, as a view that
// refers to the owner does not. Nothing of what only looks like a block is anybody's.
#include "scene.h"

enum { PAGE = 4096, SIZE = 512, CHUNKS = PAGE / SIZE, ARRAY_BYTES = 64, DATA = 24, MORE = 32 };

/// A scene with a list of objects of a type that nobody described.
typedef struct chunk_scene {
    scene at;
    uint64_t type;
    uint64_t arrays[4];
    uint64_t chunks;  ///< a heap of malloc: CHUNKS of one size each
    uint64_t mapping;
} chunk_scene;

static void chunk_open(chunk_scene *here, unsigned minor, bool odd) {
    scene_open(&here->at, minor, odd);
    fake_heap *heap = &here->at.heap;
    here->type = fake_type(heap, "Array", heap->types[MM_KIND_OBJECT], ARRAY_BYTES, 0, NULL);
    for (size_t i = 0; i < MM_COUNTOF(here->arrays); i++) {
        here->arrays[i] = fake_object(heap, here->type, ARRAY_BYTES);
    }
    fake_root(heap, MM_ROOT_MODULES, "modules",
              fake_list(heap, here->arrays, MM_COUNTOF(here->arrays)));
    here->chunks = fake_region(heap, PAGE, MM_REGION_WRITE);
    for (uint64_t i = 0; i < CHUNKS; i++) {
        fake_put(here->chunks + i * SIZE + 8, SIZE | 1);
    }
    here->mapping = fake_region(heap, 8 * PAGE, MM_REGION_WRITE);
    fake_put(here->mapping + 8, 8 * PAGE | 2);
}

static void chunk_close(chunk_scene *here) {
    scene_close(&here->at);
}

static uint64_t block_of_chunk(const chunk_scene *here, uint64_t number) {
    return here->chunks + number * SIZE + 16;
}

// What an array owns beside itself.
static uint64_t owned(const chunk_scene *here, size_t number) {
    uint32_t object = dense(&here->at, here->arrays[number]);
    return object == MM_NONE ? MM_UNKNOWN : mm_file_storage_of(&here->at.capture.file, object);
}

static void test_owned(unsigned minor, bool odd) {
    chunk_scene here;
    chunk_open(&here, minor, odd);
    fake_put(here.arrays[0] + DATA, block_of_chunk(&here, 1));
    fake_put(here.arrays[1] + DATA, block_of_chunk(&here, 2));
    fake_put(here.arrays[1] + MORE, block_of_chunk(&here, 4));
    fake_put(here.arrays[2] + MORE, here.mapping + 16);
    scene_run(&here.at);
    is_u64(owned(&here, 0), SIZE - 8, "%s: a block of a heap", here.at.label);
    is_u64(owned(&here, 1), UINT64_C(2) * (SIZE - 8), "%s: two of them", here.at.label);
    is_u64(owned(&here, 2), 8 * PAGE - 16, "%s: one of its own mapping", here.at.label);
    is_u64(owned(&here, 3), 0, "%s: none", here.at.label);
    chunk_close(&here);
}

static void test_shared(unsigned minor, bool odd) {
    chunk_scene here;
    chunk_open(&here, minor, odd);
    fake_put(here.arrays[0] + DATA, block_of_chunk(&here, 1));
    fake_put(here.arrays[1] + DATA, block_of_chunk(&here, 1));
    fake_put(here.arrays[2] + DATA, block_of_chunk(&here, 3));
    fake_put(here.arrays[3] + DATA, block_of_chunk(&here, 3));
    fake_put(here.arrays[2] + MORE, here.arrays[3]);
    scene_run(&here.at);
    is_u64(owned(&here, 0) + owned(&here, 1), 0, "%s: of two that share it nobody's",
           here.at.label);
    is_u64(owned(&here, 2), 0, "%s: a view does not own", here.at.label);
    is_u64(owned(&here, 3), SIZE - 8, "%s: what it is a view of does", here.at.label);
    chunk_close(&here);
}

static void test_nothing(unsigned minor, bool odd) {
    chunk_scene here;
    chunk_open(&here, minor, odd);
    fake_put(here.chunks + 4 * SIZE + 8, SIZE);  // chunk 3 is free
    fake_put(here.arrays[0] + DATA, block_of_chunk(&here, 3));
    fake_put(here.arrays[0] + MORE, block_of_chunk(&here, 1) + 16);
    fake_put(here.arrays[1] + DATA, block_of_chunk(&here, CHUNKS - 1));
    fake_put(here.arrays[1] + MORE, here.mapping + 32);
    fake_put(here.arrays[2] + DATA, here.arrays[3]);
    fake_put(here.arrays[2] + MORE, UINT64_MAX - 15);
    fake_put(here.arrays[3] + DATA, 16);
    scene_run(&here.at);
    is_u64(owned(&here, 0), 0, "%s: neither a free block nor the middle of one", here.at.label);
    is_u64(owned(&here, 1), 0, "%s: nor what was never handed out", here.at.label);
    is_u64(owned(&here, 2), 0, "%s: nor an object, nor nothing", here.at.label);
    is_u64(owned(&here, 3), 0, "%s: nor a number", here.at.label);
    chunk_close(&here);
}

static void test_no_heap(unsigned minor, bool odd) {
    chunk_scene here;
    chunk_open(&here, minor, odd);
    fake_put(here.chunks + 6 * SIZE + 8, 3 * SIZE | 1);  // the sizes do not lead to the end
    fake_put(here.mapping + 8, 9 * PAGE | 2);
    fake_put(here.arrays[0] + DATA, block_of_chunk(&here, 1));
    fake_put(here.arrays[1] + DATA, here.mapping + 16);
    uint64_t library = fake_region(&here.at.heap, 8 * PAGE, MM_REGION_WRITE | MM_REGION_EXTENSION);
    fake_put(library + 8, 8 * PAGE | 2);
    fake_put(here.arrays[2] + DATA, library + 16);
    scene_run(&here.at);
    is_u64(owned(&here, 0), 0, "%s: memory that is no heap", here.at.label);
    is_u64(owned(&here, 1), 0, "%s: a mapping that ends outside", here.at.label);
    is_u64(owned(&here, 2), 0, "%s: a library's data", here.at.label);
    chunk_close(&here);
}

int main(void) {
    static const layout_test tests[] = {test_owned, test_shared, test_nothing, test_no_heap};
    each_version(tests, MM_COUNTOF(tests));
    return done_testing();
}
