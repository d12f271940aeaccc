// Types that nobody described: asked through their own tp_traverse, named by the words of the
// object, or, where there is nothing to ask, scanned word by word.
#include "scene.h"

enum { WORDS = 6 };

/// What the traverse functions below share with the test that runs them.
static struct {
    volatile mm_capture_note *note;
    uint64_t noted_type;
    unsigned calls;
    uint64_t outside[3];
} shared;

// Visits the words 4 to 9 of the object, then what lies out of line, then the type.
static int traverse_words(void *object, fake_visit visit, void *context) {
    uint64_t address = (uint64_t)(uintptr_t)object;
    shared.calls++;
    shared.noted_type = shared.note == NULL ? 0 : shared.note->type;
    for (unsigned i = 0; i < WORDS; i++) {
        if (fake_get(address + 32 + 8 * i) != 0) {
            (void)visit((void *)(uintptr_t)fake_get(address + 32 + 8 * i), context);
        }
    }
    for (size_t i = 0; i < MM_COUNTOF(shared.outside); i++) {
        (void)visit((void *)(uintptr_t)shared.outside[i], context);
    }
    return 0;
}

static int traverse_out_of_line(void *object, fake_visit visit, void *context) {
    (void)object;
    for (size_t i = 0; i < MM_COUNTOF(shared.outside); i++) {
        (void)visit((void *)(uintptr_t)shared.outside[i], context);
    }
    return 0;
}

static uint64_t foreign_new(scene *at, uint64_t type, const uint64_t *words, size_t count,
                            bool tracked) {
    uint64_t object = fake_object(&at->heap, type, 256);
    for (size_t i = 0; i < count; i++) {
        fake_put(object + 32 + 8 * i, words[i]);
    }
    return tracked ? fake_track(&at->heap, object, 0) : object;
}

static uint64_t foreign_type(scene *at, const char *name, fake_traverse traverse) {
    return fake_type(&at->heap, name, at->heap.types[MM_KIND_OBJECT], 32 + 8 * WORDS,
                     traverse == NULL ? 0 : FAKE_FLAG_COLLECTED, traverse);
}

// Give a type sq_item: what lies out of line is asked for by number then.
static void sequence_make(scene *at, uint64_t type) {
    uint64_t slots = fake_take(&at->heap, 64);
    fake_set(&at->heap, slots, MM_AT_SEQUENCE_ITEM, 1);
    fake_set(&at->heap, type, MM_AT_TYPE_AS_SEQUENCE, slots);
}

// Objects of heap types visit their type, those of static types do not.
static void heap_make(const scene *at, uint64_t type) {
    uint64_t flags = type + fake_at(&at->heap, MM_AT_TYPE_FLAGS);
    fake_put(flags, fake_get(flags) | FAKE_FLAG_HEAP);
}

static void test_traverse(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    memset(&shared, 0, sizeof shared);
    mm_capture_note note = {0};
    shared.note = &note;
    at.capture.options.note = &note;
    uint64_t a = fake_int(&at.heap);
    uint64_t b = fake_str(&at.heap, "hunter2");
    uint64_t c = fake_int(&at.heap);
    uint64_t type = foreign_type(&at, "deque", traverse_words);
    sequence_make(&at, type);
    heap_make(&at, type);
    shared.outside[0] = c;
    shared.outside[1] = 0xdead0000;
    shared.outside[2] = type;
    uint64_t object = foreign_new(&at, type, (uint64_t[]){a, b, a, 0, b}, 5, true);
    scene_run(&at);
    EXPECT(&at, object, "in its words, twice the same ones, and out of line; not its own type",
           {MM_NAME_WORD, 4, a}, {MM_NAME_WORD, 5, b}, {MM_NAME_WORD, 6, a}, {MM_NAME_WORD, 8, b},
           {MM_NAME_INDEX, 0, c});
    is_u64(at.capture.result.unreadable_count, 1, "%s: a visit of nowhere is counted", at.label);
    is_u64(shared.noted_type, type, "%s: the note names the type while it is asked", at.label);
    ok(note.type == 0 && note.progress == at.capture.result.object_count, "%s: and not afterwards",
       at.label);
    is_u64(shared.calls, 1, "%s: asked once", at.label);
    ok((flags_of(&at, object) & MM_OBJECT_ESTIMATED) != 0, "%s: the size is an estimate", at.label);
    ok(memmem(at.capture.bytes, at.capture.count, "hunter2", 7) == NULL, "%s: no value", at.label);
    scene_close(&at);
}

