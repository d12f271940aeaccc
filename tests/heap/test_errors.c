// Each code where the header promises it, and that a refused call changed nothing.
#include "world.h"

// ---- bad tables and arguments -------------------------------------------------------------------

static int type_with(size_t size, const mort_field *fields) {
    const mort_spec spec = {"Bad", size, fields, NULL, NULL};
    mort_type *type = world.node_type;
    const size_t blocks = world.live_blocks;
    const int code = mort_type_new(&type, world.heap, &spec);
    ok(code == MORT_OK || (type == world.node_type && world.live_blocks == blocks),
       "a refused type leaves nothing");
    return code;
}

static void test_tables(void) {
    world_start(NULL);
    enum { HEAD = sizeof(mort_object), SIZE = sizeof(mort_object) + 64 };
    const mort_field end = {NULL, 0, MORT_KIND_END, 0};
    ok(type_with(HEAD, NULL) == MORT_OK, "no fields");
    ok(type_with(HEAD, &end) == MORT_OK, "an empty table");
    ok(type_with(HEAD - 1, NULL) == MORT_EINVAL, "smaller than a header");
    ok(type_with(0, NULL) == MORT_EINVAL, "no size");
    const mort_field in_head[] = {{"a", HEAD - 8, MORT_KIND_STRONG, 8}, end};
    ok(type_with(SIZE, in_head) == MORT_EINVAL, "a field in the header");
    const mort_field behind[] = {{"a", SIZE, MORT_KIND_STRONG, 8}, end};
    ok(type_with(SIZE, behind) == MORT_EINVAL, "a field behind the object");
    const mort_field partly[] = {{"a", SIZE - 8, MORT_KIND_ARRAY, 8}, end};
    ok(type_with(SIZE, partly) == MORT_EINVAL, "an array half behind it");
    const mort_field last[] = {{"a", SIZE - 8, MORT_KIND_WEAK, 8}, end};
    ok(type_with(SIZE, last) == MORT_OK, "a weak field at the very end is fine");
    const mort_field crooked[] = {{"a", HEAD + 4, MORT_KIND_STRONG, 8}, end};
    ok(type_with(SIZE, crooked) == MORT_EINVAL, "a field that is not aligned");
    const mort_field far[] = {{"a", SIZE_MAX - 7, MORT_KIND_STRONG, 8}, end};
    ok(type_with(SIZE, far) == MORT_EINVAL, "an offset that wraps round");
    const mort_field twice[] = {
        {"a", HEAD, MORT_KIND_STRONG, 8}, {"b", HEAD, MORT_KIND_STRONG, 8}, end};
    ok(type_with(SIZE, twice) == MORT_EINVAL, "a row that stands there twice");
    const mort_field inside[] = {
        {"a", HEAD + 8, MORT_KIND_WEAK, 8}, {"b", HEAD, MORT_KIND_ARRAY, 8}, end};
    ok(type_with(SIZE, inside) == MORT_EINVAL, "a field in the second word of an array");
    const mort_field beside[] = {
        {"a", HEAD + 16, MORT_KIND_WEAK, 8}, {"b", HEAD, MORT_KIND_ARRAY, 8}, end};
    ok(type_with(SIZE, beside) == MORT_OK, "one beside it is fine, in any order");
    for (uint32_t kind = MORT_KIND_KEY; kind <= MORT_KIND_WEAK_VALUE + 1; kind++) {
        const mort_field odd[] = {{"a", HEAD, kind, 8}, end};
        ok(type_with(SIZE, odd) == MORT_EINVAL, "kind %u is no field's", (unsigned)kind);
    }
    const mort_field nameless[] = {{NULL, HEAD, MORT_KIND_STRONG, 8}, end};
    ok(type_with(SIZE, nameless) == MORT_EINVAL, "a field without a name");
    const mort_spec spec = {NULL, HEAD, NULL, NULL, NULL};
    mort_type *type = NULL;
    ok(mort_type_new(&type, world.heap, &spec) == MORT_EINVAL && type == NULL, "no name");
    ok(mort_type_new(&type, world.heap, NULL) == MORT_EINVAL && type == NULL, "no spec");
    world_end(0, "tables");
}

