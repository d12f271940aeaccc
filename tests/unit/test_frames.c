// The walker on frames: running ones as roots, suspended and ended ones inside objects, and the
// line that each stands at, through every form that an entry of a line table has.
#include "scene.h"

static const uint8_t line_table[] = {
    0x80 | 0 << 3 | 1,  0x12,                           // short form: no step, 2 units
    0x80 | 9 << 3 | 0,  0x34,                           // short form, the last: no step, 1 unit
    0x80 | 10 << 3 | 0, 5,        9,                    // one line: step 0
    0x80 | 11 << 3 | 0, 5,        9,                    // step 1
    0x80 | 12 << 3 | 0, 5,        9,                    // step 2
    0x80 | 13 << 3 | 0, 0x40 | 4, 5,                    // no column: zigzag 324 = +162
    0x80 | 14 << 3 | 0, 7,        0x41, 2, 1, 0x42, 3,  // long: -3, then end line and two columns
    0x80 | 15 << 3 | 0,                                 // no line
    0x80 | 14 << 3 | 7, 2,        0,    0, 0,           // long: +1, 8 units
};

static const struct {
    unsigned instruction;
    uint32_t line;
} expected_lines[] = {
    {0, 100}, {1, 100}, {2, 100}, {3, 100},  {4, 101}, {5, 103}, {6, 265},
    {7, 262}, {8, 0},   {9, 263}, {16, 263}, {17, 0},  {60, 0},
};

static uint64_t generator_new(scene *at, uint64_t code, int8_t state, unsigned instruction,
                              const uint64_t *values, size_t count) {
    fake_heap *heap = &at->heap;
    uint64_t generator = fake_object(heap, heap->types[MM_KIND_GENERATOR], 512);
    fake_put8(generator + fake_at(heap, MM_AT_GEN_STATE), (uint8_t)state);
    fake_iframe(heap, generator + fake_at(heap, MM_AT_GEN_IFRAME), code, instruction, values,
                count);
    return fake_track(heap, generator, 0);
}

static void test_lines(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    uint64_t table = fake_bytes(&at.heap, line_table, sizeof line_table);
    uint64_t code = fake_code(&at.heap, "f", 100, NULL, 0, table);
    uint64_t generators[MM_COUNTOF(expected_lines)];
    for (size_t i = 0; i < MM_COUNTOF(expected_lines); i++) {
        generators[i] = generator_new(&at, code, -1, expected_lines[i].instruction, NULL, 0);
    }
    uint64_t before = generator_new(&at, code, -1, 0, NULL, 0);
    uint64_t word =
        before + fake_at(&at.heap, MM_AT_GEN_IFRAME) + fake_at(&at.heap, MM_AT_IFRAME_INSTRUCTION);
    fake_put(word, fake_get(word) - 2);
    uint64_t cut_table = fake_bytes(&at.heap, line_table, 13);
    uint64_t cut =
        generator_new(&at, fake_code(&at.heap, "g", 100, NULL, 0, cut_table), -1, 6, NULL, 0);
    scene_run(&at);
    for (size_t i = 0; i < MM_COUNTOF(expected_lines); i++) {
        is_u64(fact(&at, generators[i], MM_FACT_CURRENT_LINE), expected_lines[i].line,
               "%s: line of instruction %u", at.label, expected_lines[i].instruction);
    }
    is_u64(fact(&at, before, MM_FACT_CURRENT_LINE), 100, "%s: before the first instruction",
           at.label);
    ok(dense(&at, cut) != MM_NONE, "%s: a table that is cut off", at.label);
    scene_close(&at);
}

static uint64_t size_of(const scene *at, uint64_t address) {
    uint32_t id = dense(at, address);
    return id == MM_NONE ? 0 : mm_file_size_of(&at->capture.file, id);
}

