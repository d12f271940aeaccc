// The walker where memory lies: half-built objects, pointers into nowhere, types that are none, and
// doors that fail. Around everything the heap owns stand pages that nobody may read, so that one
// stray look ends this program.
#include "scene.h"

enum { BLOCK = 1 << 20, PAGE = 4096, KINDS = MM_KIND_COUNT, ROUNDS = 60, MUTATIONS = 40 };

static uint64_t random_next(uint64_t *state) {
    uint64_t x = *state += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

// Is a status one that broken memory may have, with a file that can be read when it says so?
static bool is_calm(const fake_capture *capture) {
    return (capture->status == MM_OK && capture->file_status == MM_OK) ||
           capture->status == MM_E_TARGET || capture->status == MM_E_BUSY;
}

static void again(scene *at) {
    fake_capture_deinit(&at->capture);
    fake_capture_init(&at->capture);
    fake_capture_run(&at->capture, &at->heap);
}

static void test_nowhere(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    fake_heap *heap = &at.heap;
    uint64_t end = heap->end;
    uint64_t a = fake_int(heap);
    uint64_t far[] = {end - 8,           end, end + PAGE, a + 4, UINT64_MAX, UINT64_MAX - 7,
                      (uint64_t)1 << 47, 8,   a};
    uint64_t list = fake_list(heap, far, MM_COUNTOF(far));
    uint64_t set = fake_set_object(heap, (uint64_t[]){end + PAGE, a}, 2);
    uint64_t values[] = {a, 0x10};
    uint64_t dict = fake_dict(heap, FAKE_GENERAL, (uint64_t[]){end, a}, values, 2);
    scene_run(&at);
    EXPECT(&at, list, "what leads nowhere is left out", {0, 8, a});
    EXPECT(&at, set, "in a set", {MM_NAME_MEMBER, 0, a});
    ok(dense(&at, dict) != MM_NONE, "%s: and in a dict", at.label);
    is_u64(at.capture.result.unreadable_count, 8 + 1 + 2, "%s: each is counted", at.label);
    scene_close(&at);
}

static void test_half_built(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    fake_heap *heap = &at.heap;
    uint64_t a = fake_int(heap);
    uint64_t list = fake_list(heap, &a, 1);
    fake_set(heap, list, MM_AT_LIST_ITEMS, 0);
    uint64_t huge = fake_list(heap, &a, 1);
    fake_set(heap, huge, MM_AT_OB_SIZE, (uint64_t)1 << 62);
    uint64_t minus = fake_tuple(heap, &a, 1);
    fake_set(heap, minus, MM_AT_OB_SIZE, UINT64_MAX);
    fake_track(heap, minus, 0);
    uint64_t dict = fake_dict(heap, FAKE_UNICODE, &a, &a, 1);
    fake_set(heap, dict, MM_AT_DICT_KEYS, 0);
    uint64_t other = fake_dict(heap, FAKE_UNICODE, &a, &a, 1);
    fake_set(heap, fake_get(other + fake_at(heap, MM_AT_DICT_KEYS)), MM_AT_KEYS_NENTRIES,
             UINT64_MAX);
    uint64_t index = fake_dict(heap, FAKE_UNICODE, &a, &a, 1);
    fake_put8(fake_get(index + fake_at(heap, MM_AT_DICT_KEYS)) +
                  fake_at(heap, MM_AT_KEYS_LOG2_INDEX_BYTES),
              255);
    uint64_t set = fake_set_object(heap, &a, 1);
    fake_set(heap, set, MM_AT_SET_MASK, UINT64_MAX);
    uint64_t counted = fake_tuple(heap, &a, 1);
    fake_set(heap, counted, MM_AT_OB_REFCNT, minor == 11 ? 12345678 : 0x7ffffffe);
    uint64_t immortal = fake_tuple(heap, &a, 1);
    fake_set(heap, immortal, MM_AT_OB_REFCNT, minor == 11 ? 999999999 : 0xffffffff);
    fake_list(heap, (uint64_t[]){counted, immortal}, 2);
    scene_run(&at);
    EXPECT_NONE(&at, list, "a list without its items");
    EXPECT_NONE(&at, huge, "a list of 2^62");
    EXPECT_NONE(&at, minus, "a tuple of -1");
    EXPECT_NONE(&at, dict, "a dict without keys");
    EXPECT_NONE(&at, other, "a dict of too many entries");
    EXPECT_NONE(&at, index, "a dict with an impossible index");
    ok(dense(&at, set) != MM_NONE, "%s: a set of 2^64", at.label);
    ok(at.capture.file_status == MM_OK &&
           at.capture.file.refcount[dense(&at, counted)] == (minor == 11 ? 12345678 : 0x7ffffffe) &&
           at.capture.file.refcount[dense(&at, immortal)] == MM_NONE,
       "%s: large counts and none", at.label);
    scene_close(&at);
}

static void test_types_that_are_none(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    fake_heap *heap = &at.heap;
    uint64_t text = fake_text(heap, "no type");
    uint64_t unready = fake_type(heap, "unready", 0, 0, 0, NULL);
    uint64_t typeless = fake_type(heap, "typeless", 0, 64, 0, NULL);
    fake_set(heap, typeless, MM_AT_OB_TYPE, 0);
    uint64_t nameless = fake_type(heap, "nameless", heap->types[MM_KIND_OBJECT], 64, 0, NULL);
    fake_set(heap, nameless, MM_AT_TYPE_NAME, 0);
    uint64_t latin = fake_type(heap, "caf\xe9", heap->types[MM_KIND_OBJECT], 64, 0, NULL);
    uint64_t types[] = {0,        text,           text + 1, 0xdead0000, heap->end - 16,
                        typeless, fake_int(heap), unready,  nameless,   latin};
    uint64_t objects[MM_COUNTOF(types) + 1];
    for (size_t i = 0; i < MM_COUNTOF(types); i++) {
        objects[i] = fake_object(heap, types[i], 64);
    }
    uint64_t self = fake_object(heap, 0, 512);
    fake_set(heap, self, MM_AT_OB_TYPE, self);
    objects[MM_COUNTOF(types)] = self;
    uint64_t list = fake_list(heap, objects, MM_COUNTOF(objects));
    scene_run(&at);
    ok(dense(&at, list) != MM_NONE, "%s: the list", at.label);
    for (size_t i = 0; i < MM_COUNTOF(objects); i++) {
        uint32_t object = dense(&at, objects[i]);
        bool unknown = i < 7 || i == MM_COUNTOF(types);
        ok(object != MM_NONE && (at.capture.file.type[object] == 0) == unknown,
           "%s: an object whose type is %s, number %zu", at.label, unknown ? "none" : "odd", i);
    }
    scene_close(&at);
}

static void test_borders(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    fake_heap *heap = &at.heap;
    uint64_t border = (heap->at + BLOCK - 1) & ~(uint64_t)(BLOCK - 1);
    heap->at = border + PAGE;
    uint64_t first = fake_at(heap, MM_AT_TUPLE_ITEMS);
    uint64_t places[] = {border - 8, border - 16 - 512, border - 1016, border + 512, border + 1048};
    for (size_t i = 0; i < MM_COUNTOF(places); i++) {
        fake_header(heap, places[i], heap->types[MM_KIND_TUPLE]);
        fake_set(heap, places[i], MM_AT_OB_SIZE, 1);
        fake_put(places[i] + first, places[(i + 1) % MM_COUNTOF(places)]);
    }
    uint64_t last = heap->end - 16;
    fake_header(heap, last, heap->types[MM_KIND_OBJECT]);
    uint64_t list = fake_list(heap, (uint64_t[]){places[0], last}, 2);
    scene_run(&at);
    for (size_t i = 0; i < MM_COUNTOF(places); i++) {
        EXPECT(&at, places[i], "across a border, or 8 beside 16",
               {0, 0, places[(i + 1) % MM_COUNTOF(places)]});
    }
    EXPECT(&at, list, "the last 16 bytes are an object", {0, 0, places[0]}, {0, 1, last});
    ok((flags_of(&at, last) & MM_OBJECT_OPAQUE) == 0, "%s: and a whole one", at.label);
    scene_close(&at);
}

// A short str is smaller than its type's basic size: it may be the last thing in a region.
static void test_str_at_border(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    fake_heap *heap = &at.heap;
    uint64_t header = fake_at(heap, MM_AT_STR_ASCII_SIZEOF);
    uint64_t model = fake_str(heap, "edge");
    uint64_t str = heap->end - ((header + 5 + 7) & ~(uint64_t)7);
    memcpy((void *)(uintptr_t)str, (void *)(uintptr_t)model, header + 5);
    fake_list(heap, &str, 1);
    at.capture.options.extra_text = str;
    scene_run(&at);
    ok((flags_of(&at, str) & MM_OBJECT_OPAQUE) == 0, "%s: a str at the border is whole", at.label);
    ok(has_text(&at, str, "edge"), "%s: with its text", at.label);
    uint32_t object = dense(&at, str);
    is_u64(object == MM_NONE ? 0 : mm_file_size_of(&at.capture.file, object), header + 5,
           "%s: and its size", at.label);
    scene_close(&at);
}

// A static type is smaller than what `type` says its objects are: it may end a library's data.
static void test_static_type_at_border(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    fake_heap *heap = &at.heap;
    uint64_t bytes = fake_at(heap, MM_AT_TYPE_SIZEOF);
    uint64_t model = fake_type(heap, "edge", heap->types[MM_KIND_OBJECT], 16, 0, NULL);
    uint64_t type = heap->end - bytes;
    memcpy((void *)(uintptr_t)type, (void *)(uintptr_t)model, bytes);
    uint64_t object = fake_object(heap, type, 64);
    fake_list(heap, &object, 1);
    scene_run(&at);
    EXPECT(
        &at, type, "a static type at the border",
        {MM_NAME_WORD | MM_REF_HIDDEN, word_of(&at, MM_AT_TYPE_BASE), heap->types[MM_KIND_OBJECT]});
    scene_close(&at);
}

static uint64_t hostile_word(uint64_t *random, const uint64_t *friends, size_t count) {
    uint64_t pick = friends[random_next(random) % count];
    switch (random_next(random) % 10) {
        case 0:
            return 0;
        case 1:
            return random_next(random) % 64;
        case 2:
            return UINT64_MAX - random_next(random) % 16;
        case 3:
            return pick + random_next(random) % 16;
        case 4:
            return (pick & ~(uint64_t)(PAGE - 1)) + PAGE - 8 * (random_next(random) % 4);
        case 5:
            return random_next(random);
        case 6:
            return 0xdead0000;
        case 7:
            return (uint64_t)1 << random_next(random) % 64;
        default:
            return pick;
    }
}

// Objects of every kind of which only the first bytes can be read, full of nonsense.
static void test_cut_off(unsigned minor, bool odd) {
    static const char *const slots[] = {"left", "right"};
    static const char *const attributes[] = {"alpha"};
    scene at;
    scene_open(&at, minor, odd);
    fake_heap *heap = &at.heap;
    uint64_t types[KINDS + 6];
    uint64_t ends[KINDS + 6];
    size_t count = 0;
    for (uint32_t i = 0; i < KINDS; i++) {
        if (heap->types[i] != 0) {
            types[count++] = heap->types[i];
        }
    }
    uint64_t object = heap->types[MM_KIND_OBJECT];
    types[count++] = fake_class(heap, "A", object, slots, 2, attributes, 1);
    types[count++] = fake_class(heap, "B", heap->types[MM_KIND_LIST], slots, 2, attributes, 1);
    types[count++] = fake_class(heap, "M", heap->types[MM_KIND_TYPE], slots, 2, attributes, 1);
    fake_set(heap, types[count - 1], MM_AT_TYPE_FLAGS,
             FAKE_FLAG_HEAP | FAKE_FLAG_COLLECTED | 1u << 31);
    types[count++] = fake_type(heap, "unready", heap->types[MM_KIND_DICT], 0, 0, NULL);
    types[count++] = fake_type(heap, "short", object, 16, 0, NULL);
    fake_set(heap, types[count - 1], MM_AT_TYPE_ITEMSIZE, 8);
    types[count] = fake_class(heap, "C", types[count - 1], NULL, 0, NULL, 0);
    count++;
    fake_set(heap, types[count - 1], MM_AT_TYPE_DICTOFFSET, (uint64_t)-8);
    uint64_t cut[KINDS + 6];
    for (size_t i = 0; i < count; i++) {
        ends[i] = fake_region(heap, PAGE, MM_REGION_WRITE) + PAGE;
    }
    uint64_t list = fake_list(heap, ends, count);
    uint64_t items = fake_get(list + fake_at(heap, MM_AT_LIST_ITEMS));
    uint64_t random = minor * 2 + odd;
    unsigned calm = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < count; i++) {
            uint64_t readable = round == 0 ? 16 : 16 + 8 * (random_next(&random) % 70);
            cut[i] = ends[i] - readable;
            for (uint64_t place = cut[i]; place < ends[i]; place += 8) {
                fake_put(place, hostile_word(&random, i == 0 ? types : cut, i == 0 ? count : i));
            }
            fake_header(heap, cut[i], types[i]);
            fake_put(items + 8 * i, cut[i]);
        }
        heap->target_flags = 0;
        again(&at);
        calm += is_calm(&at.capture);
    }
    is_u64(calm, ROUNDS, "%s: objects of which only a part is there", at.label);
    scene_close(&at);
}

