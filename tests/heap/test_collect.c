// The collector: what it finds, in which order it ends it, when it is due, and what it prints.
#include "world.h"

// Borrowed: the ring alone holds itself.
static struct node *ring_of_two(mort_type *type, int id) {
    struct node *first = node_of(type, id);
    struct node *second = node_of(type, id + 1);
    mort_set(&first->left, second);
    mort_give(&second->left, first);
    mort_release(second);
    return first;
}

// ---- what is found ------------------------------------------------------------------------------

static void test_ring(void) {
    world_start(NULL);
    struct node *outside = plain_new(3);
    struct node *first = ring_of_two(world.node_type, 1);
    mort_set(&first->right, outside);
    said("", "a ring does not die by counting");
    is_u64(mort_collect(world.heap, 2), 2, "two are found");
    said("f1 f2 d2 d1", "all finalizers first, in the order of birth, then each is cleared");
    ok(mort_refcount(outside) == 1, "what the ring held is let go");
    mort_release(outside);
    is_u64(mort_collect(world.heap, 2), 0, "nothing is left to find");
    struct node *held = node_new(4);
    mort_set(&held->left, held);
    struct node *deep = node_new(5);
    (void)mort_array_push(&held->items, deep);
    mort_release(deep);
    forget();
    is_u64(mort_collect(world.heap, 2), 0, "what C holds is reachable, and all it leads to");
    mort_release(held);
    is_u64(mort_collect(world.heap, 2), 2, "let go of, it is trash, with what it held");
    said("f4 f5 d5 d4", "and dies as such");
    world_end(0, "ring");
}

static struct node *kept;

static void keep_second(struct node *node) {
    if (node->id == 2) {
        mort_set(&kept, node);
    }
}

static void test_resurrection(void) {
    world_start(NULL);
    world.on_finalize = keep_second;
    kept = NULL;
    (void)ring_of_two(world.node_type, 1);
    struct node *lonely = node_new(3);
    mort_give(&lonely->left, lonely);
    (void)mort_collect(world.heap, 2);
    said("f1 f2 f3 d3", "a finalizer brings its ring back, the other ring goes");
    is_u64(mort_len(world.heap), 2, "two live on");
    ok(kept->left != NULL && kept->left->left == kept, "whole");
    mort_set(&kept, NULL);
    is_u64(mort_collect(world.heap, 2), 2, "let go of they are collected");
    said("d2 d1", "without their finalizers");
    world_end(0, "resurrection");
}

static int nested_found;

static void collect_within(struct node *node) {
    if (node->id == 1) {
        nested_found = (int)mort_collect(world.heap, 2);
    }
}

// A collection within a collection finds nothing; within a death by count it is a full one.
static void test_nested(void) {
    world_start(NULL);
    world.on_finalize = collect_within;
    (void)ring_of_two(world.node_type, 1);
    nested_found = -1;
    is_u64(mort_collect(world.heap, 2), 2, "a ring whose finalizer collects");
    ok(nested_found == 0, "finds nothing itself");
    (void)ring_of_two(world.plain_type, 5);
    forget();
    struct node *node = node_new(1);
    nested_found = -1;
    mort_release(node);
    is_u64((uint64_t)nested_found, 2, "in a death by count it collects a ring");
    said("f1 d6 d5 d1", "whole, before the death goes on");
    world_end(0, "nested");
}

// A finalizer in the trash that breaks its ring by hand, and makes an object.
static void break_ring(struct node *node) {
    struct node *made = node_new(node->id + 10);
    mort_set(&node->left, NULL);
    world.on_finalize = NULL;
    mort_release(made);
    world.on_finalize = break_ring;
}

static void test_broken_by_finalizer(void) {
    world_start(NULL);
    world.on_finalize = break_ring;
    (void)ring_of_two(world.node_type, 1);
    (void)mort_collect(world.heap, 2);
    is_u64(world.death_count, 4, "all die, each once");
    ok(strstr(world.words, "f1 ") == world.words, "%s", world.words);
    world_end(0, "broken by a finalizer");
}

// ---- generations --------------------------------------------------------------------------------

static size_t objects_in(int generation) {
    mort_generation_stats stats;
    return mort_stats(world.heap, generation, &stats) == MORT_OK ? stats.objects : SIZE_MAX;
}

