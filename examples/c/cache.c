// cache.c: a cache that shares what somebody uses, and forgets what nobody does.
//
// A mort_valuemap leads from bytes to objects, and does not count them: as long as an object lives
// anywhere, the next one who asks gets the same; when its last user lets go, the entry goes too.
//
//     cc -std=c11 -Iheap examples/c/cache.c heap/*.c && ./a.out
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mortmain.h"

struct picture {
    mort_object head;
    char name[8];
};

static void picture_finalize(void *object) {
    const struct picture *picture = object;
    printf("del %s\n", picture->name);
}

static const mort_spec picture_spec = {
    .name = "Picture", .size = sizeof(struct picture), .finalize = picture_finalize};

static void check(int status) {
    if (status != MORT_OK) {
        fprintf(stderr, "%s\n", mort_strerror(status));
        exit(1);
    }
}

// The picture of that name: the one in use, or a new one. The caller owns a reference to it.
static struct picture *picture_load(mort_valuemap *cache, mort_type *type, const char *name) {
    struct picture *picture = mort_valuemap_get(cache, name, strlen(name));
    if (picture == NULL) {
        picture = mort_new(type);
        check(picture == NULL ? MORT_ENOMEM : MORT_OK);
        snprintf(picture->name, sizeof picture->name, "%s", name);
        check(mort_valuemap_set(cache, name, strlen(name), picture));
    }
    return picture;
}

static const char *truth(bool is_true) {
    return is_true ? "True" : "False";
}

int main(void) {
    mort_heap *heap = NULL;
    mort_type *type = NULL;
    mort_valuemap *cache = NULL;
    check(mort_heap_new(&heap, NULL));
    check(mort_type_new(&type, heap, &picture_spec));
    check(mort_valuemap_new(&cache, heap));

    struct picture *a = picture_load(cache, type, "k");
    struct picture *again = picture_load(cache, type, "k");
    printf("d['k'] is a: %s\n", truth(again == a));
    printf("len %zu\n", mort_valuemap_len(cache));
    mort_release(again);
    mort_release(a);

    printf("len %zu\n", mort_valuemap_len(cache));
    printf("get: %s\n", mort_valuemap_peek(cache, "k", 1) == NULL ? "None" : "an object");
    // Where an entry must be there, an object that is not is the caller's error: KeyError.
    if (mort_valuemap_del(cache, "k", 1) == MORT_ENOENT) {
        puts("KeyError: 'k'");
    }

    puts("A temporary is gone at once:");
    mort_release(picture_load(cache, type, "temp"));
    printf("len %zu\n", mort_valuemap_len(cache));

    mort_release(cache);
    return mort_heap_free(heap) != 0;
}