static void test_own_type_visited_twice(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    uint64_t type = foreign_type(&at, "node", traverse_out_of_line);
    heap_make(&at, type);
    shared.outside[0] = type;
    shared.outside[1] = type;
    shared.outside[2] = 0;
    uint64_t object = foreign_new(&at, type, NULL, 0, true);
    scene_run(&at);
    const mm_file *file = &at.capture.file;
    uint32_t id = dense(&at, object);
    uint32_t first = id == MM_NONE ? 0 : file->reference_start[id];
    ok(id != MM_NONE && file->reference_start[id + 1] == first + 1 &&
           file->address[file->reference_target[first]] == type &&
           file->reference_naming[first] == MM_NAME_NAMED &&
           strcmp(file->names[file->reference_argument[first]], "C data") == 0,
       "%s: the type once more, in data of no sequence", at.label);
    scene_close(&at);
}

static void test_members(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    fake_heap *heap = &at.heap;
    memset(&shared, 0, sizeof shared);
    uint64_t a = fake_int(heap);
    uint64_t key = fake_str(heap, "attribute");
    uint64_t dict = fake_dict(heap, FAKE_UNICODE, &key, &a, 1);
    uint64_t type = foreign_type(&at, "partial", traverse_words);
    uint64_t members = fake_take(heap, 256);
    fake_set(heap, members, MM_AT_MEMBER_NAME, fake_text(heap, "func"));
    fake_put32(members + fake_at(heap, MM_AT_MEMBER_TYPE), 6);
    fake_set(heap, members, MM_AT_MEMBER_OFFSET, 40);
    uint64_t second = members + fake_at(heap, MM_AT_MEMBER_SIZEOF);
    fake_set(heap, second, MM_AT_MEMBER_NAME, fake_text(heap, "a number"));
    fake_put32(second + fake_at(heap, MM_AT_MEMBER_TYPE), 1);
    fake_set(heap, second, MM_AT_MEMBER_OFFSET, 32);
    fake_set(heap, type, MM_AT_TYPE_MEMBERS, members);
    fake_set(heap, type, MM_AT_TYPE_DICTOFFSET, 64);
    uint64_t object = foreign_new(&at, type, (uint64_t[]){0, a, 0, 0, dict}, 5, true);
    scene_run(&at);
    EXPECT(&at, object, "words with names", {MM_NAME_WORD, 5, a}, {MM_NAME_WORD, 8, dict});
    const mm_file *file = &at.capture.file;
    const mm_file_type *info = &file->types[file->type[dense(&at, object)]];
    const mm_file_field *fields = file->fields + info->field_start;
    ok(info->field_count == 2 && fields[0].word == 8 && strcmp(fields[0].name, "__dict__") == 0 &&
           fields[1].word == 5 && strcmp(fields[1].name, "func") == 0,
       "%s: the type says which", at.label);
    ok(has_text(&at, key, "attribute"), "%s: its dict is a namespace", at.label);
    scene_close(&at);
}

