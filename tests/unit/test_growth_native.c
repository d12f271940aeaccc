// Which growth of memory is believed when no object explains it.
#include "analyze/growth.h"
#include "tap.h"

static uint64_t native_of(const uint64_t *bytes, uint32_t count) {
    uint64_t flat[16] = {0};
    uint64_t growth = 1;
    mm_growth_native(bytes, flat, count, 100, &growth);
    uint64_t other = 1;
    mm_growth_native(flat, bytes, count, 100, &other);
    is_u64(growth, other, "malloc or resident, the same rule");
    return growth;
}

static void test_native(void) {
    uint64_t steady[8];
    uint64_t decaying[8];
    uint64_t jump[8];
    uint64_t pause[8];
    uint64_t small[8];
    for (uint64_t i = 0; i < 8; i++) {
        steady[i] = 1000000 + i * 42100;
        decaying[i] = 1000000 + (i < 5 ? i * 4000 : 20000 + i);
        jump[i] = i < 4 ? 1000000 : 9000000;
        pause[i] = 1000000 + (i - (i > 5)) * 42100;
        small[i] = 1000000 + i * 1500;
    }
    is_u64(native_of(steady, 8), 421, "every round grows");
    is_u64(native_of(decaying, 8), 0, "a warm-up that ends");
    is_u64(native_of(jump, 8), 0, "one jump is no slope");
    is_u64(native_of(pause, 8), 0, "a round without growth");
    is_u64(native_of(small, 8), 0, "less than sixteen bytes a step");
    for (uint64_t i = 0; i < 8; i++) {
        small[i] = 1000000 + i * 8192;
    }
    uint64_t growth = 1;
    uint64_t flat[8] = {0};
    mm_growth_native(flat, small, 8, 100, &growth);
    is_u64(growth, 0, "two pages a round are nothing");
    mm_growth_native(small, flat, 8, 100, &growth);
    is_u64(growth, 81, "but of malloc they are");
    for (uint64_t i = 0; i < 8; i++) {
        small[i] = 1000000 + i * 2500;
    }
    mm_growth_native(small, flat, 8, 18, &growth);
    is_u64(growth, 0, "less than a page a round is the allocator's own, slow as the steps may be");
    steady[3] = MM_UNKNOWN;
    is_u64(native_of(steady, 8), 0, "what was not measured is not guessed");
}

int main(void) {
    test_native();
    return done_testing();
}
