// callbacks.c: being told of a death, and asking for what may be dead.
//
// A watch is told once that its object died, when every weak reference to it reads NULL already. A
// weak reference that is asked by mort_weak_need() behaves as Python's proxy: the object, or an
// error.
//
//     cc -std=c11 -Iheap examples/c/callbacks.c heap/*.c && ./a.out
#include <stdio.h>
#include <stdlib.h>

#include "mortmain.h"

struct person {
    mort_object head;
    const char *name;
};

static void person_finalize(void *object) {
    const struct person *person = object;
    printf("Ack! I'm dead! (%s)\n", person->name);
}

static const mort_spec person_spec = {
    .name = "Person", .size = sizeof(struct person), .finalize = person_finalize};

static void check(int status) {
    if (status != MORT_OK) {
        fprintf(stderr, "%s\n", mort_strerror(status));
        exit(1);
    }
}

// Prints what Python's proxy would give or raise.
static void print_name(const mort_weak *proxy) {
    void *person = NULL;
    if (mort_weak_need(proxy, &person) == MORT_OK) {
        printf("%s\n", ((struct person *)person)->name);
        mort_release(person);  // _need gave us a reference of our own
    } else {
        puts("ReferenceError: weakly-referenced object no longer exists");
    }
}

static void boo_hoo(mort_heap *heap, void *context, int why) {
    (void)heap;
    const mort_weak *proxy = context;
    if (why == MORT_DIED && mort_weak_peek(proxy) == NULL) {
        printf("Boo hoo: weakref %p is refless!\n", context);
    }
}

static void say(mort_heap *heap, void *context, int why) {
    (void)heap;
    printf("%s%s\n", (const char *)context, why == MORT_DROPPED ? ": dropped" : "");
}

// In Python 3 the object speaks first and its watches after it; in Python 2, which MORT_LEGACY
// follows, it is the other way round.
static void one_death(unsigned flags) {
    mort_heap *heap = NULL;
    mort_type *type = NULL;
    check(mort_heap_new(&heap, &(mort_options){.flags = flags}));
    check(mort_type_new(&type, heap, &person_spec));
    struct person *p1 = mort_new(type);
    check(p1 == NULL ? MORT_ENOMEM : MORT_OK);
    p1->name = "name1";
    mort_weak p2 = {0};
    check(mort_weak_set(&p2, p1));
    check(mort_watch(NULL, p1, NULL, boo_hoo, &p2));

    printf("Before deleting, p2.name = ");
    print_name(&p2);
    puts("Deleting");
    mort_release(p1);
    puts("Done deleting");
    print_name(&p2);

    mort_weak_clear(&p2);
    mort_heap_free(heap);
}

// Of several watches the newest is told first. Each is told exactly once, so that it can free its
// context: also one that ends before its object does.
static void many_watches(void) {
    mort_heap *heap = NULL;
    mort_type *type = NULL;
    check(mort_heap_new(&heap, NULL));
    check(mort_type_new(&type, heap, &person_spec));
    struct person *target = mort_new(type);
    struct person *owner = mort_new(type);
    check(target == NULL || owner == NULL ? MORT_ENOMEM : MORT_OK);
    target->name = "target";
    owner->name = "owner";

    char first[] = "first made";
    char second[] = "second made";
    char ended[] = "ended by hand";
    char owned[] = "ended with its owner";
    mort_ticket ticket = 0;
    check(mort_watch(NULL, target, NULL, say, first));
    check(mort_watch(NULL, target, NULL, say, second));
    check(mort_watch(&ticket, target, NULL, say, ended));
    check(mort_watch(NULL, target, owner, say, owned));
    check(mort_unwatch(heap, ticket));
    mort_release(owner);
    mort_release(target);
    mort_heap_free(heap);
}

int main(void) {
    puts("= The order of Python 3 =");
    one_death(0);
    puts("= The order of Python 2 =");
    one_death(MORT_LEGACY);
    puts("= Several watches =");
    many_watches();
    return 0;
}
