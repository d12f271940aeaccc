// Out of memory: each allocation of a program fails once.
//
// The program is drawn from a seed and touches all of the API. Whichever allocation fails, the call
// that needed it says so, the heap reads as before the call, the program goes on, and at the end
// deaths are births, notices are watches and no byte is left.
#include "any_call.h"

enum { STEPS = 800, BUDGET = 8 };

typedef struct outcome {
    bool is_sound;
    bool is_clean;
    bool reached;
    unsigned refused;
    unsigned changed;
    size_t allocs;
} outcome;

static outcome run(uint64_t seed, unsigned flags, size_t fail_at) {
    outcome o = {.is_sound = true};
    const mort_options options = {.flags = flags, .thresholds = {20, 2, 2}};
    const int status = world_open(&options, fail_at);
    if (status == MORT_OK) {
        any_start(seed);
        const bool with_hooks = seed % 2 == 1;
        world.on_finalize = with_hooks ? any_finalize : NULL;
        world.on_notice = with_hooks ? any_notice : free_ear;
        for (int step = 0; step < STEPS; step++) {
            pool.budget = BUDGET;
            any_call();
            world.words_len = 0;
            o.is_sound = o.is_sound && mort_heap_is_valid(world.heap);
        }
        world.on_finalize = NULL;
        world.on_notice = free_ear;
        any_end();
        o.refused = pool.refused;
        o.changed = pool.changed;
    } else {
        o.refused = status == MORT_ENOMEM;
    }
    o.allocs = world.alloc_count;
    o.reached = fail_at != 0 && world.alloc_count >= fail_at;
    o.is_clean = world_close(NULL);
    return o;
}

static void test_seed(uint64_t seed, unsigned flags) {
    const outcome plain = run(seed, flags, 0);
    ok(plain.is_sound && plain.is_clean && plain.refused == 0, "seed %u, mode %u: %zu allocations",
       (unsigned)seed, flags, plain.allocs);
    ok(plain.allocs > 100, "enough of them");
    unsigned unsound = 0;
    unsigned unclean = 0;
    unsigned changed = 0;
    unsigned refused = 0;
    for (size_t n = 1; n <= plain.allocs; n++) {
        const outcome o = run(seed, flags, n);
        unsound += !o.is_sound;
        unclean += !o.is_clean || !o.reached;
        changed += o.changed;
        refused += o.refused;
        if (!o.is_sound || !o.is_clean || o.changed != 0) {
            diag("allocation %zu: sound %d, clean %d, changed %u", n, o.is_sound, o.is_clean,
                 o.changed);
        }
    }
    is_u64(unsound, 0, "each failed once: the heap is sound after every call");
    is_u64(unclean, 0, "deaths are births, notices are watches, no byte is left");
    is_u64(changed, 0, "a refused call changed nothing");
    ok(refused > plain.allocs / 4, "%u refusals from outside of hooks", refused);
}

enum { CROWD = 70 };

/// Many of each kind, so that every table and row of records has to grow.
typedef struct crowd {
    struct leaf *leaves[CROWD];
    struct ear ears[CROWD];
    mort_weak weaks[CROWD];
    mort_array array;
    mort_keymap *keymap;
    mort_valuemap *valuemap;
    mort_weakset *set;
    unsigned refused;
} crowd;

// Once more after a refusal: only one allocation fails, so the second try must do.
#define TWICE(c, call)                            \
    do {                                          \
        int twice_code = (call);                  \
        if (twice_code == MORT_ENOMEM) {          \
            (c)->refused++;                       \
            twice_code = (call);                  \
        }                                         \
        all_right = all_right && twice_code == 0; \
    } while (0)

static int crowd_watch(struct leaf *leaf, struct ear *ear) {
    const int code = mort_watch(NULL, leaf, NULL, ear_notice, ear);
    world.watch_count += code == MORT_OK;
    return code;
}

