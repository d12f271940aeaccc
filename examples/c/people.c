// people.c: counting, step by step: who holds a person, and when the person goes.
//
// In C nothing counts a variable for you. A reference that you were given to own (_new, _get,
// _take) is yours until you release it, and every further one that should keep the object alive is
// counted by mort_retain(), mort_set() or mort_array_push().
//
//     cc -std=c11 -Iheap examples/c/people.c heap/*.c && ./a.out
#include <stdio.h>
#include <stdlib.h>

#include "mortmain.h"

enum { PEOPLE = 3 };

struct person {
    mort_object head;
    struct person *friend;
    char name[8];
};
MORT_FIELDS(person, MORT_STRONG(person, friend));

static void person_finalize(void *object) {
    const struct person *person = object;
    printf("Ack! I'm dead! (%s)\n", person->name);
}

static const mort_spec person_spec = {
    .name = "Person",
    .size = sizeof(struct person),
    .fields = person_fields,
    .finalize = person_finalize,
};

// What a module is in Python: an object whose fields are the names of a program.
struct module {
    mort_object head;
    struct person *p1;
};
MORT_FIELDS(module, MORT_STRONG(module, p1));
static const mort_spec module_spec = {
    .name = "module", .size = sizeof(struct module), .fields = module_fields};

static void check(int status) {
    if (status != MORT_OK) {
        fprintf(stderr, "%s\n", mort_strerror(status));
        exit(1);
    }
}

static struct person *person_new(mort_type *type, int number) {
    struct person *person = mort_new(type);
    check(person == NULL ? MORT_ENOMEM : MORT_OK);
    snprintf(person->name, sizeof person->name, "name%d", number);
    return person;
}

static void tell_count(const char *after, const struct person *person) {
    printf("%-24s%u\n", after, mort_refcount(person));
}

static void counts(mort_type *type) {
    struct person *a = person_new(type, 1);
    tell_count("a = Person()", a);
    struct person *b = mort_retain(a);
    tell_count("b = a", a);
    mort_array list = {0};
    check(mort_array_push(&list, a));
    check(mort_array_push(&list, a));
    tell_count("two slots of a list", a);
    mort_give(&b, NULL);
    tell_count("del b", a);
    mort_weak weak = {0};
    check(mort_weak_set(&weak, a));
    tell_count("a weak reference", a);
    mort_release(mort_array_take(&list, list.len - 1));
    tell_count("pop", a);
    mort_array_clear(&list);
    mort_release(a);
    printf("%-24s%s\n", "weak()", mort_weak_peek(&weak) == NULL ? "None" : "alive");
    mort_weak_clear(&weak);  // outside of objects, a weak reference ends by hand
}

// A list lets its items go from the end.
static void list_of_people(mort_type *type) {
    mort_array all_people = {0};
    puts("Before loop");
    for (int i = 0; i < PEOPLE; i++) {
        struct person *person = person_new(type, i);
        check(mort_array_push(&all_people, person));
        mort_release(person);  // the list's reference remains
    }
    puts("After loop, now ending the program");
    mort_array_clear(&all_people);
}

// A list of weak references keeps nobody: each person goes when the variable takes the next one.
static void list_of_weak(mort_type *type) {
    mort_weak all_people[PEOPLE] = {{0}};
    struct person *person = NULL;
    puts("Before loop");
    for (int i = 0; i < PEOPLE; i++) {
        mort_give(&person, person_new(type, i));
        check(mort_weak_set(&all_people[i], person));
    }
    puts("After loop, now ending the program");
    mort_release(person);
    for (int i = 0; i < PEOPLE; i++) {
        mort_weak_clear(&all_people[i]);
    }
}

// In a function of its own: what the function held goes before it returns.
static void meet(mort_type *type) {
    struct person *person = NULL;
    for (int i = 0; i < PEOPLE; i++) {
        mort_give(&person, person_new(type, i));
    }
    mort_release(person);
}

static bool print_referrer(void *context, mort_object *from, const mort_field *field, size_t index,
                           mort_object *to) {
    (void)context;
    (void)index;
    (void)to;
    printf("['%s.%s']\n", mort_type_name(mort_type_of(from)), field->name);
    return true;  // go on
}

// Who holds p1? Every reference of an object has a name; what C's variables hold is the difference
// between the count and what was found. Weak references hold nothing and are not among them.
static void referrers(mort_heap *heap, mort_type *type) {
    mort_type *module_type = NULL;
    check(mort_type_new(&module_type, heap, &module_spec));
    struct module *module = mort_new(module_type);
    check(module == NULL ? MORT_ENOMEM : MORT_OK);
    mort_give(&module->p1, person_new(type, 1));
    size_t found = mort_referrers(module->p1, print_referrer, NULL);
    printf("%zu of %u references\n", found, mort_refcount(module->p1));

    struct person *friend = person_new(type, 2);
    mort_set(&friend->friend, module->p1);  // a ring: each holds the other
    mort_give(&module->p1->friend, friend);
    mort_weakset *known = NULL;
    check(mort_weakset_new(&known, heap));
    check(mort_weakset_add(known, module->p1));
    mort_weak weak = {0};
    check(mort_weak_set(&weak, module->p1));
    mort_give(&module->p1, NULL);
    mort_referrers(mort_weak_peek(&weak), print_referrer, NULL);

    mort_release(known);
    mort_weak_clear(&weak);
    mort_release(module);
    printf("The collector finds %zu.\n", mort_collect(heap, 2));
}

int main(void) {
    mort_heap *heap = NULL;
    mort_type *type = NULL;
    check(mort_heap_new(&heap, NULL));
    check(mort_type_new(&type, heap, &person_spec));
    puts("= Counts =");
    counts(type);
    puts("= A list =");
    list_of_people(type);
    puts("= A list of weak references =");
    list_of_weak(type);
    puts("= In a function =");
    puts("Before loop");
    meet(type);
    puts("After loop, now ending the program");
    puts("= Referrers of p1 =");
    referrers(heap, type);
    return mort_heap_free(heap) != 0;
}
