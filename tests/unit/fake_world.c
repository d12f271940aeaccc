// A heap with something of everything, for tests that break what is around it.
#include "fake_heap.h"

enum { CHAIN = 2000 };

// One word of the object, then what lies in a block elsewhere, then its type.
static int world_traverse(void *object, fake_visit visit, void *context) {
    uint64_t address = (uint64_t)(uintptr_t)object;
    uint64_t block = fake_get(address + 32);
    (void)visit((void *)(uintptr_t)fake_get(address + 40), context);
    for (unsigned i = 0; i < 3; i++) {
        (void)visit((void *)(uintptr_t)fake_get(block + 8 * i), context);
    }
    return 0;
}

static uint64_t world_classes(fake_heap *heap, uint64_t value) {
    static const char *const slots[] = {"left", "right"};
    static const char *const attributes[] = {"alpha", "beta", "gamma"};
    uint64_t base = fake_class(heap, "Base", heap->types[MM_KIND_OBJECT], slots, 2, attributes, 3);
    uint64_t derived =
        fake_class(heap, "Items", heap->types[MM_KIND_LIST], slots, 1, attributes, 2);
    uint64_t instances[40];
    for (unsigned i = 0; i < MM_COUNTOF(instances); i++) {
        instances[i] = fake_instance(heap, i % 2 == 0 ? base : derived);
        if (i % 3 == 0) {
            fake_attributes(heap, instances[i], (uint64_t[]){value, instances[i]}, 2);
        } else if (i % 3 == 1) {
            fake_attribute_dict(heap, instances[i],
                                fake_dict(heap, FAKE_GENERAL, &value, &instances[0], 1));
        }
    }
    return fake_list(heap, instances, MM_COUNTOF(instances));
}

static void world_frames(fake_heap *heap, uint64_t value) {
    static const uint8_t lines[] = {0x80 | 11 << 3 | 7, 1, 1, 0x80 | 12 << 3 | 7, 1, 1};
    uint64_t name = fake_str(heap, "local");
    uint64_t code = fake_code(heap, "f", 10, &name, 1, fake_bytes(heap, lines, sizeof lines));
    uint64_t generator = fake_object(heap, heap->types[MM_KIND_GENERATOR], 512);
    fake_put8(generator + fake_at(heap, MM_AT_GEN_STATE), (uint8_t)-1);
    fake_iframe(heap, generator + fake_at(heap, MM_AT_GEN_IFRAME), code, 3, &value, 1);
    fake_track(heap, generator, 0);
    uint64_t frame = fake_object(heap, heap->types[MM_KIND_FRAME], 512);
    uint64_t inside = frame + fake_at(heap, MM_AT_FRAME_INLINE);
    fake_set(heap, frame, MM_AT_FRAME_IFRAME, inside);
    fake_iframe(heap, inside, code, 9, &generator, 1);
    fake_track(heap, frame, 1);
    uint64_t running = fake_take(heap, 256);
    fake_iframe(heap, running, code, 4, &frame, 1);
    fake_run(heap, running);
}

static void world_modules(fake_heap *heap, uint64_t value) {
    uint64_t keys[] = {fake_str(heap, "__name__"), fake_str(heap, "token"), fake_str(heap, "f")};
    uint64_t name = fake_str(heap, "shop");
    uint64_t function = fake_object(heap, heap->types[MM_KIND_FUNCTION], 128);
    uint64_t values[] = {name, value, function};
    uint64_t dict = fake_dict(heap, FAKE_UNICODE, keys, values, 3);
    fake_set(heap, function, MM_AT_FUNCTION_GLOBALS, dict);
    fake_set(heap, function, MM_AT_FUNCTION_NAME, keys[2]);
    fake_track(heap, function, 2);
    uint64_t module = fake_object(heap, heap->types[MM_KIND_MODULE], 64);
    fake_set(heap, module, MM_AT_MODULE_DICT, dict);
    fake_set(heap, module, MM_AT_MODULE_NAME, name);
    fake_track(heap, module, 2);
    fake_root(heap, MM_ROOT_MODULES, "modules", dict);
    fake_root(heap, MM_ROOT_INTERPRETER, "nowhere", 0xdead0000);
    heap->static_dict = (mm_static_dict){heap->types[MM_KIND_DICT], dict, dict, 0, 0};
}

static void world_foreign(fake_heap *heap, uint64_t value) {
    uint64_t object_type = heap->types[MM_KIND_OBJECT];
    uint64_t deque = fake_type(heap, "deque", object_type, 64, FAKE_FLAG_COLLECTED, world_traverse);
    uint64_t lock = fake_type(heap, "lock", object_type, 64, 0, NULL);
    uint64_t block = fake_take(heap, 32);
    uint64_t foreign = fake_object(heap, deque, 64);
    uint64_t scanned = fake_object(heap, lock, 64);
    fake_put(block, value);
    fake_put(block + 8, foreign);
    fake_put(foreign + 32, block);
    fake_put(foreign + 40, scanned);
    fake_put(scanned + 48, foreign);
    fake_track(heap, foreign, 0);
    uint64_t weak = fake_object(heap, heap->types[MM_KIND_WEAKREF], 64);
    fake_set(heap, weak, MM_AT_WEAKREF_OBJECT, foreign);
    fake_track(heap, weak, 0);
}

uint64_t fake_world(fake_heap *heap) {
    static const uint32_t wide[] = {0x1f600, 'y'};
    uint64_t number = fake_int(heap);
    uint64_t text = fake_str_wide(heap, 4, true, wide, 2);
    uint64_t items[] = {number, text, 0, fake_str(heap, "hunter2")};
    uint64_t list = fake_list(heap, items, MM_COUNTOF(items));
    (void)fake_set_object(heap, (uint64_t[]){number, 0, text}, 3);
    (void)fake_dict(heap, FAKE_GENERAL, (uint64_t[]){number, text}, (uint64_t[]){list, text}, 2);
    (void)world_classes(heap, list);
    world_frames(heap, list);
    world_modules(heap, text);
    world_foreign(heap, list);
    uint64_t next = 0;
    for (unsigned i = 0; i < CHAIN; i++) {
        next = fake_tuple(heap, (uint64_t[]){number, next}, 2);
        if (i % 10 != 0) {
            fake_track(heap, next, i % MM_GENERATION_COUNT);
        }
    }
    return fake_list(heap, &next, 1);
}
