// observers.c: tell everybody who still listens, without keeping anybody alive.
//
// Two ways. Weak references in an array read NULL once their object is dead: skip those. But nobody
// takes them out of the array, so it only grows. A mort_weakset forgets the dead by itself.
//
//     cc -std=c11 -Iheap examples/c/observers.c heap/*.c && ./a.out
#include <stdio.h>
#include <stdlib.h>

#include "mortmain.h"

enum { OBSERVERS = 3 };

struct observer {
    mort_object head;
    const char *name;
};
static const mort_spec observer_spec = {.name = "Observer", .size = sizeof(struct observer)};

static void check(int status) {
    if (status != MORT_OK) {
        fprintf(stderr, "%s\n", mort_strerror(status));
        exit(1);
    }
}

static struct observer *observer_new(mort_type *type, const char *name) {
    struct observer *observer = mort_new(type);
    check(observer == NULL ? MORT_ENOMEM : MORT_OK);
    observer->name = name;
    return observer;
}

static void hear(const struct observer *observer, const char *message) {
    printf("Message for %s: %s\n", observer->name, message);
}

// mort_weak_get() owns what it gives: whatever hear() does, its observer lives until the release.
static void tell_array(const mort_weak *observers, size_t count, const char *message) {
    for (size_t i = 0; i < count; i++) {
        struct observer *observer = mort_weak_get(&observers[i]);
        if (observer != NULL) {
            hear(observer, message);
        }
        mort_release(observer);  // NULL is fine
    }
}

static void tell_set(const mort_weakset *observers, const char *message) {
    mort_cursor at = {0};
    struct observer *observer = NULL;
    while ((observer = mort_weakset_next(observers, &at)) != NULL) {
        hear(observer, message);
        mort_release(observer);
    }
}

int main(void) {
    mort_heap *heap = NULL;
    mort_type *type = NULL;
    check(mort_heap_new(&heap, NULL));
    check(mort_type_new(&type, heap, &observer_spec));
    struct observer *p2 = observer_new(type, "name2");
    struct observer *p3 = observer_new(type, "name3");
    struct observer *p4 = observer_new(type, "name4");

    mort_weak array[OBSERVERS] = {{0}};
    check(mort_weak_set(&array[0], p2));
    check(mort_weak_set(&array[1], p3));
    check(mort_weak_set(&array[2], p4));
    mort_weakset *set = NULL;
    check(mort_weakset_new(&set, heap));
    check(mort_weakset_add(set, p2));
    check(mort_weakset_add(set, p3));
    check(mort_weakset_add(set, p4));

    tell_array(array, OBSERVERS, "Hello!");
    puts("del(p2)");
    mort_release(p2);
    tell_array(array, OBSERVERS, "Hello again!");
    puts("The set:");
    tell_set(set, "Hello again!");
    printf("The array has %d places, the set %zu members.\n", OBSERVERS, mort_weakset_len(set));

    // A walk owns the member it is at: that one dies when the walk goes on.
    mort_cursor at = {0};
    struct observer *current = mort_weakset_next(set, &at);
    mort_release(p3);
    printf("While the walk is at %s: %zu\n", current->name, mort_weakset_len(set));
    mort_release(current);
    printf("After it: %zu\n", mort_weakset_len(set));

    for (size_t i = 0; i < OBSERVERS; i++) {
        mort_weak_clear(&array[i]);
    }
    mort_release(set);
    mort_release(p4);
    return mort_heap_free(heap) != 0;
}