static void test_generations(void) {
    world_start(NULL);
    struct node *node = plain_new(1);
    mort_set(&node->left, node);
    struct leaf *leaf = leaf_new(2);
    ok(objects_in(0) == 1 && objects_in(1) == 0 && objects_in(2) == 0, "born in generation 0");
    is_u64(mort_collect(world.heap, 0), 0, "a young collection");
    ok(objects_in(0) == 0 && objects_in(1) == 1, "a survivor grows older");
    is_u64(mort_collect(world.heap, 1), 0, "the next");
    ok(objects_in(1) == 0 && objects_in(2) == 1, "and older");
    mort_release(node);
    is_u64(mort_collect(world.heap, 0) + mort_collect(world.heap, 1), 0, "old trash waits");
    is_u64(mort_collect(world.heap, 2), 1, "for a full collection");
    mort_generation_stats stats;
    ok(mort_stats(world.heap, 2, &stats) == MORT_OK, "stats");
    ok(stats.collections == 1 && stats.collected == 1 && stats.uncollectable == 0,
       "of generation 2: one collection, one collected");
    ok(mort_stats(world.heap, 0, &stats) == MORT_OK && stats.collections == 2, "of generation 0");
    mort_release(leaf);
    world_end(0, "generations");
}

/// CPython's rule of when, written down plainly.
typedef struct rule {
    unsigned threshold[3];
    unsigned count[3];
    size_t objects[3];
    size_t long_lived_total;
    size_t long_lived_pending;
} rule;

static void rule_collect(rule *r, int generation) {
    if (generation < 2) {
        r->count[generation + 1]++;
    }
    size_t survivors = 0;
    for (int i = 0; i <= generation; i++) {
        r->count[i] = 0;
        survivors += r->objects[i];
        r->objects[i] = 0;
    }
    if (generation == 2) {
        r->long_lived_pending = 0;
        r->long_lived_total = survivors;
        r->objects[2] = survivors;
        return;
    }
    if (generation == 1) {
        r->long_lived_pending += survivors;
    }
    r->objects[generation + 1] += survivors;
}

// Answers the generation collected, or -1.
static int rule_poll(rule *r) {
    if (r->threshold[0] == 0 || r->count[0] <= r->threshold[0]) {
        return -1;
    }
    for (int i = 2; i >= 0; i--) {
        if (r->count[i] > r->threshold[i] &&
            !(i == 2 && r->long_lived_pending < r->long_lived_total / 4)) {
            rule_collect(r, i);
            return i;
        }
    }
    return -1;
}

static int collected_generation;

static void note_pass(mort_heap *heap, void *context, const mort_pass *pass) {
    (void)heap;
    (void)context;
    if (pass->has_ended) {
        collected_generation = pass->generation;
    }
}

// Births with deaths between them, polled after each: the same collections as the rule's.
static void test_thresholds(unsigned first, unsigned second, unsigned third, int births,
                            bool is_auto) {
    mort_options options = {.flags = is_auto ? MORT_AUTO : 0, .thresholds = {first, second, third}};
    world_start(&options);
    mort_on_collect(world.heap, note_pass, NULL);
    unsigned got[3] = {0};
    mort_thresholds(world.heap, got);
    rule r = {.threshold = {got[0], got[1], got[2]}};
    struct node *list = NULL;
    int different = 0;
    int collections = 0;
    for (int i = 0; i < births; i++) {
        collected_generation = -1;
        const int expected = is_auto ? rule_poll(&r) : -1;
        struct node *node = plain_new(i);
        r.count[0]++;
        r.objects[0]++;
        mort_give(&node->left, list);
        list = node;
        if (i % 5 == 4) {
            // The youngest dies: its generation is the first that is not empty.
            list = mort_take(&node->left);
            mort_release(node);
            r.count[0] -= r.count[0] > 0;
            r.objects[r.objects[0] > 0 ? 0 : r.objects[1] > 0 ? 1 : 2]--;
        }
        const bool polled = !is_auto && mort_poll(world.heap);
        const int now = is_auto ? expected : rule_poll(&r);
        different += collected_generation != now || (!is_auto && polled != (now >= 0));
        collections += now >= 0;
    }
    is_u64((uint64_t)different, 0, "thresholds %u %u %u: %d collections at the rule's times",
           got[0], got[1], got[2], collections);
    ok(collections > 5, "there were some");
    for (int i = 0; i < 3; i++) {
        is_u64(objects_in(i), r.objects[i], "objects in generation %d", i);
    }
    while (list != NULL) {
        struct node *next = mort_take(&list->left);
        mort_release(list);
        list = next;
    }
    world_end(0, "thresholds");
}

