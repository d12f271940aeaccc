// The walker's flat image, run as a stranger would run it: copied to some address, on a small stack
// of its own, with nothing around it. What it writes must be what the hosted walker writes.
//
// Usage: test_blob mm_blob.bin
#include <sys/mman.h>
#include <ucontext.h>

#include "capture/blob.h"
#include "scene.h"

enum { STACK_BYTES = 1 << 16, PAGE = 4096 };

typedef mm_status (*blob_entry)(mm_blob_call *call);

/// One call on the other stack.
static struct {
    blob_entry entry;
    mm_blob_call *call;
    mm_status status;
    ucontext_t home;
    ucontext_t away;
} leap;

static void leap_run(void) {
    leap.status = leap.entry(leap.call);
}

// Map the image readable and executable, never writable again.
static blob_entry blob_map(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    size_t room = 1 << 20;
    uint8_t *map = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) {
        return NULL;
    }
    // Any page will do: not the one that mmap likes.
    uint8_t *image = map + PAGE * (3 + (size_t)((uintptr_t)map >> 12) % 5);
    size_t count = fread(image, 1, room - 8 * PAGE, file);
    (void)fclose(file);
    if (count == 0 || mprotect(map, room, PROT_READ | PROT_EXEC) != 0) {
        return NULL;
    }
    blob_entry entry;
    memcpy(&entry, &image, sizeof entry);
    return entry;
}

static mm_status blob_call(blob_entry entry, mm_blob_call *call) {
    uint8_t *stack =
        mmap(NULL, STACK_BYTES + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED || mprotect(stack + PAGE, STACK_BYTES, PROT_READ | PROT_WRITE) != 0) {
        return MM_E_NOMEM;
    }
    leap.entry = entry;
    leap.call = call;
    (void)getcontext(&leap.away);
    leap.away.uc_stack.ss_sp = stack + PAGE;
    leap.away.uc_stack.ss_size = STACK_BYTES;
    leap.away.uc_link = &leap.home;
    makecontext(&leap.away, leap_run, 0);
    (void)swapcontext(&leap.home, &leap.away);
    size_t used = STACK_BYTES;
    for (size_t i = PAGE; i < STACK_BYTES + PAGE && stack[i] == 0; i++) {
        used--;
    }
    diag("stack: %zu bytes", used);
    (void)munmap(stack, STACK_BYTES + 2 * PAGE);
    return leap.status;
}

static mm_blob_call call_new(fake_heap *heap, fake_capture *capture) {
    mm_blob_call call = {.size_bytes = sizeof call, .version = MM_BLOB_VERSION};
    call.target = fake_heap_target(heap);
    call.pages = fake_capture_pages(capture);
    call.sink = fake_capture_sink(capture);
    call.options = capture->options;
    return call;
}

static void test_same(blob_entry entry, unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    uint64_t world = fake_world(&at.heap);
    at.capture.options.keys = odd;
    at.capture.options.door = "blob";
    at.capture.options.pid = 4711;
    scene_run(&at);
    fake_capture other;
    fake_capture_init(&other);
    other.options = at.capture.options;
    mm_blob_call call = call_new(&at.heap, &other);
    mm_status status = blob_call(entry, &call);
    ok(status == MM_OK, "%s: the blob captures", at.label);
    ok(other.count == at.capture.count && other.count > 1000 &&
           memcmp(other.bytes, at.capture.bytes, other.count) == 0,
       "%s: the same file, byte for byte", at.label);
    ok(call.result.object_count == at.capture.result.object_count &&
           call.result.unreadable_count == at.capture.result.unreadable_count,
       "%s: the same result", at.label);
    fake_capture_read(&other);
    ok(other.file_status == MM_OK && mm_file_find(&other.file, world) != MM_NONE,
       "%s: with what is in the heap", at.label);
    fake_capture_deinit(&other);
    scene_close(&at);
}

static void test_refusals(blob_entry entry) {
    scene at;
    scene_open(&at, 13, false);
    (void)fake_world(&at.heap);
    mm_blob_call call = call_new(&at.heap, &at.capture);
    call.version++;
    ok(blob_call(entry, &call) == MM_E_ARGUMENT, "another version is refused");
    call = call_new(&at.heap, &at.capture);
    call.size_bytes -= 8;
    ok(blob_call(entry, &call) == MM_E_ARGUMENT, "a call of another size is refused");
    is_u64(at.capture.count, 0, "nothing was written");
    at.capture.write_fail = 2;
    call = call_new(&at.heap, &at.capture);
    ok(blob_call(entry, &call) == MM_E_IO, "a failing sink");
    at.capture.map_fail = at.capture.map_count + 1;
    call = call_new(&at.heap, &at.capture);
    ok(blob_call(entry, &call) == MM_E_NOMEM, "no pages");
    fake_put32(at.heap.collecting, 1);
    call = call_new(&at.heap, &at.capture);
    ok(blob_call(entry, &call) == MM_E_BUSY, "inside a collection");
    scene_close(&at);
}

int main(int argument_count, char **arguments) {
    blob_entry entry = argument_count < 2 ? NULL : blob_map(arguments[1]);
    if (!ok(entry != NULL, "the image is mapped")) {
        return done_testing();
    }
    for (unsigned minor = 11; minor <= 13; minor++) {
        test_same(entry, minor, false);
        test_same(entry, minor, true);
    }
    test_refusals(entry);
    return done_testing();
}
