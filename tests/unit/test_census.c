// The census of the allocators, on pools and heaps of malloc that are made by hand: what no
// reference leads to is counted by type, what only looks like an allocator's memory is not.
#include "scene.h"

enum {
    POOL = 1 << 14,
    BLOCK_BYTES = 256,
    BLOCK_CLASS = BLOCK_BYTES / 16 - 1,
    HEAD = 48,
    CAPACITY = (POOL - HEAD) / BLOCK_BYTES,
    PAGE = 4096
};

/// A scene with what the heap leads to: a list with a str, a tuple and a type of no object.
typedef struct census_scene {
    scene at;
    uint64_t str_type;
    uint64_t tuple_type;
    uint64_t token_type;
} census_scene;

static void census_open(census_scene *here, unsigned minor, bool odd) {
    scene_open(&here->at, minor, odd);
    fake_heap *heap = &here->at.heap;
    here->str_type = heap->types[MM_KIND_STR];
    here->tuple_type = heap->types[MM_KIND_TUPLE];
    uint64_t text = fake_str(heap, "known");
    here->token_type = fake_type(heap, "Token", heap->types[MM_KIND_OBJECT], 64, 0, NULL);
    uint64_t items[] = {text, fake_tuple(heap, &text, 1), here->token_type};
    fake_root(heap, MM_ROOT_MODULES, "modules", fake_list(heap, items, MM_COUNTOF(items)));
    here->at.capture.options.census = true;
}

static void census_close(census_scene *here) {
    scene_close(&here->at);
}

// A pool of blocks, all of them handed out but for those behind `used`.
static uint64_t pool_new(census_scene *here, uint64_t used) {
    uint64_t region = fake_region(&here->at.heap, 2 * POOL, MM_REGION_WRITE);
    uint64_t pool = (region + POOL - 1) & ~(uint64_t)(POOL - 1);
    fake_put32(pool, (uint32_t)used);
    fake_put32(pool + 36, BLOCK_CLASS);
    fake_put32(pool + 40, (uint32_t)(HEAD + used * BLOCK_BYTES));
    fake_put32(pool + 44, POOL - BLOCK_BYTES);
    return pool;
}

static uint64_t block_at(uint64_t pool, uint64_t number) {
    return pool + HEAD + number * BLOCK_BYTES;
}

static void block_free(uint64_t pool, uint64_t number) {
    uint64_t block = block_at(pool, number);
    fake_put(block, fake_get(pool + 8));
    fake_put(pool + 8, block);
    uint32_t used = (uint32_t)fake_get(pool);
    fake_put32(pool, used - 1);
}

// An object at the distance from the begin of its block that its type asks for.
static uint64_t object_in(const census_scene *here, uint64_t block, uint64_t type) {
    uint64_t flags = fake_get(type + fake_at(&here->at.heap, MM_AT_TYPE_FLAGS));
    uint64_t object = block + ((flags & FAKE_FLAG_COLLECTED) != 0 ? 16 : 0);
    fake_header(&here->at.heap, object, type);
    return object;
}

// What the file says of a type; all zero if nothing.
static mm_file_census_type said(const census_scene *here, uint64_t type) {
    const mm_file *file = &here->at.capture.file;
    mm_file_census_type none = {0};
    for (uint32_t i = 0; i < file->census_type_count; i++) {
        uint32_t object = file->types[file->census_types[i].type].object;
        if (object != MM_NONE && file->address[object] == type) {
            return file->census_types[i];
        }
    }
    return none;
}

// Blocks in use, free or raw of a size; `which` 0 to 2.
static uint64_t sized(const census_scene *here, uint64_t size_bytes, int which) {
    const mm_file *file = &here->at.capture.file;
    for (uint32_t i = 0; which < 2 && i < file->census_size_count; i++) {
        if (file->census_sizes[i].size_bytes == size_bytes) {
            return which == 0 ? file->census_sizes[i].used : file->census_sizes[i].free;
        }
    }
    for (uint32_t i = 0; which == 2 && i < file->census_raw_count; i++) {
        if (file->census_raws[i].size_bytes == size_bytes) {
            return file->census_raws[i].blocks;
        }
    }
    return 0;
}