static void test_poll(void) {
    world_start(NULL);
    unsigned got[3] = {0};
    mort_thresholds(world.heap, got);
    ok(got[0] == 2000 && got[1] == 10 && got[2] == 10, "CPython 3.13's thresholds");
    const unsigned few[3] = {5, 10, 10};
    mort_set_thresholds(world.heap, few);
    mort_thresholds(world.heap, got);
    ok(got[0] == 5 && got[1] == 10 && got[2] == 10, "may be set");
    for (int i = 0; i < 10; i++) {
        struct node *node = plain_new(i);
        mort_set(&node->left, node);
        mort_release(node);
    }
    is_u64(world.death_count, 0, "nothing is collected where nobody polls");
    ok(mort_is_enabled(world.heap), "enabled at first");
    mort_enable(world.heap, false);
    ok(!mort_is_enabled(world.heap) && !mort_poll(world.heap), "disabled, a poll does nothing");
    mort_enable(world.heap, true);
    ok(mort_poll(world.heap), "enabled, it collects");
    is_u64(world.death_count, 10, "all rings are gone");
    ok(!mort_poll(world.heap), "and is not due again");
    const unsigned never[3] = {0, 10, 10};
    mort_set_thresholds(world.heap, never);
    for (int i = 0; i < 10; i++) {
        mort_release(plain_new(i));
        struct node *node = plain_new(i);
        mort_give(&node->left, node);
    }
    ok(!mort_poll(world.heap), "with threshold 0 it is never due");
    is_u64(mort_collect(world.heap, 0), 10, "but may be asked for");
    world_end(0, "poll");
}

static void test_freeze(void) {
    world_start(NULL);
    (void)ring_of_two(world.node_type, 1);
    struct leaf *leaf = leaf_new(3);
    mort_freeze(world.heap);
    is_u64(mort_frozen_len(world.heap), 2, "two are frozen");
    is_u64(mort_collect(world.heap, 2), 0, "no collection looks there");
    struct node *node = node_new(4);
    ok(objects_in(0) == 1 && objects_in(2) == 0, "what is born later is not frozen");
    mort_release(node);
    mort_unfreeze(world.heap);
    ok(mort_frozen_len(world.heap) == 0 && objects_in(2) == 2, "back, in the oldest generation");
    is_u64(mort_collect(world.heap, 1), 0, "not found by a younger collection");
    is_u64(mort_collect(world.heap, 2), 2, "found by a full one");
    node = node_new(5);
    mort_freeze(world.heap);
    forget();
    mort_release(node);
    said("f5 d5", "what is frozen dies by counting as ever");
    is_u64(mort_frozen_len(world.heap), 0, "and is out of the list");
    mort_release(leaf);
    world_end(0, "freeze");
}

// ---- before and after ---------------------------------------------------------------------------

static void say_pass(mort_heap *heap, void *context, const mort_pass *pass) {
    ok(heap == world.heap && context == &world, "heap and context of a pass");
    say("%s%d:%zu:%zu", pass->has_ended ? "after" : "before", pass->generation, pass->collected,
        pass->uncollectable);
    if (!pass->has_ended) {
        is_u64(mort_collect(heap, 2), 0, "a collection before a collection finds nothing");
        mort_release(plain_new(9));
    }
}

static void test_callbacks(void) {
    world_start(NULL);
    mort_on_collect(world.heap, say_pass, &world);
    (void)ring_of_two(world.node_type, 1);
    is_u64(mort_collect(world.heap, 1), 2, "a ring");
    said("before1:0:0 d9 f1 f2 d2 d1 after1:2:0", "told before and after");
    mort_on_collect(world.heap, NULL, NULL);
    (void)mort_collect(world.heap, 2);
    said("", "and no more");
    world_end(0, "callbacks");
}

// ---- lines --------------------------------------------------------------------------------------

// A time has four decimals; which, nobody knows.
static void mask_times(char *text) {
    char *end = strstr(text, "s elapsed");
    while (end != NULL) {
        char *from = end;
        while (from > text && (from[-1] == '.' || (from[-1] >= '0' && from[-1] <= '9'))) {
            from--;
        }
        const bool is_time = end - from >= 6 && end[-5] == '.';
        memmove(from + 1, end, strlen(end) + 1);
        *from = is_time ? 'T' : '?';
        end = strstr(from + 2 + strlen("s elapsed") - 1, "s elapsed");
    }
}

#define printed(expected, ...)                       \
    do {                                             \
        mask_times(world.lines);                     \
        is_text(world.lines, expected, __VA_ARGS__); \
        forget();                                    \
    } while (0)

