// age.c: a value that is checked, kept for each object in a map beside it.
//
// The person's struct knows nothing of ages. The map does not count the person, so an age goes with
// the person it belongs to; and a watch tells us that it did.
//
//     cc -std=c11 -Iheap examples/c/age.c heap/*.c && ./a.out
#include <stdio.h>
#include <stdlib.h>

#include "mortmain.h"

enum { AGE_MIN = 0, AGE_MAX = 120 };

struct person {
    mort_object head;
};
static const mort_spec person_spec = {.name = "Person", .size = sizeof(struct person)};

struct years {
    mort_object head;
    int count;
};
static const mort_spec years_spec = {.name = "Years", .size = sizeof(struct years)};

// What Python would call a descriptor: it is asked for an attribute of other objects.
struct age {
    mort_keymap *ages;
    mort_type *years_type;
};

static void check(int status) {
    if (status != MORT_OK) {
        fprintf(stderr, "%s\n", mort_strerror(status));
        exit(1);
    }
}

// False, and nothing changed, if nobody is that old.
static bool age_set(struct age *age, struct person *person, int count) {
    if (count < AGE_MIN) {
        printf("Age of %d < %d, the minimum\n", count, AGE_MIN);
        return false;
    }
    if (count > AGE_MAX) {
        printf("Age of %d > %d, the maximum\n", count, AGE_MAX);
        return false;
    }
    struct years *years = mort_new(age->years_type);
    check(years == NULL ? MORT_ENOMEM : MORT_OK);
    years->count = count;
    check(mort_keymap_set(age->ages, person, years));  // replaces, and lets the old one go
    mort_release(years);
    return true;
}

static int age_get(const struct age *age, const struct person *person) {
    const struct years *years = mort_keymap_peek(age->ages, person);
    return years == NULL ? -1 : years->count;
}

// A notice comes once: when the person is dead, or when the watch ended before. The person cannot
// be asked for anything any more, so what is to be said is the context.
static void say_goodbye(mort_heap *heap, void *context, int why) {
    (void)heap;
    if (why == MORT_DIED) {
        printf("Sadly, %s is gone.\n", (const char *)context);
    }
}

int main(void) {
    mort_heap *heap = NULL;
    mort_type *person_type = NULL;
    struct age age = {NULL, NULL};
    check(mort_heap_new(&heap, NULL));
    check(mort_type_new(&person_type, heap, &person_spec));
    check(mort_type_new(&age.years_type, heap, &years_spec));
    check(mort_keymap_new(&age.ages, heap, MORT_EPHEMERON));

    struct person *person = mort_new(person_type);
    check(person == NULL ? MORT_ENOMEM : MORT_OK);
    char name[] = "name1";
    check(mort_watch(NULL, person, NULL, say_goodbye, name));

    age_set(&age, person, 51);
    printf("%d\n", age_get(&age, person));
    age_set(&age, person, -1);
    age_set(&age, person, 121);
    printf("%d\n", age_get(&age, person));

    mort_release(person);
    printf("%zu ages are left.\n", mort_keymap_len(age.ages));
    mort_release(age.ages);
    return mort_heap_free(heap) != 0;
}
