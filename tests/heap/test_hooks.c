// Re-entrancy: finalizers, notices and destroy hooks that call whatever a seed draws.
//
// After each call from outside the heap must be sound, and at its end each object has died once and
// each watch was told once. Hooks that may not call the heap try it as well: they are refused.
#include "any_call.h"

enum { SEEDS = 400, STEPS = 300, BUDGET = 24 };

/// Of a walk over all objects: each count must be what is found.
typedef struct counting {
    size_t objects;
    size_t wrong;
} counting;

static uint32_t held_by_pool(const mort_object *object) {
    uint32_t held = 0;
    for (int i = 0; i < ROOTS; i++) {
        held += pool.roots[i] == object;
    }
    for (size_t i = 0; i < pool.array.len; i++) {
        held += pool.array.items[i] == object;
    }
    held += (const mort_object *)pool.keymaps[0] == object;
    held += (const mort_object *)pool.keymaps[1] == object;
    held += (const mort_object *)pool.valuemap == object;
    held += (const mort_object *)pool.set == object;
    for (size_t i = 0; i < mort_garbage_len(world.heap); i++) {
        held += mort_garbage_peek(world.heap, i) == object;
    }
    return held;
}

static bool count_object(void *context, mort_object *object) {
    counting *c = context;
    const size_t found = mort_referrers(object, NULL, NULL) + held_by_pool(object);
    c->objects++;
    c->wrong += found != mort_refcount(object);
    return true;
}

// Between calls nobody holds anything but the pool, the garbage list, and objects.
static bool counts_are_exact(void) {
    counting c = {0};
    mort_objects(world.heap, count_object, &c);
    return c.wrong == 0 && c.objects == mort_len(world.heap);
}

static bool run_seed(uint64_t seed, unsigned flags, bool hooks_to_the_end) {
    const mort_options options = {.flags = flags, .thresholds = {20, 2, 2}};
    world_start(&options);
    any_start(seed);
    world.on_finalize = any_finalize;
    world.on_destroy = any_destroy;
    world.on_notice = any_notice;
    for (int step = 0; step < STEPS; step++) {
        pool.budget = BUDGET;
        any_call();
        if (step % 100 == 50) {
            pool.budget = 4 * BUDGET;
            call_deep(40 + (int)draw(20));
        }
        world.words_len = 0;
        if (!mort_heap_is_valid(world.heap) || (step % 16 == 0 && !counts_are_exact())) {
            diag("seed %" PRIu64 ", flags %u, step %d: the heap is not sound", seed, flags, step);
            return false;
        }
    }
    if (!hooks_to_the_end) {
        world.on_finalize = NULL;
        world.on_destroy = NULL;
        world.on_notice = free_ear;
    }
    pool.budget = BUDGET;
    any_end();
    if (!mort_heap_is_valid(world.heap) || !world_close(NULL)) {
        diag("seed %" PRIu64 ", flags %u, at the end", seed, flags);
        return false;
    }
    return true;
}

int main(int argc, char **argv) {
    // A seed as argument runs it alone; a second argument is how many from there.
    const uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    const uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : argc > 1 ? 1 : SEEDS;
    static const unsigned modes[] = {0, MORT_LEGACY, MORT_AUTO, MORT_LEGACY | MORT_AUTO};
    static const char *const names[] = {"default", "legacy", "auto", "legacy and auto"};
    for (size_t mode = 0; mode < 4; mode++) {
        bool right = true;
        uint64_t done[CALLS] = {0};
        for (uint64_t seed = first; seed < first + count && right; seed++) {
            right = run_seed(seed, modes[mode], seed % 2 == 0);
            for (size_t i = 0; i < CALLS; i++) {
                done[i] += pool.calls_done[i];
            }
        }
        ok(right, "%s mode: %" PRIu64 " programs whose hooks call anything", names[mode], count);
        bool all = true;
        for (size_t i = 0; i < CALLS; i++) {
            all = all && (done[i] > 0 || count < 20);
        }
        ok(all, "%s mode: each call was drawn", names[mode]);
    }
    return done_testing();
}