static void test_lines(void) {
    world_start(NULL);
    char text[1024];
    mort_debug(world.heap, MORT_DEBUG_STATS);
    (void)mort_collect(world.heap, 1);
    printed(
        "gc: collecting generation 1...\n"
        "gc: objects in each generation: 0 0 0\n"
        "gc: objects in permanent generation: 0\n"
        "gc: done, 0 unreachable, 0 uncollectable, Ts elapsed\n",
        "an empty collection");
    struct node *frozen = plain_new(4);
    mort_freeze(world.heap);
    struct node *old = plain_new(3);
    (void)mort_collect(world.heap, 1);
    forget();
    struct node *first = ring_of_two(world.node_type, 1);
    mort_debug(world.heap, MORT_DEBUG_STATS | MORT_DEBUG_COLLECTABLE | MORT_DEBUG_UNCOLLECTABLE);
    (void)snprintf(text, sizeof(text),
                   "gc: collecting generation 2...\n"
                   "gc: objects in each generation: 2 0 1\n"
                   "gc: objects in permanent generation: 1\n"
                   "gc: collectable <Node %p>\n"
                   "gc: collectable <Node %p>\n"
                   "gc: done, 2 unreachable, 0 uncollectable, Ts elapsed\n",
                   (void *)first, (void *)first->left);
    (void)mort_collect(world.heap, 2);
    printed(text, "a ring of two");
    mort_debug(world.heap, 0);
    (void)ring_of_two(world.node_type, 1);
    (void)mort_collect(world.heap, 2);
    printed("", "no flags, no lines");
    mort_release(old);
    mort_release(frozen);
    world_end(0, "lines");
}

static void test_saveall(void) {
    world_start(NULL);
    char text[1024];
    mort_debug(world.heap, MORT_DEBUG_LEAK);
    struct node *first = ring_of_two(world.node_type, 1);
    struct node *second = first->left;
    (void)snprintf(text, sizeof(text), "gc: collectable <Node %p>\ngc: collectable <Node %p>\n",
                   (void *)first, (void *)second);
    is_u64(mort_collect(world.heap, 2), 2, "two are found");
    is_text(world.lines, text, "two lines");
    said("f1 f2", "their finalizers run, but they stay");
    is_u64(mort_garbage_len(world.heap), 2, "in the garbage list");
    ok(mort_garbage_peek(world.heap, 0) == first && mort_garbage_peek(world.heap, 1) == second &&
           mort_garbage_peek(world.heap, 2) == NULL,
       "in their order");
    is_u64(mort_refcount(first), 2, "which counts them");
    is_u64(mort_collect(world.heap, 2), 0, "they are not found again");
    ok(mort_heap_is_valid(world.heap), "sound with garbage");
    struct node *taken = mort_garbage_take(world.heap, 0);
    ok(taken == first && mort_refcount(first) == 2, "taken off the list, owned");
    is_u64(mort_garbage_len(world.heap), 1, "one is left");
    ok(mort_garbage_take(world.heap, 1) == NULL, "no such index");
    mort_debug(world.heap, 0);
    mort_release(taken);
    is_u64(mort_collect(world.heap, 2), 0, "the other still holds the ring");
    mort_release(mort_garbage_take(world.heap, 0));
    is_u64(mort_collect(world.heap, 2), 2, "and now it is collected");
    said("d2 d1", "without finalizers");
    mort_debug(world.heap, MORT_DEBUG_SAVEALL);
    (void)ring_of_two(world.node_type, 5);
    (void)mort_collect(world.heap, 2);
    is_u64(mort_garbage_len(world.heap), 2, "garbage at the end of the heap");
    world_end(0, "saveall");
}

// ---- legacy mode --------------------------------------------------------------------------------

static void test_legacy_lines(void) {
    const mort_options options = {.flags = MORT_LEGACY};
    world_start(&options);
    char text[1024];
    mort_debug(world.heap, MORT_DEBUG_STATS);
    (void)mort_collect(world.heap, 0);
    printed(
        "gc: collecting generation 0...\n"
        "gc: objects in each generation: 0 0 0\n"
        "gc: done, Ts elapsed.\n",
        "an empty collection");
    struct node *first = ring_of_two(world.node_type, 1);
    struct node *second = first->left;
    mort_debug(world.heap, MORT_DEBUG_LEAK | MORT_DEBUG_STATS);
    is_u64(mort_collect(world.heap, 2), 2, "two are found");
    (void)snprintf(text, sizeof(text),
                   "gc: collecting generation 2...\n"
                   "gc: objects in each generation: 2 0 0\n"
                   "gc: uncollectable <Node %p>\n"
                   "gc: uncollectable <Node %p>\n"
                   "gc: done, 2 unreachable, 2 uncollectable, Ts elapsed.\n",
                   (void *)first, (void *)second);
    printed(text, "a ring with finalizers");
    is_u64(mort_garbage_len(world.heap), 2, "is garbage");
    mort_set(&first->left, NULL);
    said("", "broken by hand, the garbage list still holds both");
    mort_debug(world.heap, 0);
    mort_release(mort_garbage_take(world.heap, 1));
    said("f2 d2", "the second dies");
    mort_release(mort_garbage_take(world.heap, 0));
    said("f1 d1", "and the first");
    world_end(0, "legacy lines");
}

