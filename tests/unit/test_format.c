// What goes through the writer comes out of the reader.
#include "base/free/layout.h"
#include "heap_model.h"
#include "tap.h"

// The reader knows kinds by number alone.
_Static_assert(MM_FORMAT_KIND_COUNT == MM_KIND_COUNT, "docs/format.md lists the kinds");

// Write, read, compare.
static bool round_trip(uint64_t seed, uint32_t objects, uint32_t blocks, uint32_t references) {
    heap_model model = heap_model_new(seed, objects, blocks, references);
    heap_bytes out = {0};
    mm_os_pages pages;
    mm_os_pages_init(&pages);
    mm_arena arena;
    mm_arena_init(&arena, mm_os_pages_view(&pages), 1 << 16);
    mm_file file;
    mm_error err = {0};
    bool same = heap_model_write(&model, heap_bytes_sink(&out)) == MM_OK;
    same = same && mm_file_decode(out.bytes, out.count, &arena, &file, &err) == MM_OK;
    same = same && heap_model_same(&model, &file) && file.file_bytes == out.count;
    if (!same) {
        diag("seed %" PRIu64 ": %s at %" PRIu64, seed, err.message ? err.message : "-", err.offset);
    }
    mm_os_pages_deinit(&pages);
    heap_model_free(&model);
    free(out.bytes);
    return same;
}

int main(void) {
    ok(round_trip(1, 1, 1, 0), "one object");
    ok(round_trip(2, 1, 1, 40), "one object that refers to itself");
    bool all = true;
    for (uint64_t seed = 3; seed < 300; seed++) {
        all = round_trip(seed, 1 + (uint32_t)seed * 7 % 400, 1 + seed % 9, seed % 12) && all;
    }
    ok(all, "small heaps of every shape");
    ok(round_trip(1000, 60000, 30, 9), "records that run over chunks");
    ok(round_trip(1001, 2, 2, 200000), "a record larger than the buffer");
    return done_testing();
}