// Random words of a whole heap, its types and key tables too, are overwritten.
static void test_mutations(unsigned minor, bool odd) {
    uint64_t random = 77 * minor + odd;
    unsigned calm = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        scene at;
        scene_open(&at, minor, odd);
        uint64_t world = fake_world(&at.heap);
        // What the target vouches for stays as it is: the types of the known kinds.
        uint64_t first = at.heap.types[MM_KIND_LEAF] + 1024;
        uint64_t friends[] = {first,
                              world,
                              at.heap.types[MM_KIND_DICT],
                              at.heap.at,
                              at.heap.types[MM_KIND_TYPE],
                              world - 4096};
        at.heap.target_flags = 0;
        for (unsigned i = 0; i < MUTATIONS; i++) {
            // Half of them among the classes and the first objects.
            uint64_t span = i % 2 == 0 ? at.heap.at - first : 8192;
            uint64_t place = first + (random_next(&random) % span & ~(uint64_t)7);
            fake_put(place, hostile_word(&random, friends, MM_COUNTOF(friends)));
        }
        fake_capture_run(&at.capture, &at.heap);
        calm += is_calm(&at.capture);
        if (!is_calm(&at.capture)) {
            diag("round %u: status %d, file %d", round, at.capture.status, at.capture.file_status);
        }
        scene_close(&at);
    }
    is_u64(calm, ROUNDS, "%u%s: a heap with overwritten words", minor, odd ? " odd" : "");
}