static bool crowd_make(crowd *c) {
    bool all_right = true;
    TWICE(c, mort_keymap_new(&c->keymap, world.heap, MORT_EPHEMERON));
    TWICE(c, mort_valuemap_new(&c->valuemap, world.heap));
    TWICE(c, mort_weakset_new(&c->set, world.heap));
    for (int i = 0; i < CROWD && all_right; i++) {
        c->leaves[i] = leaf_new(i);
        c->refused += c->leaves[i] == NULL;
        struct leaf *leaf = c->leaves[i] == NULL ? leaf_new(i) : c->leaves[i];
        c->leaves[i] = leaf;
        TWICE(c, mort_array_push(&c->array, leaf));
        TWICE(c, mort_keymap_set(c->keymap, leaf, c->leaves[i / 2]));
        TWICE(c, mort_valuemap_set(c->valuemap, &i, sizeof(i), leaf));
        TWICE(c, mort_weakset_add(c->set, leaf));
        TWICE(c, mort_weak_set(&c->weaks[i], leaf));
        TWICE(c, crowd_watch(leaf, &c->ears[i]));
    }
    return all_right && c->array.len == CROWD && mort_keymap_len(c->keymap) == CROWD &&
           mort_valuemap_len(c->valuemap) == CROWD && mort_weakset_len(c->set) == CROWD;
}

static bool crowd_end(crowd *c) {
    mort_array_clear(&c->array);
    for (int i = 0; i < CROWD; i++) {
        mort_release(c->leaves[i]);
    }
    // What values still held goes with their keys.
    (void)mort_collect(world.heap, 2);
    const bool empty = mort_keymap_len(c->keymap) == 0 && mort_valuemap_len(c->valuemap) == 0 &&
                       mort_weakset_len(c->set) == 0;
    for (int i = 0; i < CROWD; i++) {
        mort_weak_clear(&c->weaks[i]);
    }
    mort_release(c->keymap);
    mort_release(c->valuemap);
    mort_release(c->set);
    return empty;
}

// A refused call can be made again, whichever allocation it was that failed.
static void test_again(void) {
    static crowd c;
    unsigned failed = 0;
    size_t count = 0;
    for (size_t n = 0; n == 0 || n <= count; n++) {
        memset(&c, 0, sizeof(c));
        world_start(NULL);
        const size_t before = world.alloc_count;
        world.fail_at = n == 0 ? 0 : before + n;
        const bool right = crowd_make(&c) && mort_heap_is_valid(world.heap);
        const size_t allocs = world.alloc_count - before;
        count = n == 0 ? allocs : count;
        const bool refused_once = c.refused == (n != 0);
        if (!crowd_end(&c) || !world_close(NULL) || !right || !refused_once) {
            diag("allocation %zu", n);
            failed++;
        }
    }
    ok(count > 4 * CROWD, "%zu allocations, each failed once, each call made again", count);
    is_u64(failed, 0, "every second try did, and nothing is left");
}

// What a heap without a byte of memory still does: all that ends something.
static void test_starved(void) {
    world_start(NULL);
    struct node *first = node_new(1);
    struct node *second = node_new(2);
    mort_keymap *map = NULL;
    mort_weak weak = {0};
    struct ear ear = {1, 0, 0};
    ok(mort_keymap_new(&map, world.heap, MORT_EPHEMERON) == MORT_OK &&
           mort_keymap_set(map, first, second) == MORT_OK && mort_weak_set(&weak, first) == MORT_OK,
       "prepared");
    (void)watch(first, second, &ear);
    mort_set(&first->left, second);
    mort_set(&second->left, first);
    (void)mort_array_push(&first->items, second);
    const size_t allocs = world.alloc_count;
    mort_release(first);
    mort_release(second);
    mort_debug(world.heap, MORT_DEBUG_LEAK);
    is_u64(mort_collect(world.heap, 2), 2, "a collection");
    mort_debug(world.heap, 0);
    mort_freeze(world.heap);
    mort_unfreeze(world.heap);
    while (mort_garbage_len(world.heap) > 0) {
        mort_release(mort_garbage_take(world.heap, 0));
    }
    is_u64(mort_collect(world.heap, 2), 2, "another");
    mort_weak_clear(&weak);
    mort_release(map);
    is_u64(world.alloc_count, allocs, "releasing, clearing and collecting take no memory");
    world_end(0, "starved");
}

int main(void) {
    test_starved();
    test_again();
    for (uint64_t seed = 1; seed <= 4; seed++) {
        test_seed(seed, seed % 2 == 0 ? 0 : MORT_LEGACY * (unsigned)(seed / 2));
    }
    return done_testing();
}
