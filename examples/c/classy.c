// classy.c: an object that refers to itself, seen through the collector's own lines.
//
// In Python 2 an instance and its attributes are two objects, and so they are here: the instance
// holds its dict, and the dict holds the instance under the name `self`. Python 2 cannot collect
// that, since the instance has a finalizer; it puts it into a list for somebody to look at. Python
// 3 can. The debug flags show both, in CPython's words.
//
//     cc -std=c11 -Iheap examples/c/classy.c heap/*.c && ./a.out
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mortmain.h"

struct dict {
    mort_object head;
    mort_object *self;  // an object of any type
};
MORT_FIELDS(dict, MORT_STRONG_ANY(dict, self));
static const mort_spec dict_spec = {
    .name = "dict", .size = sizeof(struct dict), .fields = dict_fields};

struct classy {
    mort_object head;
    struct dict *dict;
};
MORT_FIELDS(classy, MORT_STRONG(classy, dict));

static void classy_finalize(void *object) {
    (void)object;
    puts("I have been garbage collected");
}

static const mort_spec classy_spec = {
    .name = "ClassyClass",
    .size = sizeof(struct classy),
    .fields = classy_fields,
    .finalize = classy_finalize,
};

static void check(int status) {
    if (status != MORT_OK) {
        fprintf(stderr, "%s\n", mort_strerror(status));
        exit(1);
    }
}

// A heap and its two types; its lines go to stdout, between our own.
struct world {
    mort_heap *heap;
    mort_type *dict_type;
    mort_type *classy_type;
};

static void print_line(void *context, const char *line) {
    (void)context;
    puts(line);
}

static void world_begin(struct world *world, unsigned flags, unsigned debug) {
    check(mort_heap_new(&world->heap, &(mort_options){.line = print_line, .flags = flags}));
    check(mort_type_new(&world->dict_type, world->heap, &dict_spec));
    check(mort_type_new(&world->classy_type, world->heap, &classy_spec));
    mort_debug(world->heap, debug);
}

static struct classy *classy_new(const struct world *world) {
    struct classy *classy = mort_new(world->classy_type);
    struct dict *dict = mort_new(world->dict_type);
    check(classy == NULL || dict == NULL ? MORT_ENOMEM : MORT_OK);
    mort_set(&dict->self, &classy->head);  // dict -> instance
    mort_give(&classy->dict, dict);        // instance -> dict, with the reference of mort_new()
    return classy;
}

static void print_classy(const void *classy) {
    printf("<__main__.ClassyClass object at %p>", classy);
}

static bool is_dict(const void *object) {
    return strcmp(mort_type_name(mort_type_of(object)), "dict") == 0;
}

static void print_garbage(const mort_heap *heap) {
    printf("Uncollectable garbage [");
    for (size_t i = 0; i < mort_garbage_len(heap); i++) {
        const void *object = mort_garbage_peek(heap, i);
        fputs(i == 0 ? "" : ", ", stdout);
        if (is_dict(object)) {
            printf("{'self': ");
            print_classy(((const struct dict *)object)->self);
            printf("}");
        } else {
            print_classy(object);
        }
    }
    puts("]");
}

// What a person does who looked at the garbage: open the ring, let go.
static void break_by_hand(mort_heap *heap) {
    if (mort_garbage_len(heap) != 0) {
        puts("The ring is opened.");
    }
    while (mort_garbage_len(heap) != 0) {
        void *object = mort_garbage_take(heap, 0);
        if (is_dict(object)) {
            mort_give(&((struct dict *)object)->self, NULL);
        } else {
            mort_give(&((struct classy *)object)->dict, NULL);
        }
        mort_release(object);
    }
}

static void show(const char *title, unsigned flags, unsigned debug) {
    struct world world;
    printf("== %s ==\n", title);
    world_begin(&world, flags, debug);
    mort_release(classy_new(&world));  // nobody needs it; only it itself
    puts("= Forcing full collection =");
    mort_collect(world.heap, 2);
    print_garbage(world.heap);
    break_by_hand(world.heap);
    mort_debug(world.heap, 0);
    printf("%zu left at the end\n", mort_heap_free(world.heap));
}

// A finalizer is no promise. What the program itself still holds at the end does not get one:
// mort_heap_free() says how many those were.
static void held_at_the_end(void) {
    struct world world;
    puts("== Held at the end ==");
    world_begin(&world, 0, 0);
    struct classy *held = classy_new(&world);
    printf("%u references\n", mort_refcount(held));
    printf("%zu left at the end\n", mort_heap_free(world.heap));
}

int main(void) {
    unsigned noisy = MORT_DEBUG_LEAK | MORT_DEBUG_STATS;
    show("Python 2, no flags", MORT_LEGACY, 0);
    show("Python 2, DEBUG_UNCOLLECTABLE", MORT_LEGACY, MORT_DEBUG_UNCOLLECTABLE);
    show("Python 2, DEBUG_LEAK | DEBUG_STATS", MORT_LEGACY, noisy);
    show("Python 3, no flags", 0, 0);
    show("Python 3, DEBUG_LEAK | DEBUG_STATS", 0, noisy);
    held_at_the_end();
    return 0;
}
