// Memory that no object explains. A mean slope lies: caches that fill, arenas that are taken whole
// and pages that are touched for the first time make steps, not slopes. So every round must have
// grown, by at least a quarter of the typical slope, and the second half of the rounds must grow as
// well: a warm-up that decays does not. Resident memory comes in pages, a few of which any process
// touches at any time: a round must have taken more than those. What the allocator has in use
// wanders by up to 3 KiB a round without a leak (measured with steps of 0.1 s on a busy machine):
// where a round is a few slow steps, that would be a lot a step. The typical slope is the median of
// all pairwise slopes. H. Theil, "A rank-invariant method of linear and polynomial regression
// analysis", 1950; P. Sen, 1968.
#include "analyze/growing.h"

#include "base/free/sort.h"

enum { READINGS_MAX = 24, RESIDENT_MIN = 4 * 4096, ROUND_MIN = 4096 };

static bool slope_before(const void *a, const void *b, const void *context) {
    (void)context;
    return *(const int64_t *)a < *(const int64_t *)b;
}

// Median slope of readings in bytes a round.
static int64_t typical_slope(const int64_t *readings, uint32_t count) {
    int64_t slopes[READINGS_MAX * READINGS_MAX / 2];
    int64_t buffer[READINGS_MAX * READINGS_MAX / 2];
    size_t used = 0;
    MM_ASSERT(count >= 2);
    MM_ASSERT(count <= READINGS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = i + 1; k < count; k++) {
            slopes[used++] = (readings[k] - readings[i]) / (int64_t)(k - i);
        }
    }
    mm_sort(slopes, buffer, used, sizeof(*slopes), slope_before, NULL);
    return slopes[(used - 1) / 2];
}

// Bytes a step that are believed, 0 = none. The first reading is where the rest begins.
static uint64_t believed(const uint64_t *bytes, uint32_t round_count, uint64_t steps,
                         int64_t rise_min) {
    int64_t readings[READINGS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < round_count && count < READINGS_MAX; i++) {
        if (bytes[i] == MM_UNKNOWN || bytes[i] > INT64_MAX / 2) {
            return 0;
        }
        readings[count++] = (int64_t)bytes[i];
    }
    if (count < 4 || steps == 0) {
        return 0;
    }
    int64_t slope = typical_slope(readings, count);
    int64_t least = INT64_MAX;
    for (uint32_t i = 1; i < count; i++) {
        int64_t rise = readings[i] - readings[i - 1];
        least = rise < least ? rise : least;
    }
    int64_t needed = (int64_t)steps * MM_GROWTH_NATIVE_BYTES_MIN;
    needed = needed > ROUND_MIN ? needed : ROUND_MIN;
    uint32_t half = count / 2;
    bool late = typical_slope(readings + half - 1, count - half + 1) >= needed;
    return slope >= needed && least > rise_min && least * 4 >= slope && late
               ? (uint64_t)slope / steps
               : 0;
}

uint64_t mm_growth_native_least(uint64_t steps) {
    MM_ASSERT(steps > 0);
    uint64_t round = steps * MM_GROWTH_NATIVE_BYTES_MIN;
    round = round > ROUND_MIN ? round : ROUND_MIN;
    return (round + steps - 1) / steps;
}

void mm_growth_native(const uint64_t *malloc_bytes, const uint64_t *rss_bytes, uint32_t round_count,
                      uint64_t steps, uint64_t *ret) {
    uint64_t in_use = believed(malloc_bytes, round_count, steps, 0);
    *ret = in_use > 0 ? in_use : believed(rss_bytes, round_count, steps, RESIDENT_MIN);
}

// What the process has at a mark, all of it or what is beyond its objects.
static uint64_t reading(const mm_mark *mark, bool rss, bool beyond) {
    uint64_t bytes = rss ? mark->process.rss_bytes : mark->process.malloc_bytes;
    if (bytes == MM_UNKNOWN || bytes > INT64_MAX / 4) {
        return MM_UNKNOWN;
    }
    return beyond ? bytes + (UINT64_C(1) << 40) - mark->total_bytes : bytes;
}

// Bytes a step of one reading that the early rounds believe, and that the long run and each round
// after it have taken their share of; else 0. A round after the long run is no longer than an early
// one: of resident memory it must have taken more than what any process touches.
static uint64_t reading_grows(const mm_growing *work, bool rss, bool beyond) {
    const mm_growth_input *input = work->input;
    uint64_t readings[READINGS_MAX];
    uint32_t count = 0;
    uint32_t early = input->early;
    uint64_t steps = input->marks[early].process.steps - input->marks[0].process.steps;
    for (uint32_t i = 0; i <= early && count < READINGS_MAX; i++) {
        readings[count++] = reading(&input->marks[i], rss, beyond);
    }
    uint64_t bytes = believed(readings, count, steps / early, rss ? RESIDENT_MIN : 0);
    for (uint32_t i = early + 1; bytes > 0 && i < input->mark_count; i++) {
        uint64_t before = reading(&input->marks[i - 1], rss, beyond);
        uint64_t after = reading(&input->marks[i], rss, beyond);
        uint64_t from = input->marks[i - 1].process.steps;
        uint64_t to = input->marks[i].process.steps;
        bool known = before != MM_UNKNOWN && after != MM_UNKNOWN && from != MM_UNKNOWN &&
                     to != MM_UNKNOWN && to >= from;
        uint64_t share = i == early + 1 ? 2 : 4;
        bytes =
            known && after > before && (after - before) * share >= bytes * (to - from) ? bytes : 0;
    }
    return bytes;
}

// What is beyond the objects grows as well where these become fewer and the allocator keeps their
// memory: a batch that is sent. So the whole must grow, too.
uint64_t mm_growing_unexplained(const mm_growing *work) {
    const mm_growth_input *input = work->input;
    uint64_t before = input->marks[0].process.steps;
    uint64_t after = input->marks[input->early].process.steps;
    uint64_t most = 0;
    if (before == MM_UNKNOWN || after == MM_UNKNOWN || after <= before) {
        return 0;
    }
    for (unsigned pass = 0; pass < 2; pass++) {
        uint64_t whole = reading_grows(work, pass == 1, false);
        uint64_t bytes = whole > 0 ? reading_grows(work, pass == 1, true) : 0;
        bytes = whole < bytes ? whole : bytes;
        most = bytes > most ? bytes : most;
    }
    return most;
}
