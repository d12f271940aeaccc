// ring.c: what happens when two objects hold each other, and how an object may save itself.
//
// By counting, a ring never goes. The collector finds it, tells the watches from outside, lets each
// finalizer speak once while everything is still whole, and takes down what nobody saved. In a
// heap made with MORT_LEGACY, Python 2's rule, a ring with a finalizer is not touched at all.
//
//     cc -std=c11 -Iheap examples/c/ring.c heap/*.c && ./a.out
#include <stdio.h>
#include <stdlib.h>

#include "mortmain.h"

struct thing {
    mort_object head;
    struct thing *other;
    const char *name;
    struct thing **shelf;  // a variable that saves the dying; NULL: none
};
MORT_FIELDS(thing, MORT_STRONG(thing, other));

static void thing_finalize(void *object) {
    struct thing *thing = object;
    printf("del %s\n", thing->name);
    if (thing->shelf != NULL) {
        mort_set(thing->shelf, thing);  // counted again: it lives on
    }
}

static const mort_spec thing_spec = {
    .name = "Thing",
    .size = sizeof(struct thing),
    .fields = thing_fields,
    .finalize = thing_finalize,
};

static void check(int status) {
    if (status != MORT_OK) {
        fprintf(stderr, "%s\n", mort_strerror(status));
        exit(1);
    }
}

static struct thing *thing_new(mort_type *type, const char *name) {
    struct thing *thing = mort_new(type);
    check(thing == NULL ? MORT_ENOMEM : MORT_OK);
    thing->name = name;
    return thing;
}

static void print_weak(const char *before, const mort_weak *weak) {
    const struct thing *thing = mort_weak_peek(weak);
    printf("%s %s\n", before, thing == NULL ? "None" : thing->name);
}

static void died(mort_heap *heap, void *context, int why) {
    (void)heap;
    if (why == MORT_DIED) {
        print_weak("callback", context);
    }
}

// Two things that hold each other. The caller owns the first.
static struct thing *ring_new(mort_type *type, const char *first, const char *second) {
    struct thing *a = thing_new(type, first);
    struct thing *b = thing_new(type, second);
    mort_set(&b->other, a);   // counts a once more
    mort_give(&a->other, b);  // b's only reference is a's now
    return a;
}

static void ring_of_two(mort_heap *heap, mort_type *type) {
    struct thing *a = ring_new(type, "a", "b");
    mort_weak weak = {0};
    check(mort_weak_set(&weak, a));
    check(mort_watch(NULL, a, NULL, died, &weak));
    mort_release(a);
    print_weak("released:", &weak);
    printf("%zu unreachable\n", mort_collect(heap, 2));
    print_weak("w() is", &weak);

    // Only a legacy heap has garbage now. Whoever opens the ring by hand frees it.
    while (mort_garbage_len(heap) != 0) {
        struct thing *garbage = mort_garbage_take(heap, 0);
        printf("garbage: %s\n", garbage->name);
        mort_give(&garbage->other, NULL);
        mort_release(garbage);
    }
    mort_weak_clear(&weak);
}

static void saved(mort_type *type) {
    struct thing *shelf = NULL;
    struct thing *phoenix = thing_new(type, "phoenix");
    phoenix->shelf = &shelf;
    mort_weak weak = {0};
    check(mort_weak_set(&weak, phoenix));
    mort_release(phoenix);
    printf("%s lives on\n", shelf->name);
    print_weak("w() is", &weak);
    shelf->shelf = NULL;
    puts("dropped for good");
    mort_give(&shelf, NULL);
    mort_weak_clear(&weak);
}

static void show(unsigned flags) {
    mort_heap *heap = NULL;
    mort_type *type = NULL;
    check(mort_heap_new(&heap, &(mort_options){.flags = flags}));
    check(mort_type_new(&type, heap, &thing_spec));
    ring_of_two(heap, type);
    saved(type);

    puts("a ring is left to the end");
    mort_release(ring_new(type, "c", "d"));
    mort_heap_free(heap);
}

int main(void) {
    puts("= By Python 3's rules =");
    show(0);
    puts("= By Python 2's rules =");
    show(MORT_LEGACY);
    return 0;
}