static void test_options(void) {
    mort_heap *heap = NULL;
    mort_options half = {.alloc = world_alloc, .context = &world};
    ok(mort_heap_new(&heap, &half) == MORT_EINVAL && heap == NULL, "alloc without free");
    half = (mort_options){.free = world_free, .context = &world};
    ok(mort_heap_new(&heap, &half) == MORT_EINVAL && heap == NULL, "free without alloc");
    const mort_options odd = {.flags = 0x80};
    ok(mort_heap_new(&heap, &odd) == MORT_EINVAL && heap == NULL, "a flag that is none");
}

// An allocator that aligns from its n-th call on to 8 bytes alone.
enum { CROOKED_ROOM = 24 };
typedef struct crooked {
    int calls;
    int crooked_from;
    int live;
} crooked;

static void *crooked_alloc(void *context, size_t bytes) {
    crooked *c = context;
    char *memory = malloc(bytes + CROOKED_ROOM);
    if (memory == NULL) {
        return NULL;
    }
    const size_t shift = ++c->calls < c->crooked_from ? 16 : 8;
    memory[shift - 1] = (char)shift;
    c->live++;
    return memory + shift;
}

static void crooked_free(void *context, void *memory, size_t bytes) {
    crooked *c = context;
    (void)bytes;
    if (memory != NULL) {
        c->live--;
        free((char *)memory - ((char *)memory)[-1]);
    }
}

// Flags lie in the low bits of addresses: what is not aligned is refused, and goes back.
static void test_alignment(void) {
    bool made = false;
    for (int from = 1; from <= 40; from++) {
        crooked context = {0, from, 0};
        const mort_options options = {
            .alloc = crooked_alloc, .free = crooked_free, .context = &context};
        mort_heap *heap = NULL;
        mort_type *type = NULL;
        size_t alive = 0;
        int code = mort_heap_new(&heap, &options);
        const bool began = code == MORT_OK;
        code = began ? mort_type_new(&type, heap, &plain_spec) : code;
        while (code == MORT_OK) {
            struct node *node = mort_new(type);
            code = node == NULL ? MORT_ENOMEM : mort_weak_set(&node->weak, node);
            alive += node != NULL;
            mort_give(&node, NULL);
        }
        made = made || alive > 0;
        const bool refused = code == MORT_ENOMEM && (!began || mort_len(heap) == 0);
        const size_t held = began ? mort_heap_free(heap) : 0;
        ok(refused && held == 0 && context.live == 0, "refused from call %d on", from);
    }
    ok(made, "objects were among what was refused");
}

static void test_arguments(void) {
    world_start(NULL);
    struct node *node = node_new(1);
    mort_keymap *map = NULL;
    mort_valuemap *values = NULL;
    mort_weakset *set = NULL;
    ok(mort_keymap_new(&map, world.heap, 2) == MORT_EINVAL && map == NULL, "a flag that is none");
    (void)mort_keymap_new(&map, world.heap, 0);
    (void)mort_valuemap_new(&values, world.heap);
    (void)mort_weakset_new(&set, world.heap);
    mort_array array = {0};
    struct ear ear = {1, 0, 0};
    mort_ticket ticket = 7;
    mort_generation_stats stats = {.objects = 7};
    ok(mort_array_push(&array, NULL) == MORT_EINVAL && array.len == 0, "push of NULL");
    ok(mort_keymap_set(map, NULL, node) == MORT_EINVAL, "a NULL key");
    ok(mort_keymap_set(map, node, NULL) == MORT_EINVAL, "a NULL value");
    ok(mort_valuemap_set(values, "k", 1, NULL) == MORT_EINVAL, "a NULL value of a valuemap");
    ok(mort_weakset_add(set, NULL) == MORT_EINVAL, "a NULL member");
    ok(mort_watch(&ticket, NULL, NULL, ear_notice, &ear) == MORT_EINVAL && ticket == 7,
       "a watch on NULL");
    ok(mort_watch(&ticket, node, NULL, NULL, &ear) == MORT_EINVAL && ticket == 7,
       "a watch without a function");
    ok(mort_keymap_len(map) + mort_valuemap_len(values) + mort_weakset_len(set) == 0,
       "nothing was added");
    ok(mort_keymap_peek(map, NULL) == NULL && mort_keymap_del(map, NULL) == MORT_ENOENT,
       "NULL is no key");
    ok(!mort_weakset_has(set, NULL) && mort_weakset_del(set, NULL) == MORT_ENOENT, "nor a member");
    ok(mort_stats(world.heap, 3, &stats) == MORT_EINVAL && stats.objects == 7, "generation 3");
    ok(mort_stats(world.heap, -1, &stats) == MORT_EINVAL && stats.objects == 7, "generation -1");
    mort_set(&node->left, node);
    mort_release(node);
    is_u64(mort_collect(world.heap, 3), 0, "a collection of generation 3 finds nothing");
    is_u64(mort_collect(world.heap, -1), 0, "nor one of -1");
    said("", "and ends nothing");
    is_u64(mort_collect(world.heap, 2), 1, "the heap is as it was");
    mort_release(map);
    mort_release(values);
    mort_release(set);
    world_end(0, "arguments");
}

