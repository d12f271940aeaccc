// Mappings of this process, reading without trust, and symbols of what is mapped.
#include <sys/mman.h>
#include <unistd.h>

#include "base/os/elf.h"
#include "base/os/maps.h"
#include "base/os/pages.h"
#include "tap.h"

static const mm_mapping *mapping_of(const mm_mapping *mappings, size_t count, const void *at) {
    uint64_t address = (uint64_t)(uintptr_t)at;
    for (size_t i = 0; i < count; ++i) {
        if (mappings[i].start <= address && address < mappings[i].end) {
            return &mappings[i];
        }
    }
    return NULL;
}

static void test_maps(mm_arena *arena) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    void *closed = mmap(NULL, page, PROT_NONE, flags, -1, 0);
    void *open = mmap(NULL, page, PROT_READ | PROT_WRITE, flags, -1, 0);
    void *shared = mmap(NULL, page, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    mm_mapping *mappings = NULL;
    size_t count = 0;
    mm_error error = {0};
    ok(mm_os_maps_read(0, arena, &mappings, &count, &error) == MM_OK, "the maps are read");
    bool sorted = true;
    for (size_t i = 1; i < count; ++i) {
        sorted = sorted && mappings[i - 1].end <= mappings[i].start;
    }
    ok(count > 5 && sorted, "sorted, not overlapping");
    const mm_mapping *heap = mapping_of(mappings, count, open);
    ok(heap != NULL && (heap->flags & MM_MAP_WRITE) != 0, "writable memory is there");
    ok(heap != NULL && heap->file[0] == '\0', "and has no file");
    ok(mapping_of(mappings, count, closed) == NULL, "PROT_NONE is left out");
    ok(mapping_of(mappings, count, shared) == NULL, "shared memory is left out");
    const mm_mapping *stack = mapping_of(mappings, count, &error);
    ok(stack != NULL && (stack->flags & MM_MAP_STACK) != 0, "the stack is marked");
    const mm_mapping *code = mapping_of(mappings, count, (const void *)(uintptr_t)&test_maps);
    ok(code != NULL && (code->flags & MM_MAP_EXECUTE) != 0, "code is executable");
    ok(code != NULL && strstr(code->file, "test_maps") != NULL, "and has this file");
    mm_mapping *same = NULL;
    ok(mm_os_maps_read((uint64_t)getpid(), arena, &same, &count, &error) == MM_OK,
       "the maps are read by process id");
    ok(mm_os_maps_read(UINT32_MAX, arena, &same, &count, &error) == MM_E_IO && error.sys_errno != 0,
       "no such process");
    (void)munmap(closed, page);
    (void)munmap(open, page);
    (void)munmap(shared, page);
}

static void test_peek(void) {
    uint64_t secret = 0x1122334455667788u;
    uint64_t copy = 0;
    ok(mm_os_peek_self((uint64_t)(uintptr_t)&secret, &copy, sizeof copy) == MM_OK, "own memory");
    is_u64(copy, secret, "is read");
    ok(mm_os_peek_self(8, &copy, sizeof copy) == MM_E_TARGET, "no memory");
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *two = mmap(NULL, 2 * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)munmap(two + page, page);
    uint64_t edge = (uint64_t)(uintptr_t)two + page - 4;
    ok(mm_os_peek_self(edge, &copy, 4) == MM_OK, "up to the edge");
    ok(mm_os_peek_self(edge, &copy, 8) == MM_E_TARGET, "half of it over the edge");
    (void)munmap(two, page);
}

static mm_status read_self(void *context, uint64_t address, void *to, size_t count) {
    (void)context;
    return mm_os_peek_self(address, to, count);
}

static void test_elf(mm_arena *arena) {
    mm_mapping *mappings = NULL;
    size_t count = 0;
    mm_error error = {0};
    mm_elf_read memory = {read_self, NULL};
    mm_elf_symbol symbols[] = {{.name = "malloc"}, {.name = "no_such_symbol"}, {.name = "environ"}};
    if (mm_os_maps_read(0, arena, &mappings, &count, &error) != MM_OK) {
        return;
    }
    bool found = false;
    for (size_t i = 0; i < count && !found; ++i) {
        mm_elf elf;
        if (mappings[i].file[0] == '\0' || mappings[i].file_offset != 0 ||
            mm_elf_open(memory, mappings[i].start, &elf) != MM_OK) {
            continue;
        }
        if (strstr(mappings[i].file, "libc.") == NULL &&
            strstr(mappings[i].file, "libc-") == NULL) {
            continue;
        }
        found = true;
        ok(elf.zeroed <= elf.end && elf.start < elf.end, "the image has an extent");
        ok(mm_elf_find(&elf, symbols, 3) == MM_OK, "it has symbols");
        ok(symbols[0].address > elf.start && symbols[0].address < elf.end, "malloc is inside");
        ok(symbols[0].size_bytes != 0, "and has a size");
        ok(symbols[1].address == 0, "what is not there is not found");
        ok(symbols[2].address != 0, "data too");
    }
    ok(found, "the C library is mapped");
    mm_elf none;
    ok(mm_elf_open(memory, (uint64_t)(uintptr_t)&error, &none) == MM_E_NOT_FOUND, "no image");
    ok(mm_elf_open(memory, 4096, &none) == MM_E_NOT_FOUND, "no memory");
}

int main(void) {
    mm_os_pages pages;
    mm_arena arena;
    mm_os_pages_init(&pages);
    mm_arena_init(&arena, mm_os_pages_view(&pages), 1 << 16);
    test_maps(&arena);
    test_peek();
    test_elf(&arena);
    mm_os_pages_deinit(&pages);
    return done_testing();
}