static void test_generators(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    fake_heap *heap = &at.heap;
    uint64_t name = fake_str(heap, "x");
    uint64_t code = fake_code(heap, "f", 10, (uint64_t[]){name, name}, 2, 0);
    uint64_t value = fake_int(heap);
    uint64_t waiting = generator_new(&at, code, -1, 0, (uint64_t[]){0, value, value}, 3);
    uint64_t ended = generator_new(&at, code, 4, 0, (uint64_t[]){value}, 1);
    uint64_t running = generator_new(&at, code, 0, 0, (uint64_t[]){value, value}, 2);
    uint64_t gone = generator_new(&at, 0xdead0000, -1, 0, (uint64_t[]){value}, 1);
    uint64_t tagged = generator_new(&at, code | 1, -1, 0, (uint64_t[]){value}, 1);
    uint64_t liar = fake_code(heap, "g", 10, (uint64_t[]){name, name}, 2, 0);
    fake_put32(liar + fake_at(heap, MM_AT_CODE_STACKSIZE), (uint32_t)-1);
    uint64_t lied = generator_new(&at, liar, -1, 0, (uint64_t[]){value}, 1);
    scene_run(&at);
    uint32_t first = fake_at(heap, MM_AT_GEN_IFRAME) / 8u + fake_at(heap, MM_AT_IFRAME_CODE) / 8u;
    EXPECT(&at, waiting, "suspended generator: code, locals and stack", {MM_NAME_WORD, first, code},
           {MM_NAME_LOCAL, 1, value}, {MM_NAME_LOCAL, 2, value});
    EXPECT_NONE(&at, ended, "a generator that ended");
    EXPECT_NONE(&at, running, "a generator that runs: its frame is a root's");
    EXPECT_NONE(&at, gone, "a generator without readable code");
    is_u64(at.capture.result.unreadable_count, 1, "%s: that code was counted", at.label);
    EXPECT(&at, tagged, "flags in the low bits of a frame's code", {MM_NAME_WORD, first, code},
           {MM_NAME_LOCAL, 0, value});
    // The honest code has a stack of two words.
    is_u64(size_of(&at, lied), size_of(&at, waiting) - 16, "%s: a stack of -1", at.label);
    ok(has_text(&at, name, "x"), "%s: names of variables are text", at.label);
    is_u64(fact(&at, code, MM_FACT_VARIABLES), 2, "%s: number of variables", at.label);
    scene_close(&at);
}

static void test_frame_objects(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    fake_heap *heap = &at.heap;
    uint64_t name = fake_str(heap, "x");
    uint64_t table = fake_bytes(heap, line_table, sizeof line_table);
    uint64_t code = fake_code(heap, "f", 100, &name, 1, table);
    uint64_t value = fake_int(heap);
    uint64_t frame = fake_object(heap, heap->types[MM_KIND_FRAME], 512);
    uint64_t inside = frame + fake_at(heap, MM_AT_FRAME_INLINE);
    fake_set(heap, frame, MM_AT_FRAME_IFRAME, inside);
    fake_iframe(heap, inside, code, 4, &value, 1);
    fake_track(heap, frame, 0);
    uint64_t borrowed = fake_object(heap, heap->types[MM_KIND_FRAME], 512);
    uint64_t outside = fake_take(heap, 256);
    fake_iframe(heap, outside, code, 5, &value, 1);
    fake_set(heap, borrowed, MM_AT_FRAME_IFRAME, outside);
    fake_set(heap, borrowed, MM_AT_FRAME_BACK, frame);
    fake_track(heap, borrowed, 0);
    uint64_t traceback = fake_object(heap, heap->types[MM_KIND_TRACEBACK], 64);
    fake_put(traceback + body_word(&at) * 8u + 8, frame);
    fake_put32(traceback + fake_at(heap, MM_AT_TRACEBACK_LINENO), 77);
    fake_track(heap, traceback, 0);
    uint64_t exception = fake_object(heap, heap->types[MM_KIND_EXCEPTION], 64);
    fake_put(exception + body_word(&at) * 8u + 8, traceback);
    fake_track(heap, exception, 0);
    scene_run(&at);
    EXPECT(&at, frame, "a frame that ended",
           {MM_NAME_WORD, (uint32_t)(inside - frame) / 8u + fake_at(heap, MM_AT_IFRAME_CODE) / 8u,
            code},
           {MM_NAME_LOCAL, 0, value});
    is_u64(fact(&at, frame, MM_FACT_CURRENT_LINE), 101, "%s: its line", at.label);
    uint32_t id = dense(&at, borrowed);
    const mm_file *file = &at.capture.file;
    uint32_t first = id == MM_NONE ? 0 : file->reference_start[id];
    ok(id != MM_NONE && file->reference_start[id + 1] == first + 2 &&
           file->reference_naming[first] == MM_NAME_WORD &&
           file->address[file->reference_target[first]] == frame &&
           file->reference_naming[first + 1] == (MM_NAME_NAMED | MM_REF_BORROWED),
       "%s: a frame that runs borrows its code", at.label);
    is_u64(fact(&at, borrowed, MM_FACT_CURRENT_LINE), 103, "%s: and has a line", at.label);
    EXPECT(&at, traceback, "traceback", {MM_NAME_WORD, body_word(&at) + 1, frame});
    is_u64(fact(&at, traceback, MM_FACT_TRACEBACK_LINE), 77, "%s: line of a traceback", at.label);
    EXPECT(&at, exception, "exception", {MM_NAME_WORD, body_word(&at) + 1, traceback});
    scene_close(&at);
}

