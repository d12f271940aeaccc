// Heaps to take snapshots of: every kind of reference, and what goes wrong with a file.
//
//     heap_snapshot every PATH    one of everything, at addresses that are the same in every run
//     heap_snapshot family PATH   children that lead back to their parents wait for the collector
//     heap_snapshot large PATH    many objects, one of them with an array of many
//     heap_snapshot errors PATH   paths at which no file can be
//     heap_snapshot limit PATH    a disk that is full after 4 KiB, over a file that stands there
//     heap_snapshot memory PATH   each allocation of mort_snapshot() fails once
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "mortmain_snapshot.h"

#define CHECK(condition)                                            \
    do {                                                            \
        if (!(condition)) {                                         \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
            exit(1);                                                \
        }                                                           \
    } while (0)

typedef struct school school;
struct school {
    mort_object head;
    long pupils;
};
static const mort_spec school_spec = {"School", sizeof(school), NULL, NULL, NULL};

typedef struct person person;
struct person {
    mort_object head;
    person *boss;
    mort_weak school;
    mort_array friends;
    mort_object *secret;
    mort_array enemies;
};
MORT_FIELDS(person, MORT_STRONG(person, boss), MORT_WEAK(person, school),
            MORT_ARRAY(person, friends), MORT_STRONG_ANY(person, secret),
            MORT_ARRAY(person, enemies));
static const mort_spec person_spec = {"Person", sizeof(person), person_fields, NULL, NULL};

typedef struct registry registry;
struct registry {
    mort_object head;
    mort_keymap *ages;
    mort_keymap *owned;
    mort_valuemap *by_name;
    mort_weakset *seen;
};
MORT_FIELDS(registry, MORT_STRONG(registry, ages), MORT_STRONG(registry, owned),
            MORT_STRONG(registry, by_name), MORT_STRONG(registry, seen));
static const mort_spec registry_spec = {"Registry", sizeof(registry), registry_fields, NULL, NULL};

typedef struct child child;
typedef struct parent parent;
struct parent {
    mort_object head;
    mort_array children;
    char work[200000];
};
struct child {
    mort_object head;
    parent *parent;
};
MORT_FIELDS(parent, MORT_ARRAY(parent, children));
MORT_FIELDS(child, MORT_STRONG(child, parent));
static const mort_spec parent_spec = {"Parent", sizeof(parent), parent_fields, NULL, NULL};
static const mort_spec child_spec = {"Child", sizeof(child), child_fields, NULL, NULL};

// ---- an allocator without chance ----------------------------------------------------------------

enum { ARENA_BYTES = 1 << 20 };
#define ARENA_ADDRESS ((void *)0x200000000000)

typedef struct arena {
    char *at;
    char *end;
} arena;

static void *arena_alloc(void *context, size_t bytes) {
    arena *a = context;
    size_t rounded = (bytes + 15) / 16 * 16;
    if ((size_t)(a->end - a->at) < rounded) {
        return NULL;
    }
    a->at += rounded;
    return a->at - rounded;
}

static void arena_free(void *context, void *memory, size_t bytes) {
    (void)context;
    (void)memory;
    (void)bytes;
}

static void no_line(void *context, const char *line) {
    (void)context;
    (void)line;
}