// ---- another heap -------------------------------------------------------------------------------

static void test_other_heap(void) {
    world_start(NULL);
    mort_heap *other = NULL;
    mort_type *type = NULL;
    (void)mort_heap_new(&other, NULL);
    (void)mort_type_new(&type, other, &plain_spec);
    struct node *here = node_new(1);
    struct node *there = node_of(type, 2);
    mort_keymap *map = NULL;
    mort_valuemap *values = NULL;
    mort_weakset *set = NULL;
    (void)mort_keymap_new(&map, world.heap, 0);
    (void)mort_valuemap_new(&values, world.heap);
    (void)mort_weakset_new(&set, world.heap);
    struct ear ear = {1, 0, 0};
    mort_ticket ticket = 0;
    ok(mort_keymap_set(map, there, here) == MORT_EHEAP, "a key of another heap");
    ok(mort_keymap_set(map, here, there) == MORT_EHEAP, "a value");
    ok(mort_valuemap_set(values, "k", 1, there) == MORT_EHEAP, "a value of a valuemap");
    ok(mort_weakset_add(set, there) == MORT_EHEAP, "a member");
    ok(mort_watch(&ticket, here, there, ear_notice, &ear) == MORT_EHEAP && ticket == 0, "an owner");
    mort_array array = {0};
    ok(mort_array_push(&array, here) == MORT_OK, "an array belongs to the heap of its first item");
    ok(mort_array_push(&array, there) == MORT_EHEAP && array.len == 1, "and refuses another's");
    ok(mort_array_put(&array, 0, there) == MORT_EHEAP && mort_array_peek(&array, 0) == here,
       "in put as well");
    ok(mort_keymap_get(map, there) == NULL && mort_keymap_del(map, there) == MORT_ENOENT &&
           !mort_weakset_has(set, there),
       "to look for one is no error");
    ok(mort_refcount(there) == 1 && mort_refcount(here) == 2 && ear.told == 0, "nothing changed");
    mort_array_clear(&array);
    mort_release(map);
    mort_release(values);
    mort_release(set);
    mort_release(here);
    mort_release(there);
    is_u64(mort_heap_free(other), 0, "the other heap is empty");
    world_end(0, "other heap");
}

