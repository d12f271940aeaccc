// mm_locate on the process that loads this: built into a shared library by test_locate.py and
// called through ctypes. Prints what was found as lines of text, one fact each.
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/os/pages.h"
#include "locate/locate.h"

int probe_locate(const char *path, uint32_t hide_kinds, int hide_version, uint64_t caller);
int probe_hostile(uint64_t seed, uint64_t rate);
int probe_limited(uint64_t limit_bytes);

static uint64_t now_ns(void) {
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static uint64_t word_at(uint64_t address) {
    uint64_t word = 0;
    return mm_os_peek_self(address, &word, sizeof word) == MM_OK ? word : 0;
}

/// Objects in a ring; SIZE_MAX when it does not close.
static size_t ring_count(uint64_t head) {
    size_t count = 0;
    uint64_t at = word_at(head) & ~(uint64_t)3;
    while (at != head) {
        if (at == 0 || ++count > 10000000) {
            return SIZE_MAX;
        }
        at = word_at(at) & ~(uint64_t)3;
    }
    return count;
}

static void print_interpreters(FILE *out, const mm_target *target) {
    const mm_interpreter *interpreters = MM_TARGET_AT(target, interpreters, mm_interpreter);
    for (uint32_t i = 0; i < target->interpreters.count; ++i) {
        const mm_interpreter *one = &interpreters[i];
        uint32_t collecting = 99;
        if (mm_os_peek_self(one->collecting, &collecting, sizeof collecting) != MM_OK) {
            collecting = 98;
        }
        fprintf(out, "interpreter %u %" PRIu64 " own_lock=%u collecting=%u", i, one->address,
                one->own_lock, collecting);
        for (size_t j = 0; j < MM_GENERATION_COUNT; ++j) {
            size_t count = one->own_lock != 0 || one->generations[j] == 0
                               ? SIZE_MAX
                               : ring_count(one->generations[j]);
            fprintf(out, " %zd", (ssize_t)count);
        }
        fprintf(out, "\n");
    }
}

static void print_rest(FILE *out, const mm_target *target) {
    const mm_thread *threads = MM_TARGET_AT(target, threads, mm_thread);
    for (uint32_t i = 0; i < target->threads.count; ++i) {
        fprintf(out, "thread %u interpreter=%u native=%" PRIu64 " flags=%u\n", i,
                threads[i].interpreter, threads[i].native_id, threads[i].flags);
    }
    const mm_root *roots = MM_TARGET_AT(target, roots, mm_root);
    for (uint32_t i = 0; i < target->roots.count; ++i) {
        fprintf(out, "root %u %u %u %" PRIu64 " %s\n", roots[i].kind, roots[i].owner,
                roots[i].flags, roots[i].object, mm_target_text(target, roots[i].name));
    }
    const mm_known_type *types = MM_TARGET_AT(target, types, mm_known_type);
    for (uint32_t i = 0; i < target->types.count; ++i) {
        fprintf(out, "type %" PRIu64 " %u\n", types[i].address, types[i].kind);
    }
    const mm_field *fields = MM_TARGET_AT(target, fields, mm_field);
    for (uint32_t i = 0; i < target->fields.count; ++i) {
        fprintf(out, "field %u %u %u %s\n", fields[i].kind, fields[i].flags, fields[i].offset,
                mm_target_text(target, fields[i].name));
    }
    const mm_static_dict *statics = MM_TARGET_AT(target, static_dicts, mm_static_dict);
    for (uint32_t i = 0; i < target->static_dicts.count; ++i) {
        fprintf(out, "static %" PRIu64 " %u %" PRIu64 " %" PRIu64 "\n", statics[i].type,
                statics[i].interpreter, statics[i].dict, statics[i].subclasses);
    }
    const mm_region *regions = MM_TARGET_AT(target, regions, mm_region);
    for (uint32_t i = 0; i < target->regions.count; ++i) {
        fprintf(out, "region %" PRIu64 " %" PRIu64 " %u\n", regions[i].start, regions[i].end,
                regions[i].flags);
    }
}

static void print_target(FILE *out, const mm_target *target, const mm_locate_report *report) {
    fprintf(out, "version %" PRIx32 " minor=%u checked=%" PRIx32 " failed=%" PRIx32 "\n",
            target->version_hex, target->layout.minor, target->layout.kinds_checked,
            report->kinds_failed);
    fprintf(out, "warning %s\n", report->warning);
    fprintf(out, "anchor type=%" PRIu64 " object=%" PRIu64 " traverse=%d\n", target->type_type,
            target->object_type, target->subtype_traverse != 0);
    fprintf(out, "stdlib %s\nsite %s\n", mm_target_text(target, target->stdlib_prefix),
            mm_target_text(target, target->site_prefix));
    print_interpreters(out, target);
    print_rest(out, target);
}

int probe_locate(const char *path, uint32_t hide_kinds, int hide_version, uint64_t caller) {
    mm_os_pages pages;
    mm_arena arena;
    mm_reader reader;
    mm_target *target = NULL;
    mm_locate_report report;
    mm_error error = {0};
    mm_locate_options options = {.hide_kinds = hide_kinds,
                                 .hide_version = hide_version != 0,
                                 .traverse = true,
                                 .caller_thread = caller};
    mm_os_pages_init(&pages);
    mm_arena_init(&arena, mm_os_pages_view(&pages), 1 << 20);
    uint64_t start = now_ns();
    mm_status status = mm_reader_self(&arena, &reader, &error);
    uint64_t read = now_ns();
    if (status == MM_OK) {
        status = mm_locate(&reader, &options, &arena, &target, &report, &error);
    }
    uint64_t end = now_ns();
    FILE *out = fopen(path, "w");
    if (out == NULL) {
        return 1;
    }
    fprintf(out, "status %d %s\n", (int)status, error.message == NULL ? "" : error.message);
    fprintf(out, "time maps_us=%" PRIu64 " locate_us=%" PRIu64 " bytes=%" PRIu64 "\n",
            (read - start) / 1000, (end - read) / 1000, arena.taken_bytes);
    if (status == MM_OK) {
        print_target(out, target, &report);
    }
    (void)fclose(out);
    mm_os_pages_deinit(&pages);
    return 0;
}

/// A reader that lies now and then.
typedef struct liar {
    uint64_t state;
    uint64_t rate;  ///< one lie in so many bytes
} liar;

static uint64_t liar_next(liar *self) {
    self->state ^= self->state << 13;
    self->state ^= self->state >> 7;
    self->state ^= self->state << 17;
    return self->state;
}

static mm_status liar_read(void *context, uint64_t address, void *to, size_t count) {
    liar *self = context;
    mm_status status = mm_os_peek_self(address, to, count);
    uint8_t *bytes = to;
    for (size_t at = (size_t)(liar_next(self) % self->rate); status == MM_OK && at < count;
         at += 1 + (size_t)(liar_next(self) % self->rate)) {
        bytes[at] ^= (uint8_t)(1u << liar_next(self) % 8);
    }
    return status;
}

/// Everything in the block lies in the block.
static bool span_fits(const mm_target *target, mm_span span, size_t size_bytes) {
    return span.offset <= target->block_bytes &&
           (target->block_bytes - span.offset) / size_bytes >= span.count;
}

static bool target_fits(const mm_target *target) {
    const mm_root *roots = MM_TARGET_AT(target, roots, mm_root);
    bool fits = span_fits(target, target->regions, sizeof(mm_region)) &&
                span_fits(target, target->roots, sizeof(mm_root)) &&
                span_fits(target, target->threads, sizeof(mm_thread)) &&
                span_fits(target, target->static_dicts, sizeof(mm_static_dict)) &&
                span_fits(target, target->text, 1);
    for (uint32_t i = 0; fits && i < target->roots.count; ++i) {
        fits = roots[i].object != 0 && roots[i].name < target->text.count;
    }
    return fits;
}

/// Answers the status, or 1 when the answer contradicts itself.
int probe_hostile(uint64_t seed, uint64_t rate) {
    mm_os_pages pages;
    mm_arena arena;
    mm_reader reader;
    mm_target *target = NULL;
    mm_error error = {0};
    liar self = {seed * 2 + 1, rate};
    mm_os_pages_init(&pages);
    mm_arena_init(&arena, mm_os_pages_view(&pages), 1 << 20);
    mm_status status = mm_reader_self(&arena, &reader, &error);
    reader.read = liar_read;
    reader.context = &self;
    if (status == MM_OK) {
        status = mm_locate(&reader, NULL, &arena, &target, NULL, &error);
    }
    int answer = status == MM_OK && !target_fits(target) ? 1 : (int)status;
    mm_os_pages_deinit(&pages);
    return answer;
}

/// With so little memory. Answers the status.
int probe_limited(uint64_t limit_bytes) {
    mm_os_pages pages;
    mm_arena arena;
    mm_reader reader;
    mm_target *target = NULL;
    mm_error error = {0};
    mm_os_pages_init(&pages);
    pages.limit_bytes = limit_bytes;
    mm_arena_init(&arena, mm_os_pages_view(&pages), 4096);
    mm_status status = mm_reader_self(&arena, &reader, &error);
    if (status == MM_OK) {
        status = mm_locate(&reader, NULL, &arena, &target, NULL, &error);
    }
    mm_os_pages_deinit(&pages);
    return (int)status;
}