static void test_opaque(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    memset(&shared, 0, sizeof shared);
    uint64_t a = fake_int(&at.heap);
    uint64_t type = foreign_type(&at, "crashes", traverse_words);
    uint64_t object = foreign_new(&at, type, &a, 1, true);
    uint64_t derived = fake_class(&at.heap, "Derived", type, NULL, 0, NULL, 0);
    uint64_t instance = fake_instance(&at.heap, derived);
    fake_put(instance + 32, a);
    at.heap.opaque[at.heap.opaque_count++] = type;
    scene_run(&at);
    EXPECT_NONE(&at, object, "an opaque type is not asked");
    EXPECT_NONE(&at, instance, "nor is it for a class derived from it");
    is_u64(shared.calls, 0, "%s: no call", at.label);
    ok((flags_of(&at, object) & MM_OBJECT_OPAQUE) != 0, "%s: flagged", at.label);
    scene_close(&at);
}

// A static type that descends from a known kind: the kind's own walk, then the words behind.
static void test_tail(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    fake_heap *heap = &at.heap;
    memset(&shared, 0, sizeof shared);
    uint64_t item = fake_int(heap);
    uint64_t factory = fake_int(heap);
    uint64_t base = heap->types[MM_KIND_LIST];
    uint64_t tail = fake_get(base + fake_at(heap, MM_AT_TYPE_BASICSIZE));
    uint64_t type =
        fake_type(heap, "defaultlist", base, tail + 8, FAKE_FLAG_COLLECTED, traverse_out_of_line);
    uint64_t list = fake_list(heap, &item, 1);
    uint64_t object = fake_object(heap, type, tail + 8);
    memcpy((void *)(uintptr_t)(object + 16), (void *)(uintptr_t)(list + 16), tail - 16);
    fake_header(heap, object, type);
    fake_put(object + tail, factory);
    fake_track(heap, object, 0);
    shared.outside[0] = factory;
    shared.outside[1] = item;
    shared.outside[2] = 0;
    static const char *const slots[] = {"slot"};
    uint64_t derived = fake_class(heap, "Derived", type, slots, 1, NULL, 0);
    uint64_t instance = fake_instance(heap, derived);
    memcpy((void *)(uintptr_t)(instance + 16), (void *)(uintptr_t)(object + 16), tail - 8);
    fake_header(heap, instance, derived);
    fake_put(instance + tail + 8, list);
    scene_run(&at);
    uint32_t word = (uint32_t)tail / 8;
    EXPECT(&at, object, "items, then the word behind them", {MM_NAME_INDEX, 0, item},
           {MM_NAME_WORD, word, factory});
    EXPECT(&at, instance, "and a class's slot behind that", {MM_NAME_INDEX, 0, item},
           {MM_NAME_WORD, word, factory}, {MM_NAME_WORD, word + 1, list});
    scene_close(&at);
}

static void test_scan(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    memset(&shared, 0, sizeof shared);
    uint64_t known = fake_int(&at.heap);
    uint64_t holder = fake_list(&at.heap, &known, 1);
    uint64_t unknown = fake_int(&at.heap);
    uint64_t silent = foreign_type(&at, "lock", NULL);
    uint64_t asked = foreign_type(&at, "queue", traverse_words);
    uint64_t words[] = {known, unknown, 12345, 0xdead0000, holder};
    uint64_t scanned = foreign_new(&at, silent, words, 5, false);
    uint64_t untracked = foreign_new(&at, asked, words, 5, false);
    fake_set(&at.heap, silent, MM_AT_TYPE_WEAKLISTOFFSET, 64);
    uint64_t list = fake_list(&at.heap, (uint64_t[]){scanned, untracked}, 2);
    scene_run(&at);
    EXPECT(&at, list, "both are known", {0, 0, scanned}, {0, 1, untracked});
    EXPECT(&at, scanned, "known words are guessed at, but for the weak list",
           {MM_NAME_WORD | MM_REF_GUESSED, 4, known});
    ok(dense(&at, unknown) == MM_NONE, "%s: no object comes from a guess", at.label);
    is_u64(shared.calls, 0, "%s: what the collector does not track is not asked", at.label);
    is_u64(at.capture.result.unreadable_count, 0, "%s: guesses are not counted", at.label);
    scene_close(&at);
}