// A weak field may look into another heap, as any mort_weak outside of objects does.
static void test_weak_across(void) {
    world_start(NULL);
    mort_heap *other = NULL;
    mort_type *type = NULL;
    (void)mort_heap_new(&other, NULL);
    (void)mort_type_new(&type, other, &plain_spec);
    for (int i = 0; i < 3; i++) {
        struct node *here = plain_new(1);
        struct node *there = node_of(type, 2);
        struct node *third = node_of(type, 3);
        ok(mort_weak_set(&here->weak, there) == MORT_OK, "a weak field that looks elsewhere");
        if (i == 0) {
            mort_release(there);
            ok(mort_weak_peek(&here->weak) == NULL, "reads NULL when its object is dead");
        }
        mort_release(here);
        ok(mort_heap_is_valid(world.heap) && mort_heap_is_valid(other), "both heaps are sound");
        mort_weak weak = {0};
        here = plain_new(4);
        (void)mort_weak_set(&weak, here);
        (void)mort_weak_set(&third->weak, third);
        ok(mort_weak_peek(&weak) == here && mort_weak_peek(&third->weak) == third,
           "and their side records are their own");
        mort_weak_clear(&weak);
        mort_release(here);
        mort_release(third);
        if (i != 0) {
            mort_release(there);
        }
    }
    is_u64(mort_heap_free(other), 0, "the other heap is empty");
    world_end(0, "weak across");
}

// An object of one heap dies with its heap while it holds one of another.
static void test_heap_ends_before_other(void) {
    world_start(NULL);
    mort_heap *other = NULL;
    mort_type *type = NULL;
    (void)mort_heap_new(&other, NULL);
    (void)mort_type_new(&type, other, &plain_spec);
    struct node *here = plain_new(1);
    struct node *there = node_of(type, 2);
    mort_set(&there->left, here);
    (void)mort_array_push(&there->items, here);
    is_u64(mort_refcount(here), 3, "held twice from another heap");
    is_u64(mort_heap_free(other), 1, "which ends while C holds its object");
    is_u64(mort_refcount(here), 1, "and lets go of what it held here");
    mort_release(here);
    world_end(0, "heap ends before other");
}

// ---- the dying ----------------------------------------------------------------------------------

static struct node *parent;
static mort_keymap *a_map;
static mort_valuemap *a_valuemap;
static mort_weakset *a_set;
static unsigned tried;

// The parent is past its finalizer: its fields are being let go of.
static void use_parent(struct node *node) {
    if (node->id != 2) {
        return;
    }
    tried++;
    struct ear ear = {1, 0, 0};
    mort_ticket ticket = 0;
    mort_weak weak = {0};
    mort_array array = {0};
    struct node *other = plain_new(3);
    struct node *slot = other;
    ok(mort_is_dying(parent) && !mort_is_dying(node), "a parent that dies around its child");
    ok(mort_weak_set(&weak, parent) == MORT_EDYING && weak.anchor == NULL, "weak_set");
    ok(mort_weak_set(&weak, other) == MORT_OK, "of a living one");
    ok(mort_weak_set(&weak, parent) == MORT_EDYING && mort_weak_peek(&weak) == other,
       "weak_set keeps what it had");
    mort_weak_clear(&weak);
    ok(mort_watch(&ticket, parent, NULL, ear_notice, &ear) == MORT_EDYING && ticket == 0, "watch");
    ok(mort_watch(&ticket, other, parent, ear_notice, &ear) == MORT_EDYING && ticket == 0,
       "watch with a dying owner");
    ok(mort_array_push(&array, parent) == MORT_EDYING && array.len == 0, "array_push");
    ok(mort_array_push(&array, other) == MORT_OK, "of a living one");
    ok(mort_array_put(&array, 0, parent) == MORT_EDYING && array.items[0] == &other->head, "put");
    mort_array_clear(&array);
    ok(mort_keymap_set(a_map, parent, other) == MORT_EDYING, "a dying key");
    ok(mort_keymap_set(a_map, other, parent) == MORT_EDYING, "a dying value");
    ok(mort_valuemap_set(a_valuemap, "k", 1, parent) == MORT_EDYING, "of a valuemap");
    ok(mort_weakset_add(a_set, parent) == MORT_EDYING, "a dying member");
    ok(mort_keymap_len(a_map) + mort_valuemap_len(a_valuemap) + mort_weakset_len(a_set) == 0,
       "nothing was added");
    mort_set(&slot, parent);
    ok(slot == other, "a slot refuses it");
    ok(mort_retain(parent) == NULL && mort_refcount(parent) == 0, "and it cannot be held");
    ok(ear.told == 0 && mort_refcount(other) == 1, "nothing changed");
    mort_release(other);
}