static void test_rings(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    fake_heap *heap = &at.heap;
    uint64_t a = fake_int(heap);
    uint64_t lists[] = {fake_list(heap, &a, 1), fake_list(heap, &a, 1), fake_list(heap, &a, 1)};
    uint64_t good = fake_get(lists[1] - 16);
    const uint64_t bad[] = {lists[0] - 16, lists[1] - 16, 0, 0xdead0000, good + 4, heap->end - 16};
    for (size_t i = 0; i < MM_COUNTOF(bad); i++) {
        fake_put(lists[1] - 16, bad[i]);
        again(&at);
        ok(at.capture.status == MM_E_TARGET, "%s: torn ring %zu", at.label, i);
    }
    fake_put(lists[1] - 16, good | 1);
    again(&at);
    ok(at.capture.status == MM_OK, "%s: a flag in the word is no tear", at.label);
    fake_put32(heap->collecting, 1);
    again(&at);
    ok(at.capture.status == MM_E_BUSY && at.capture.count == 0,
       "%s: inside a collection nothing is written", at.label);
    heap->collecting = 0xdead0000;
    again(&at);
    ok(at.capture.status == MM_OK, "%s: a flag that cannot be read says nothing", at.label);
    fake_put(heap->head[1], 0);
    again(&at);
    ok(at.capture.status == MM_E_TARGET, "%s: a head that leads nowhere", at.label);
    heap->head[1] = 0;
    again(&at);
    ok(at.capture.status == MM_OK, "%s: a generation that is not there", at.label);
    scene_close(&at);
}