// Finalizer ring that leads to a plain ring; plain ring that leads to a finalizer ring.
static void test_legacy_reach(void) {
    const mort_options options = {.flags = MORT_LEGACY};
    world_start(&options);
    char text[1024];
    struct node *fin = node_new(1);
    mort_set(&fin->left, fin);
    struct node *plain = ring_of_two(world.plain_type, 2);
    mort_set(&fin->right, plain);
    struct node *before = ring_of_two(world.plain_type, 4);
    mort_set(&before->right, fin);
    mort_weak weak = {0};
    (void)mort_weak_set(&weak, fin);
    struct ear ear = {1, 0, 0};
    (void)watch(plain, NULL, &ear);
    mort_release(fin);
    (void)snprintf(text, sizeof(text),
                   "gc: collectable <Plain %p>\n"
                   "gc: collectable <Plain %p>\n"
                   "gc: uncollectable <Node %p>\n"
                   "gc: uncollectable <Plain %p>\n"
                   "gc: uncollectable <Plain %p>\n",
                   (void *)before, (void *)before->left, (void *)fin, (void *)plain,
                   (void *)plain->left);
    mort_debug(world.heap, MORT_DEBUG_COLLECTABLE | MORT_DEBUG_UNCOLLECTABLE);
    is_u64(mort_collect(world.heap, 2), 5, "five are unreachable");
    printed(text, "two may go, three may not");
    is_u64(mort_garbage_len(world.heap), 1, "garbage has the one with a finalizer");
    ok(mort_garbage_peek(world.heap, 0) == fin, "it");
    is_u64(world.death_count, 2, "the plain ring before it is dead");
    ok(mort_weak_peek(&weak) == fin && ear.told == 0, "nothing uncollectable is cleared");
    mort_generation_stats stats;
    ok(mort_stats(world.heap, 2, &stats) == MORT_OK && stats.uncollectable == 3 &&
           stats.collected == 2,
       "stats tell them apart");
    is_u64(mort_collect(world.heap, 2), 0, "they are not tried again");
    mort_debug(world.heap, 0);
    fin = mort_garbage_take(world.heap, 0);
    mort_set(&fin->left, NULL);
    mort_release(fin);
    ok(ear.told == 0 && mort_weak_peek(&weak) == NULL, "broken by hand it dies");
    is_u64(mort_collect(world.heap, 2), 2, "and leaves a plain ring, which is collected");
    ok(ear.told == 1 && ear.why == MORT_DIED, "its watch is told");
    mort_weak_clear(&weak);
    world_end(0, "legacy reach");
}

static mort_weak outside;

static void keep_legacy(struct node *node) {
    say(mort_weak_peek(&outside) == NULL ? "dead" : "alive");
    mort_set(&kept, node);
}

// Weak references and notices first, then the finalizer, every time.
static void test_legacy_order(void) {
    const mort_options options = {.flags = MORT_LEGACY};
    world_start(&options);
    world.on_finalize = keep_legacy;
    kept = NULL;
    memset(&outside, 0, sizeof(outside));
    struct node *node = node_new(1);
    struct ear ears[2] = {{1, 0, 0}, {2, 0, 0}};
    (void)watch(node, NULL, &ears[0]);
    (void)watch(node, NULL, &ears[1]);
    (void)mort_weak_set(&outside, node);
    mort_release(node);
    said("w2 w1 f1 dead", "notices, then the finalizer, which finds weak references empty");
    ok(kept == node, "it lives again");
    mort_set(&kept, NULL);
    said("f1 dead", "and is finalized again");
    world.on_finalize = NULL;
    mort_set(&kept, NULL);
    said("f1 d1", "at each death");
    mort_weak_clear(&outside);
    world_end(0, "legacy order");
}

int main(void) {
    test_ring();
    test_resurrection();
    test_nested();
    test_broken_by_finalizer();
    test_generations();
    test_thresholds(700, 10, 10, 100000, false);
    test_thresholds(0, 0, 0, 100000, false);
    test_thresholds(5, 3, 2, 5000, false);
    test_thresholds(20, 2, 1, 5000, true);
    test_poll();
    test_freeze();
    test_callbacks();
    test_lines();
    test_saveall();
    test_legacy_lines();
    test_legacy_reach();
    test_legacy_order();
    return done_testing();
}