static void test_dying(void) {
    world_start(NULL);
    (void)mort_keymap_new(&a_map, world.heap, 0);
    (void)mort_valuemap_new(&a_valuemap, world.heap);
    (void)mort_weakset_new(&a_set, world.heap);
    world.on_finalize = use_parent;
    parent = node_new(1);
    mort_give(&parent->left, node_new(2));
    tried = 0;
    mort_release(parent);
    is_u64(tried, 1, "tried in a child's finalizer");
    mort_release(a_map);
    mort_release(a_valuemap);
    mort_release(a_set);
    world_end(0, "dying");
}

// ---- the busy -----------------------------------------------------------------------------------

static struct node *living;
static mort_weak living_weak;
static mort_ticket living_ticket;

static void try_all_closed(const char *where) {
    tried++;
    mort_type *type = NULL;
    mort_keymap *map = NULL;
    mort_valuemap *values = NULL;
    mort_weakset *set = NULL;
    mort_ticket ticket = 0;
    mort_weak weak = {0};
    mort_array array = {0};
    struct ear ear = {1, 0, 0};
    ok(mort_new(world.node_type) == NULL, "%s: new", where);
    ok(mort_type_new(&type, world.heap, &plain_spec) == MORT_EBUSY && type == NULL, "%s: type_new",
       where);
    ok(mort_array_push(&array, living) == MORT_EBUSY && array.len == 0, "%s: push", where);
    ok(mort_array_put(&living->items, 0, living) == MORT_EBUSY, "%s: put", where);
    ok(mort_weak_set(&weak, living) == MORT_EBUSY && weak.anchor == NULL, "%s: weak_set", where);
    ok(mort_watch(&ticket, living, NULL, ear_notice, &ear) == MORT_EBUSY && ticket == 0,
       "%s: watch", where);
    ok(mort_unwatch(world.heap, living_ticket) == MORT_EBUSY, "%s: unwatch", where);
    ok(mort_keymap_new(&map, world.heap, 0) != MORT_OK && map == NULL, "%s: keymap_new", where);
    ok(mort_valuemap_new(&values, world.heap) != MORT_OK && values == NULL, "%s: valuemap_new",
       where);
    ok(mort_weakset_new(&set, world.heap) != MORT_OK && set == NULL, "%s: weakset_new", where);
    ok(mort_keymap_set(a_map, living, living) == MORT_EBUSY, "%s: keymap_set", where);
    ok(mort_keymap_del(a_map, living) == MORT_EBUSY, "%s: keymap_del", where);
    ok(mort_valuemap_set(a_valuemap, "k", 1, living) == MORT_EBUSY, "%s: valuemap_set", where);
    ok(mort_valuemap_del(a_valuemap, "v", 1) == MORT_EBUSY, "%s: valuemap_del", where);
    ok(mort_weakset_add(a_set, living) == MORT_EBUSY, "%s: weakset_add", where);
    ok(mort_weakset_del(a_set, living) == MORT_EBUSY, "%s: weakset_del", where);
    ok(mort_collect(world.heap, 2) == 0 && !mort_poll(world.heap), "%s: collect, poll", where);
    mort_freeze(world.heap);
    is_u64(mort_frozen_len(world.heap), 1, "%s: freeze", where);
    mort_unfreeze(world.heap);
    is_u64(mort_frozen_len(world.heap), 1, "%s: unfreeze", where);
    ok(mort_garbage_take(world.heap, 0) == NULL && mort_garbage_len(world.heap) == 1,
       "%s: garbage_take", where);
    is_u64(mort_heap_free(world.heap), 0, "%s: heap_free", where);
    ok(mort_keymap_peek(a_map, living) == living && mort_weak_peek(&living_weak) == living,
       "%s: reading is fine", where);
    mort_release(mort_weak_get(&living_weak));
}

static void try_closed(struct node *node) {
    if (node->id == 1) {
        try_all_closed("destroy");
    }
}

static void try_closed_at_notice(struct ear *ear, int why) {
    if (ear->id == 1 && why == MORT_DROPPED) {
        try_all_closed("dropped notice");
    }
}