static mort_heap *heap_at_fixed_address(arena *a) {
    a->at = mmap(ARENA_ADDRESS, ARENA_BYTES, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    CHECK(a->at == ARENA_ADDRESS);
    a->end = a->at + ARENA_BYTES;
    mort_options options = {
        .alloc = arena_alloc, .free = arena_free, .line = no_line, .context = a};
    mort_heap *heap = NULL;
    CHECK(mort_heap_new(&heap, &options) == 0);
    return heap;
}

static mort_type *type_in(mort_heap *heap, const mort_spec *spec) {
    mort_type *type = NULL;
    CHECK(mort_type_new(&type, heap, spec) == 0);
    return type;
}

// ---- heaps --------------------------------------------------------------------------------------

static person *people_fill(mort_type *person_type, school *place, mort_array *all) {
    for (int i = 0; i < 4; i++) {
        person *fresh = mort_new(person_type);
        CHECK(fresh != NULL);
        CHECK(mort_weak_set(&fresh->school, place) == 0);
        CHECK(mort_array_push(all, fresh) == 0);
        mort_release(fresh);
    }
    person *ann = mort_array_peek(all, 0);
    person *bob = mort_array_peek(all, 1);
    person *cid = mort_array_peek(all, 2);
    person *dan = mort_array_peek(all, 3);
    mort_set(&bob->boss, ann);
    mort_set(&cid->boss, bob);
    CHECK(mort_array_push(&ann->friends, bob) == 0);
    CHECK(mort_array_push(&ann->friends, cid) == 0);
    CHECK(mort_array_push(&ann->enemies, dan) == 0);
    mort_set(&dan->secret, place);
    return ann;
}

static void registry_fill(registry *all, mort_heap *heap, mort_type *person_type, person *ann,
                          person *bob) {
    CHECK(mort_keymap_new(&all->ages, heap, MORT_EPHEMERON) == 0);
    CHECK(mort_keymap_new(&all->owned, heap, 0) == 0);
    CHECK(mort_valuemap_new(&all->by_name, heap) == 0);
    CHECK(mort_weakset_new(&all->seen, heap) == 0);
    // An ephemeron's value that leads back to its key, and one of an owning map.
    person *twin = mort_new(person_type);
    person *heir = mort_new(person_type);
    mort_set(&twin->boss, ann);
    CHECK(mort_keymap_set(all->ages, ann, twin) == 0);
    CHECK(mort_keymap_set(all->owned, bob, heir) == 0);
    CHECK(mort_valuemap_set(all->by_name, "ann", 3, ann) == 0);
    CHECK(mort_weakset_add(all->seen, ann) == 0);
    CHECK(mort_weakset_add(all->seen, bob) == 0);
    mort_release(twin);
    mort_release(heir);
}

static void every(const char *path) {
    arena a;
    mort_heap *heap = heap_at_fixed_address(&a);
    mort_type *person_type = type_in(heap, &person_spec);
    mort_type *school_type = type_in(heap, &school_spec);
    mort_type *registry_type = type_in(heap, &registry_spec);
    // Two references to the school; three to each of the first people, of which C has one more.
    school *place = mort_new(school_type);
    mort_array all = {NULL, 0};
    person *ann = people_fill(person_type, place, &all);
    person *bob = mort_array_peek(&all, 1);
    registry *maps = mort_new(registry_type);
    registry_fill(maps, heap, person_type, ann, bob);
    (void)mort_retain(bob);
    mort_array_clear(&all);
    // A ring that was found and saved, and one that waits.
    for (int i = 0; i < 2; i++) {
        person *left = mort_new(person_type);
        person *right = mort_new(person_type);
        mort_set(&left->boss, right);
        mort_give(&right->boss, left);
        mort_release(right);
        if (i == 0) {
            mort_debug(heap, MORT_DEBUG_SAVEALL);
            CHECK(mort_collect(heap, 2) == 2);
            CHECK(mort_garbage_len(heap) == 2);
            mort_debug(heap, 0);
        }
    }
    // One that never dies.
    school *rock = mort_new(school_type);
    rock->head.refs = MORT_REFS_SATURATED;
    CHECK(mort_snapshot(heap, path) == 0);
    printf("%zu objects\n", mort_len(heap));
}

static void family(const char *path) {
    mort_heap *heap = NULL;
    CHECK(mort_heap_new(&heap, NULL) == 0);
    mort_type *parent_type = type_in(heap, &parent_spec);
    mort_type *child_type = type_in(heap, &child_spec);
    for (int i = 0; i < 10; i++) {
        parent *above = mort_new(parent_type);
        for (int k = 0; k < 3; k++) {
            child *below = mort_new(child_type);
            mort_set(&below->parent, above);
            CHECK(mort_array_push(&above->children, below) == 0);
            mort_release(below);
        }
        mort_release(above);
    }
    CHECK(mort_snapshot(heap, path) == 0);
    CHECK(mort_collect(heap, 2) == 40);
    CHECK(mort_heap_free(heap) == 0);
}

static void large(const char *path) {
    mort_heap *heap = NULL;
    mort_heap *other = NULL;
    CHECK(mort_heap_new(&heap, NULL) == 0);
    CHECK(mort_heap_new(&other, NULL) == 0);
    mort_type *person_type = type_in(heap, &person_spec);
    mort_type *stranger_type = type_in(other, &person_spec);
    person *all = mort_new(person_type);
    person *before = NULL;
    for (int i = 0; i < 200000; i++) {
        person *fresh = mort_new(person_type);
        CHECK(fresh != NULL);
        mort_set(&fresh->boss, before);
        before = fresh;
        CHECK(mort_array_push(&all->friends, fresh) == 0);
        mort_release(fresh);
    }
    // Another heap's object: its reference counts there as held by C.
    person *stranger = mort_new(stranger_type);
    mort_set(&stranger->boss, before);
    CHECK(mort_snapshot(heap, path) == 0);
    mort_release(stranger);
    mort_release(all);
    CHECK(mort_heap_free(other) == 0);
    CHECK(mort_heap_free(heap) == 0);
}

// ---- what goes wrong ----------------------------------------------------------------------------

static mort_heap *heap_of_people(int count, person **ret) {
    mort_heap *heap = NULL;
    CHECK(mort_heap_new(&heap, NULL) == 0);
    mort_type *person_type = type_in(heap, &person_spec);
    *ret = mort_new(person_type);
    for (int i = 1; i < count; i++) {
        person *fresh = mort_new(person_type);
        CHECK(mort_array_push(&(*ret)->friends, fresh) == 0);
        mort_release(fresh);
    }
    return heap;
}

static void errors(const char *path) {
    char below[4096];
    person *all = NULL;
    mort_heap *heap = heap_of_people(3, &all);
    CHECK(mort_snapshot(NULL, path) == MORT_EINVAL);
    CHECK(mort_snapshot(heap, NULL) == MORT_EINVAL);
    CHECK(mort_snapshot(heap, "") == MORT_EINVAL);
    (void)snprintf(below, sizeof(below), "%s/nowhere/x.mort", path);
    errno = 0;
    CHECK(mort_snapshot(heap, below) == MORT_EIO);
    CHECK(errno == ENOENT);
    CHECK(mort_snapshot(heap, path) == MORT_EINVAL);  // a folder
    CHECK(strcmp(mort_snapshot_strerror(MORT_EIO), mort_snapshot_strerror(MORT_EINVAL)) != 0);
    CHECK(strcmp(mort_snapshot_strerror(MORT_ENOMEM), mort_strerror(MORT_ENOMEM)) == 0);
    mort_release(all);
    CHECK(mort_heap_free(heap) == 0);
}

static void limit(const char *path) {
    struct rlimit most = {4096, 4096};
    person *all = NULL;
    mort_heap *heap = heap_of_people(20000, &all);
    CHECK(setrlimit(RLIMIT_FSIZE, &most) == 0);
    errno = 0;
    CHECK(mort_snapshot(heap, path) == MORT_EIO);
    CHECK(errno == EFBIG);
    mort_release(all);
    CHECK(mort_heap_free(heap) == 0);
}

#ifdef WRAP_MALLOC
// The linker sends calls of malloc here: see test_heap_snapshot.py.
static long allocations_left = -1;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);

static int fails(void) {
    return allocations_left >= 0 && allocations_left-- == 0;
}

void *__wrap_malloc(size_t bytes) {
    return fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes) {
    return fails() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes) {
    return fails() ? NULL : __real_realloc(memory, bytes);
}

static void memory(const char *path) {
    person *all = NULL;
    mort_heap *heap = heap_of_people(10, &all);
    long failed = 0;
    for (int code = MORT_ENOMEM; code != 0; failed++) {
        allocations_left = failed;
        code = mort_snapshot(heap, path);
        CHECK(code == 0 || code == MORT_ENOMEM);
    }
    allocations_left = -1;
    printf("%ld allocations failed\n", failed - 1);
    mort_release(all);
    CHECK(mort_heap_free(heap) == 0);
}
#endif

typedef void command(const char *path);

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        command *run;
    } commands[] = {
        {"every", every},   {"family", family}, {"large", large},
        {"errors", errors}, {"limit", limit},
#ifdef WRAP_MALLOC
        {"memory", memory},
#endif
    };
    for (size_t i = 0; argc == 3 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            commands[i].run(argv[2]);
            return 0;
        }
    }
    return 2;
}