static const mm_file_root *root_of(const scene *at, unsigned kind, uint64_t address) {
    const mm_file *file = &at->capture.file;
    for (uint32_t i = 0; i < file->root_count; i++) {
        if (file->roots[i].kind == kind && file->address[file->roots[i].object] == address) {
            return &file->roots[i];
        }
    }
    return NULL;
}

static void test_running(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    fake_heap *heap = &at.heap;
    uint64_t names[] = {fake_str(heap, "x"), fake_str(heap, "y")};
    uint64_t table = fake_bytes(heap, line_table, sizeof line_table);
    uint64_t code = fake_code(heap, "f", 100, names, 2, table);
    uint64_t value = fake_int(heap);
    uint64_t other = fake_str(heap, "hunter2");
    uint64_t key = fake_str(heap, "__name__");
    uint64_t own = fake_str(heap, "mortmain.door");
    uint64_t globals = fake_dict(heap, FAKE_UNICODE, &key, &own, 1);
    uint64_t inner = fake_take(heap, 256);
    uint64_t entry = fake_take(heap, 256);
    uint64_t outer = fake_take(heap, 256);
    fake_iframe(heap, inner, code, 4, (uint64_t[]){0, value}, 2);
    fake_set(heap, inner, MM_AT_IFRAME_GLOBALS, globals);
    fake_set(heap, inner, MM_AT_IFRAME_PREVIOUS, entry);
    fake_iframe(heap, entry, 0, 0, NULL, 0);
    fake_put8(entry + fake_at(heap, MM_AT_IFRAME_OWNER), 3);
    fake_set(heap, entry, MM_AT_IFRAME_PREVIOUS, outer);
    fake_iframe(heap, outer, code, 5, (uint64_t[]){other, value}, 2);
    uint64_t locals = fake_dict(heap, FAKE_UNICODE, &names[0], &value, 1);
    fake_set(heap, outer, MM_AT_IFRAME_LOCALS, locals);
    fake_run(heap, inner);
    fake_root(heap, MM_ROOT_MODULES, "modules", globals);
    fake_root(heap, MM_ROOT_INTERPRETER, "nowhere", 0xdead0000);
    fake_root(heap, MM_ROOT_INTERPRETER, "nothing", 0);
    scene_run(&at);
    const mm_file *file = &at.capture.file;
    is_u64(file->frame_count, 2, "%s: two frames, the one for C left out", at.label);
    ok(file->frame_count == 2 && file->frames[0].line == 101 && file->frames[1].line == 103 &&
           file->address[file->frames[0].code] == code &&
           file->frames[0].flags == (MM_FRAME_CALLER | MM_FRAME_OWN) &&
           file->frames[1].flags == MM_FRAME_CALLER,
       "%s: innermost first, with lines and owner", at.label);
    const mm_file_root *local = root_of(&at, MM_ROOT_FRAME, other);
    ok(local != NULL && local->frame == 1 && local->name == 0, "%s: local x of the outer frame",
       at.label);
    local = root_of(&at, MM_ROOT_FRAME, value);
    ok(local != NULL && local->frame == 0 && local->name == 1, "%s: local y of the inner one",
       at.label);
    const mm_file_root *modules = root_of(&at, MM_ROOT_MODULES, globals);
    ok(modules != NULL && strcmp(file->names[modules->name], "modules") == 0, "%s: a named root",
       at.label);
    const mm_file_root *held = root_of(&at, MM_ROOT_THREAD, locals);
    ok(held != NULL && held->frame == 1 && strcmp(file->names[held->name], "f_locals") == 0,
       "%s: what a running frame holds besides", at.label);
    is_u64(at.capture.result.unreadable_count, 1, "%s: a root into nowhere is counted", at.label);
    ok(file->thread_count == 1 && file->threads[0].native_id == 4711, "%s: the thread", at.label);
    scene_close(&at);
}

static void test_frames_that_go_round(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    fake_heap *heap = &at.heap;
    uint64_t iframe = fake_take(heap, 256);
    fake_iframe(heap, iframe, 0, 0, NULL, 0);
    fake_set(heap, iframe, MM_AT_IFRAME_PREVIOUS, iframe);
    fake_run(heap, iframe);
    scene_run(&at);
    fake_set(heap, iframe, MM_AT_IFRAME_PREVIOUS, 0xdead0000);
    fake_capture_deinit(&at.capture);
    fake_capture_init(&at.capture);
    scene_run(&at);
    heap->thread = 0xdead0000;
    fake_capture_deinit(&at.capture);
    fake_capture_init(&at.capture);
    scene_run(&at);
    scene_close(&at);
}

int main(void) {
    static const layout_test tests[] = {
        test_lines, test_generators, test_frame_objects, test_running, test_frames_that_go_round,
    };
    each_version(tests, MM_COUNTOF(tests));
    return done_testing();
}