static bool try_closed_at_edge(void *context, mort_object *from, const mort_field *field,
                               size_t index, mort_object *to) {
    (void)context;
    (void)from;
    (void)field;
    (void)index;
    (void)to;
    try_all_closed("edge");
    return false;
}

// One tried at the first object; all are met all the same.
static bool try_closed_at_each(void *context, mort_object *object) {
    size_t *met = context;
    if ((*met)++ == 0) {
        try_all_closed("each");
    }
    return object != NULL;
}

// One object among the frozen, one in the garbage list, each a ring of its own.
static void prepare_lists(void) {
    struct node *node = plain_new(7);
    mort_set(&node->left, node);
    mort_freeze(world.heap);
    mort_release(node);
    node = plain_new(8);
    mort_set(&node->left, node);
    mort_release(node);
    mort_debug(world.heap, MORT_DEBUG_SAVEALL);
    is_u64(mort_collect(world.heap, 2), 1, "one for the garbage list");
    mort_debug(world.heap, 0);
}

static void test_busy(void) {
    world_start(NULL);
    prepare_lists();
    (void)mort_keymap_new(&a_map, world.heap, 0);
    (void)mort_valuemap_new(&a_valuemap, world.heap);
    (void)mort_weakset_new(&a_set, world.heap);
    living = plain_new(9);
    memset(&living_weak, 0, sizeof(living_weak));
    struct ear ears[2] = {{2, 0, 0}, {1, 0, 0}};
    ok(mort_weak_set(&living_weak, living) == MORT_OK &&
           mort_keymap_set(a_map, living, living) == 0,
       "prepared");
    ok(mort_valuemap_set(a_valuemap, "v", 1, living) == 0 && mort_weakset_add(a_set, living) == 0,
       "further");
    ok(mort_array_push(&living->items, living) == MORT_OK, "and an array");
    living_ticket = watch(living, NULL, &ears[0]);
    const mort_ticket dropped = watch(living, NULL, &ears[1]);
    tried = 0;
    world.on_destroy = try_closed;
    world.on_notice = try_closed_at_notice;
    mort_release(node_new(1));
    ok(mort_unwatch(world.heap, dropped) == MORT_OK, "a watch is dropped");
    mort_referents(living, try_closed_at_edge, NULL);
    size_t met = 0;
    mort_objects(world.heap, try_closed_at_each, &met);
    is_u64(met, mort_len(world.heap), "a walk in which all was tried meets all");
    (void)mort_referrers(living, try_closed_at_edge, NULL);
    is_u64(tried, 5, "five hooks tried all");
    ok(mort_heap_is_valid(world.heap), "the heap is sound");
    is_u64(mort_refcount(living), 3, "each reference is where it was");
    ok(mort_keymap_len(a_map) == 1 && mort_valuemap_len(a_valuemap) == 1 &&
           mort_weakset_len(a_set) == 1 && ears[0].told == 0,
       "so are entries and watches");
    (void)mort_keymap_del(a_map, living);
    mort_array_clear(&living->items);
    mort_weak_clear(&living_weak);
    mort_release(living);
    mort_release(a_map);
    mort_release(a_valuemap);
    mort_release(a_set);
    is_u64(ears[0].told, 1, "the watch was told in the end");
    mort_unfreeze(world.heap);
    mort_release(mort_garbage_take(world.heap, 0));
    is_u64(mort_collect(world.heap, 2), 2, "the frozen and the garbage, where they are let go");
    world_end(0, "busy");
}

// Where an open hook may not end the heap.
static void end_heap(struct node *node) {
    tried++;
    is_u64(mort_heap_free(world.heap), 0, "a finalizer cannot end its heap");
    ok(mort_heap_of(node) == world.heap, "it is still there");
}

static void test_no_end_in_hook(void) {
    world_start(NULL);
    world.on_finalize = end_heap;
    tried = 0;
    mort_release(node_new(1));
    struct node *ring = node_new(2);
    mort_give(&ring->left, ring);
    (void)mort_collect(world.heap, 2);
    is_u64(tried, 2, "tried by count and in a collection");
    world_end(0, "no end in a hook");
}