// A seam between regions that differ in nothing that matters changes nothing.
static void test_seams(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    fake_heap *heap = &at.heap;
    (void)fake_world(heap);
    fake_capture_run(&at.capture, heap);
    fake_capture other;
    uint32_t main_region = 0;
    while (heap->regions[main_region].end != heap->end) {
        main_region++;
    }
    mm_region whole = heap->regions[main_region];
    unsigned same = 0;
    for (unsigned i = 1; i < 20; i++) {
        uint64_t seam = whole.start + i * (whole.end - whole.start) / 200 / 8 * 8;
        uint32_t count = heap->region_count;
        memmove(&heap->regions[main_region + 2], &heap->regions[main_region + 1],
                (count - main_region - 1) * sizeof whole);
        heap->regions[main_region].end = seam;
        heap->regions[main_region + 1] = (mm_region){seam, whole.end, MM_REGION_STACK, 0};
        heap->region_count++;
        fake_capture_init(&other);
        fake_capture_run(&other, heap);
        same += other.count == at.capture.count &&
                memcmp(other.bytes, at.capture.bytes, other.count) == 0;
        fake_capture_deinit(&other);
        memmove(&heap->regions[main_region + 1], &heap->regions[main_region + 2],
                (count - main_region - 1) * sizeof whole);
        heap->regions[main_region].end = whole.end;
        heap->region_count--;
    }
    is_u64(same, 19, "%s: seams between regions", at.label);
    scene_close(&at);
}