static void test_pool(unsigned minor, bool odd) {
    census_scene here;
    census_open(&here, minor, odd);
    const char *label = here.at.label;
    uint64_t pool = pool_new(&here, 9);
    for (uint64_t i = 0; i < 4; i++) {
        (void)object_in(&here, block_at(pool, i), here.str_type);
    }
    uint64_t known = object_in(&here, block_at(pool, 4), here.str_type);
    fake_root(&here.at.heap, MM_ROOT_BUILTINS, "builtins", known);
    (void)object_in(&here, block_at(pool, 5), here.token_type);
    block_free(pool, 1);
    fake_put(block_at(pool, 6), 4711);
    uint64_t nobody = object_in(&here, block_at(pool, 7), here.str_type);
    fake_set(&here.at.heap, nobody, MM_AT_OB_REFCNT, 0);
    fake_header(&here.at.heap, block_at(pool, 8) + 32, here.str_type);
    scene_run(&here.at);
    mm_file_census_type text = said(&here, here.str_type);
    is_u64(text.blocks, 3, "%s: strings that nothing leads to", label);
    is_u64(text.bytes, UINT64_C(3) * BLOCK_BYTES, "%s: with the bytes of their blocks", label);
    is_u64(text.loose, 3, "%s: and nobody explains their references", label);
    is_u64(said(&here, here.token_type).blocks, 1, "%s: one of a type without objects", label);
    is_u64(sized(&here, BLOCK_BYTES, 0), 8, "%s: blocks in use", label);
    is_u64(sized(&here, BLOCK_BYTES, 1), CAPACITY - 8, "%s: blocks free", label);
    is_u64(sized(&here, BLOCK_BYTES, 2), 3,
           "%s: raw are what is no object, was one, or stands at a wrong place", label);
    census_close(&here);
}

static void test_content(unsigned minor, bool odd) {
    census_scene here;
    census_open(&here, minor, odd);
    const fake_heap *heap = &here.at.heap;
    uint64_t pool = pool_new(&here, 3);
    uint64_t tuple = object_in(&here, block_at(pool, 0), here.tuple_type);
    uint64_t text = object_in(&here, block_at(pool, 1), here.str_type);
    uint64_t other = object_in(&here, block_at(pool, 2), here.str_type);
    fake_set(heap, tuple, MM_AT_OB_SIZE, 2);
    fake_put(tuple + fake_at(heap, MM_AT_TUPLE_ITEMS), text);
    fake_put(tuple + fake_at(heap, MM_AT_TUPLE_ITEMS) + 8, other);
    fake_set(heap, other, MM_AT_OB_REFCNT, 2);
    scene_run(&here.at);
    is_u64(said(&here, here.tuple_type).loose, 1, "%s: the tuple is loose", here.at.label);
    is_u64(said(&here, here.str_type).blocks, 2, "%s: its items are counted", here.at.label);
    is_u64(said(&here, here.str_type).loose, 1, "%s: one is explained by it", here.at.label);
    census_close(&here);
}

// What a pool's header says wrong.
typedef void (*damage)(uint64_t pool);

static void too_many(uint64_t pool) {
    fake_put32(pool, 5);
}
static void no_such_class(uint64_t pool) {
    fake_put32(pool + 36, 32);
}
static void other_end(uint64_t pool) {
    fake_put32(pool + 44, POOL - BLOCK_BYTES - 16);
}
static void between_blocks(uint64_t pool) {
    fake_put32(pool + 40, HEAD + 4 * BLOCK_BYTES + 8);
}
static void chain_outside(uint64_t pool) {
    block_free(pool, 2);
    fake_put(block_at(pool, 2), pool + 2 * POOL);
}
static void chain_inside_a_block(uint64_t pool) {
    fake_put32(pool, 3);
    fake_put(pool + 8, block_at(pool, 2) + 8);
}
static void chain_is_a_ring(uint64_t pool) {
    block_free(pool, 2);
    block_free(pool, 3);
    fake_put(block_at(pool, 2), block_at(pool, 3));
}
static void empty(uint64_t pool) {
    fake_put32(pool, 0);
}