// ---- saturated counts ---------------------------------------------------------------------------

static void test_saturation(void) {
    world_start(NULL);
    struct node *node = node_new(1);
    mort_give(&node->left, plain_new(2));
    node->head.refs = UINT32_MAX - 2;
    mort_release(mort_retain(node));
    is_u64(mort_refcount(node), UINT32_MAX - 2, "two below the end all is as ever");
    void *first = mort_retain(node);
    void *second = mort_retain(node);
    ok(first == node && second == node && mort_refcount(node) == MORT_REFS_SATURATED,
       "then it saturates");
    ok(mort_retain(node) == node && mort_refcount(node) == MORT_REFS_SATURATED, "and stays so");
    for (int i = 0; i < 10; i++) {
        mort_release(node);
    }
    is_u64(mort_refcount(node), MORT_REFS_SATURATED, "a release changes nothing");
    struct node *holder = node_new(3);
    mort_set(&holder->left, node);
    mort_array array = {0};
    mort_weak weak = {0};
    ok(mort_array_push(&array, node) == MORT_OK && mort_weak_set(&weak, node) == MORT_OK,
       "it may be stored");
    mort_release(mort_weak_get(&weak));
    mort_array_clear(&array);
    mort_release(holder);
    is_u64(mort_refcount(node), MORT_REFS_SATURATED, "whoever stored it is gone, it is as it was");
    forget();
    is_u64(mort_collect(world.heap, 2), 0, "no collection takes it, nor what it leads to");
    mort_set(&node->right, node);
    is_u64(mort_collect(world.heap, 2), 0, "nor if it leads to itself");
    said("", "nobody died");
    ok(mort_heap_is_valid(world.heap), "the heap is sound");
    mort_weak_clear(&weak);
    size_t held = 0;
    ok(world_close(&held), "with its heap it goes at last");
    is_u64(held, 1, "as one that was held");
}

static void test_messages(void) {
    bool right = true;
    for (int code = MORT_EINVAL; code <= MORT_OK; code++) {
        const char *text = mort_strerror(code);
        right = right && text != NULL && text[0] != '\0' && text[strlen(text) - 1] != '.';
        for (int other = MORT_EINVAL; other < code && right; other++) {
            right = strcmp(text, mort_strerror(other)) != 0;
        }
    }
    ok(right, "each code has a sentence of its own");
    ok(mort_strerror(-99) != NULL && mort_strerror(99) != NULL, "and so has what is no code");
}

static bool references_cleared;

static void look_at_references(struct node *node) {
    references_cleared = references_cleared && node->left == NULL && node->right == NULL &&
                         node->any == NULL && node->weak.anchor == NULL && node->items.len == 0;
}

// Whichever way an object ends, its destroy hook finds its references cleared.
static void test_destroy_finds_cleared(void) {
    world_start(NULL);
    world.on_destroy = look_at_references;
    references_cleared = true;
    struct node *nodes[3];
    for (int i = 0; i < 3; i++) {
        nodes[i] = node_new(i);
        mort_give(&nodes[i]->left, plain_new(10 + i));
        (void)mort_weak_set(&nodes[i]->weak, nodes[i]);
        (void)mort_array_push(&nodes[i]->items, nodes[i]->left);
    }
    mort_release(nodes[0]);
    ok(references_cleared, "by count");
    mort_set(&nodes[1]->right, nodes[1]);
    mort_release(nodes[1]);
    (void)mort_collect(world.heap, 2);
    ok(references_cleared, "by a collection");
    size_t held = 0;
    ok(world_close(&held) && held == 1, "and one with its heap");
    ok(references_cleared, "with its heap");
}

int main(void) {
    test_tables();
    test_options();
    test_alignment();
    test_arguments();
    test_other_heap();
    test_weak_across();
    test_heap_ends_before_other();
    test_dying();
    test_busy();
    test_no_end_in_hook();
    test_saturation();
    test_messages();
    test_destroy_finds_cleared();
    return done_testing();
}
