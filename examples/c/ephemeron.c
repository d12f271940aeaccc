// ephemeron.c: a map whose values lead back to their keys, and that lets go all the same.
//
// A map with weak keys owns its values. If a value refers to its key, even along a detour, the map
// holds the value, the value holds the key, and the key keeps its entry: for ever, in Python's
// WeakKeyDictionary and in many a WeakMap. With MORT_EPHEMERON an entry holds its value only as
// long as something else holds the key; the collector sees to that.
//
//     cc -std=c11 -Iheap examples/c/ephemeron.c heap/*.c && ./a.out
#include <stdio.h>
#include <stdlib.h>

#include "mortmain.h"

struct element {
    mort_object head;
    const char *name;
};
static const mort_spec element_spec = {.name = "Element", .size = sizeof(struct element)};

// What a layout knows of an element: and it knows the element, too.
struct layout {
    mort_object head;
    struct element *element;
};
MORT_FIELDS(layout, MORT_STRONG(layout, element));
static const mort_spec layout_spec = {
    .name = "Layout", .size = sizeof(struct layout), .fields = layout_fields};

static void check(int status) {
    if (status != MORT_OK) {
        fprintf(stderr, "%s\n", mort_strerror(status));
        exit(1);
    }
}

static void say(mort_heap *heap, void *context, int why) {
    (void)heap;
    if (why == MORT_DIED) {
        printf("%s died\n", (const char *)context);
    }
}

static void show(unsigned flags) {
    mort_heap *heap = NULL;
    mort_type *element_type = NULL;
    mort_type *layout_type = NULL;
    mort_keymap *layouts = NULL;
    check(mort_heap_new(&heap, NULL));
    check(mort_type_new(&element_type, heap, &element_spec));
    check(mort_type_new(&layout_type, heap, &layout_spec));
    check(mort_keymap_new(&layouts, heap, flags));

    struct element *element = mort_new(element_type);
    struct layout *layout = mort_new(layout_type);
    check(element == NULL || layout == NULL ? MORT_ENOMEM : MORT_OK);
    char name[] = "the element";
    check(mort_watch(NULL, element, NULL, say, name));
    mort_set(&layout->element, element);  // the value leads back to its key
    check(mort_keymap_set(layouts, element, layout));
    mort_release(layout);

    mort_collect(heap, 2);
    printf("in use: %zu\n", mort_keymap_len(layouts));
    mort_release(element);
    mort_collect(heap, 2);
    printf("value leads back: %zu\n", mort_keymap_len(layouts));

    puts("without the map:");
    mort_release(layouts);
    mort_heap_free(heap);
}

int main(void) {
    puts("= A map that owns its values =");
    show(0);
    puts("= MORT_EPHEMERON =");
    show(MORT_EPHEMERON);
    return 0;
}