// The metaclass cannot be walked, so nobody visited what its classes hold.
static void test_opaque_metaclass(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    fake_heap *heap = &at.heap;
    uint64_t meta = fake_class(heap, "Meta", heap->types[MM_KIND_TYPE], NULL, 0, NULL, 0);
    fake_set(heap, meta, MM_AT_TYPE_FLAGS, FAKE_FLAG_HEAP | FAKE_FLAG_COLLECTED | 1u << 31);
    uint64_t type = fake_class(heap, "Exam", heap->types[MM_KIND_OBJECT], NULL, 0, NULL, 0);
    fake_header(heap, type, meta);
    uint64_t unseen = fake_type(heap, "unseen", heap->types[MM_KIND_OBJECT], 16, 0, NULL);
    uint64_t value = fake_object(heap, unseen, 64);
    uint64_t key = fake_str(heap, "__module__");
    uint64_t dict = fake_dict(heap, FAKE_UNICODE, &key, &value, 1);
    uint64_t header = dict - 16;  // not in a ring: only the class knows it
    fake_put(fake_get(header + 8), fake_get(header));
    fake_put(fake_get(header) + 8, fake_get(header + 8));
    fake_set(heap, type, MM_AT_TYPE_DICT, dict);
    fake_instance(heap, type);
    heap->opaque[heap->opaque_count++] = meta;
    scene_run(&at);
    ok((flags_of(&at, type) & MM_OBJECT_OPAQUE) != 0, "%s: a class that cannot be walked",
       at.label);
    scene_close(&at);
}

int main(void) {
    static const layout_test tests[] = {
        test_nowhere, test_half_built,    test_types_that_are_none,
        test_borders, test_str_at_border, test_static_type_at_border,
        test_rings,   test_seams,         test_opaque_metaclass,
        test_cut_off, test_mutations,
    };
    each_version(tests, MM_COUNTOF(tests));
    return done_testing();
}