static void test_traverse_forbidden(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    memset(&shared, 0, sizeof shared);
    uint64_t known = fake_int(&at.heap);
    (void)fake_list(&at.heap, &known, 1);
    uint64_t type = foreign_type(&at, "deque", traverse_words);
    uint64_t object = foreign_new(&at, type, &known, 1, true);
    at.heap.target_flags = 0;
    scene_run(&at);
    is_u64(shared.calls, 0, "%s: not called where that is not allowed", at.label);
    ok(dense(&at, object) != MM_NONE, "%s: the object is there", at.label);
    at.heap.target_flags = MM_TARGET_TRAVERSE;
    fake_set(&at.heap, type, MM_AT_TYPE_TRAVERSE, fake_text(&at.heap, "no code"));
    fake_capture_deinit(&at.capture);
    fake_capture_init(&at.capture);
    scene_run(&at);
    is_u64(shared.calls, 0, "%s: nor where it is no code", at.label);
    scene_close(&at);
}

// A stale address may have anything in front of it: what no neighbour in a ring knows is not asked.
static void test_in_no_ring(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    memset(&shared, 0, sizeof shared);
    uint64_t known = fake_int(&at.heap);
    uint64_t type = foreign_type(&at, "deque", traverse_words);
    uint64_t stale = foreign_new(&at, type, &known, 1, false);
    uint64_t torn = foreign_new(&at, type, &known, 1, false);
    uint64_t whole = foreign_new(&at, type, &known, 1, true);
    fake_put(stale - 16, 0x645f7265626d656d);
    fake_put(torn - 16, whole - 16);
    uint64_t list = fake_list(&at.heap, (uint64_t[]){stale, torn, whole, known}, 4);
    scene_run(&at);
    EXPECT(&at, list, "all are known", {0, 0, stale}, {0, 1, torn}, {0, 2, whole}, {0, 3, known});
    EXPECT(&at, stale, "its words are guessed at", {MM_NAME_WORD | MM_REF_GUESSED, 4, known});
    EXPECT(&at, torn, "as those of one that its neighbour denies",
           {MM_NAME_WORD | MM_REF_GUESSED, 4, known});
    is_u64(shared.calls, 1, "%s: only the one in a ring is asked", at.label);
    scene_close(&at);
}

// What a scanned object's own attributes lead to is found in the last round, and may have to be
// scanned itself.
static void test_scan_behind_scan(unsigned minor, bool odd) {
    static const char *const slots[] = {"next"};
    scene at;
    scene_open(&at, minor, odd);
    uint64_t silent = foreign_type(&at, "date", NULL);
    uint64_t type = fake_class(&at.heap, "Date", silent, slots, 1, NULL, 0);
    uint64_t last = foreign_new(&at, silent, NULL, 0, false);
    uint64_t middle = fake_object(&at.heap, type, 256);
    fake_put(middle + 32 + 8 * WORDS, last);
    uint64_t pair = fake_tuple(&at.heap, (uint64_t[]){middle, last}, 2);
    uint64_t first = fake_instance(&at.heap, type);
    fake_put(first + 32 + 8 * WORDS, pair);
    scene_run(&at);
    EXPECT(&at, first, "the first", {MM_NAME_WORD, 4 + WORDS, pair});
    EXPECT(&at, middle, "one found late", {MM_NAME_WORD, 4 + WORDS, last});
    EXPECT_NONE(&at, last, "one found later");
    scene_close(&at);
}

int main(void) {
    static const layout_test tests[] = {
        test_traverse,
        test_own_type_visited_twice,
        test_members,
        test_opaque,
        test_tail,
        test_scan,
        test_traverse_forbidden,
        test_in_no_ring,
        test_scan_behind_scan,
    };
    each_version(tests, MM_COUNTOF(tests));
    return done_testing();
}