static void test_damage(unsigned minor, bool odd) {
    static const struct {
        damage make;
        const char *what;
    } damages[] = {
        {too_many, "more in use than there are"},
        {no_such_class, "an unknown size class"},
        {other_end, "another end than the size has"},
        {between_blocks, "a border inside a block"},
        {chain_outside, "a chain that leads outside"},
        {chain_inside_a_block, "a chain into a block"},
        {chain_is_a_ring, "a chain without an end"},
        {empty, "a pool without a block in use"},
    };
    for (size_t i = 0; i < MM_COUNTOF(damages); i++) {
        census_scene here;
        census_open(&here, minor, odd);
        uint64_t pool = pool_new(&here, 4);
        for (uint64_t n = 0; n < 4; n++) {
            (void)object_in(&here, block_at(pool, n), here.str_type);
        }
        damages[i].make(pool);
        scene_run(&here.at);
        is_u64(here.at.capture.file.census_type_count, 0, "%s: no pool: %s", here.at.label,
               damages[i].what);
        census_close(&here);
    }
}

// Chunks of 256 bytes from `at` to `end`; every third one is free.
static void heap_fill(census_scene *here, uint64_t at, uint64_t end, uint64_t first_flag) {
    uint64_t flag = first_flag;
    for (uint64_t number = 0; at < end; number++, at += BLOCK_BYTES) {
        fake_put(at + 8, BLOCK_BYTES | flag);
        flag = number % 3 != 2;
        (void)object_in(here, at + 16, here->str_type);
    }
}

static void test_heap(unsigned minor, bool odd) {
    census_scene here;
    census_open(&here, minor, odd);
    uint64_t heap = fake_region(&here.at.heap, 2 * PAGE, MM_REGION_WRITE);
    for (uint32_t i = 0; i < here.at.heap.region_count; i++) {
        // What stands before a heap need not end at a page.
        here.at.heap.regions[i].start += here.at.heap.regions[i].start == heap ? 4001 : 0;
    }
    heap_fill(&here, heap + PAGE, heap + 2 * PAGE, 1);
    uint64_t torn = fake_region(&here.at.heap, PAGE, MM_REGION_WRITE);
    heap_fill(&here, torn, torn + PAGE, 1);
    fake_put(torn + 15 * BLOCK_BYTES + 8, 24 | 1);
    scene_run(&here.at);
    // Sixteen chunks: the last was never handed out, five of the others are free.
    is_u64(said(&here, here.str_type).blocks, 10, "%s: chunks in use, of a whole heap",
           here.at.label);
    is_u64(sized(&here, BLOCK_BYTES, 1), 5, "%s: and free ones", here.at.label);
    census_close(&here);
}

static void test_mapping(unsigned minor, bool odd) {
    census_scene here;
    census_open(&here, minor, odd);
    uint64_t region = fake_region(&here.at.heap, 32 * PAGE, MM_REGION_WRITE);
    fake_put(region + PAGE + 8, 8 * PAGE | 2);
    (void)object_in(&here, region + PAGE + 16, here.token_type);
    fake_put(region + 9 * PAGE + 8, 40 * PAGE | 2);
    (void)object_in(&here, region + 9 * PAGE + 16, here.token_type);
    uint64_t library = fake_region(&here.at.heap, 8 * PAGE, MM_REGION_WRITE | MM_REGION_EXTENSION);
    fake_put(library + 8, 8 * PAGE | 2);
    (void)object_in(&here, library + 16, here.token_type);
    scene_run(&here.at);
    is_u64(said(&here, here.token_type).blocks, 1,
           "%s: a block of its own mapping, none that ends outside or is in a file's data",
           here.at.label);
    is_u64(said(&here, here.token_type).bytes, 8 * PAGE - 16, "%s: its bytes", here.at.label);
    census_close(&here);
}

static void test_not_asked(void) {
    census_scene here;
    census_open(&here, 12, false);
    uint64_t pool = pool_new(&here, 1);
    (void)object_in(&here, block_at(pool, 0), here.str_type);
    here.at.capture.options.census = false;
    scene_run(&here.at);
    is_u64(here.at.capture.file.census_type_count, 0, "no census that was not asked for");
    is_u64(here.at.capture.file.census_size_count, 0, "no sizes either");
    census_close(&here);
}

int main(void) {
    static const layout_test tests[] = {test_pool, test_content, test_damage, test_heap,
                                        test_mapping};
    each_version(tests, MM_COUNTOF(tests));
    test_not_asked();
    return done_testing();
}
