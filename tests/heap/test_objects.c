// Objects: who dies when, in which order, how deep, and who comes back.
#include "world.h"

// ---- order of deaths ----------------------------------------------------------------------------

static void test_order(void) {
    world_start(NULL);
    struct node *root = node_new(1);
    struct node *left = node_new(2);
    mort_give(&left->left, node_new(3));
    mort_give(&root->right, node_new(4));
    mort_give(&root->left, left);
    mort_give(&root->any, &plain_new(5)->head);
    for (int id = 6; id <= 8; id++) {
        struct leaf *leaf = leaf_new(id);
        is_u64((uint64_t)-mort_array_push(&root->items, leaf), 0, "leaf %d is pushed", id);
        mort_release(leaf);
    }
    is_u64(mort_len(world.heap), 8, "eight objects live");
    said("", "nothing has died yet");
    mort_release(root);
    said("f1 f2 f3 d3 d2 f4 d4 d5 d8 d7 d6 d1",
         "fields in table order, depth first, an array from its end, destroy last");
    is_u64(mort_len(world.heap), 0, "none lives");
    world_end(0, "order");
}

static void test_shared(void) {
    world_start(NULL);
    struct node *first = node_new(1);
    struct node *second = node_new(2);
    struct node *child = node_new(3);
    mort_set(&first->left, child);
    mort_set(&first->right, child);
    mort_set(&second->any, &child->head);
    is_u64(mort_refcount(child), 4, "each slot counts");
    mort_release(child);
    mort_release(first);
    said("f1 d1", "a child that another holds lives on");
    is_u64(mort_refcount(child), 1, "held by one");
    mort_release(second);
    said("f2 f3 d3 d2", "and dies with its last holder");
    mort_release(NULL);
    ok(mort_retain(NULL) == NULL, "NULL is fine");
    world_end(0, "shared");
}

// ---- slots --------------------------------------------------------------------------------------

static struct node *slot;
static struct node *slot_seen;

static void look_at_slot(struct node *node) {
    (void)node;
    slot_seen = slot;
}

static void test_slots(void) {
    world_start(NULL);
    world.on_finalize = look_at_slot;
    slot = NULL;
    struct node *first = node_new(1);
    struct node *second = node_new(2);
    mort_set(&slot, first);
    is_u64(mort_refcount(first), 2, "set counts");
    mort_set(&slot, slot);
    is_u64(mort_refcount(first), 2, "set to itself changes nothing");
    mort_release(first);
    mort_set(&slot, second);
    said("f1 d1", "set lets go of what was there");
    ok(slot_seen == second, "after the store: its finalizer sees the new one");
    is_u64(mort_refcount(second), 2, "the new one is counted");
    mort_give(&slot, second);
    is_u64(mort_refcount(second), 1, "give takes the caller's reference over");
    struct node *taken = mort_take(&slot);
    ok(taken == second && slot == NULL, "take empties the slot");
    is_u64(mort_refcount(second), 1, "and hands its reference over");
    ok(mort_take(&slot) == NULL, "an empty slot has nothing to take");
    mort_give(&slot, taken);
    slot_seen = taken;
    mort_set(&slot, NULL);
    said("f2 d2", "set to NULL empties");
    ok(slot_seen == NULL, "before the old one dies");
    world_end(0, "slots");
}

// ---- arrays -------------------------------------------------------------------------------------

static void test_array(void) {
    world_start(NULL);
    mort_array array = {0};
    struct node *nodes[5];
    for (int i = 0; i < 5; i++) {
        nodes[i] = node_new(i);
        ok(mort_array_push(&array, nodes[i]) == MORT_OK, "push %d", i);
        is_u64(mort_refcount(nodes[i]), 2, "push counts");
        mort_release(nodes[i]);
    }
    is_u64(array.len, 5, "five items");
    ok(mort_array_peek(&array, 4) == nodes[4] && mort_array_peek(&array, 5) == NULL,
       "peek, and past the end NULL");
    struct node *taken = mort_array_take(&array, 1);
    ok(taken == nodes[1] && array.len == 4 && mort_array_peek(&array, 1) == nodes[2],
       "take closes the gap");
    is_u64(mort_refcount(taken), 1, "take hands its reference over");
    ok(mort_array_take(&array, 4) == NULL, "take past the end: NULL");
    said("", "nobody died");
    ok(mort_array_put(&array, 0, taken) == MORT_OK, "put");
    said("f0 d0", "put replaces");
    mort_release(taken);
    ok(mort_array_put(&array, 4, taken) == MORT_ENOENT, "put past the end is refused");
    ok(mort_array_put(&array, 0, taken) == MORT_OK, "put of what is there already");
    is_u64(mort_refcount(taken), 1, "changes nothing");
    ok(mort_array_push(&array, nodes[2]) == MORT_OK, "twice in one array");
    ok(mort_array_remove(&array, nodes[2]) == MORT_OK && array.len == 4 &&
           mort_array_peek(&array, 3) == nodes[2],
       "remove takes the first");
    ok(mort_array_remove(&array, &array) == MORT_ENOENT, "remove of a stranger is refused");
    said("", "still nobody died");
    mort_array_clear(&array);
    said("f2 d2 f4 d4 f3 d3 f1 d1", "clear lets go from the end");
    ok(array.len == 0 && array.items == NULL, "and of the memory");
    mort_array_clear(&array);
    world_end(0, "array");
}

static mort_array shared_array;

static void push_another(struct node *node) {
    if (node->id < 10) {
        struct node *another = node_new(node->id + 10);
        (void)mort_array_push(&shared_array, another);
        mort_release(another);
    }
}

// A finalizer that pushes to the array that is being cleared.
static void test_array_reentered(void) {
    world_start(NULL);
    world.on_finalize = push_another;
    memset(&shared_array, 0, sizeof(shared_array));
    for (int i = 0; i < 4; i++) {
        struct node *node = node_new(i);
        (void)mort_array_push(&shared_array, node);
        mort_release(node);
    }
    mort_array_clear(&shared_array);
    ok(mort_heap_is_valid(world.heap), "an array that grows while it is cleared");
    mort_array_clear(&shared_array);
    is_u64(world.death_count, 8, "all have died");
    world_end(0, "array reentered");
}

// ---- resurrection -------------------------------------------------------------------------------

static struct node *kept;

static void keep(struct node *node) {
    mort_set(&kept, node);
}

static void test_resurrection(void) {
    world_start(NULL);
    world.on_finalize = keep;
    kept = NULL;
    struct node *node = node_new(1);
    mort_give(&node->left, plain_new(2));
    mort_weak weak = {0};
    ok(mort_weak_set(&weak, node) == MORT_OK, "a weak reference");
    mort_release(node);
    said("f1", "finalized, not dead");
    ok(kept == node && mort_refcount(node) == 1, "stored, it lives");
    ok(mort_was_finalized(node), "and is known as finalized");
    ok(mort_weak_peek(&weak) == node, "weak references never were empty");
    ok(node->left != NULL && mort_refcount(node->left) == 1, "its fields are whole");
    ok(mort_is_tracked(node), "the collector looks at it");
    mort_set(&kept, NULL);
    said("d2 d1", "the second time it dies without its finalizer");
    ok(mort_weak_peek(&weak) == NULL, "and the weak reference is empty");
    mort_weak_clear(&weak);
    world_end(0, "resurrection");
}

static void touch(struct node *node) {
    void *again = mort_retain(node);
    say("%u", (unsigned)mort_refcount(node));
    mort_release(again);
    struct node *child = mort_take(&node->left);
    mort_release(child);
}

static void test_finalizer_works(void) {
    world_start(NULL);
    world.on_finalize = touch;
    struct node *node = node_new(1);
    mort_give(&node->left, node_new(2));
    mort_give(&node->right, plain_new(3));
    mort_release(node);
    said("f1 2 f2 2 d2 d3 d1", "a finalizer holds its object once, and may empty its fields");
    world_end(0, "finalizer");
}

// ---- deaths inside hooks ------------------------------------------------------------------------

static struct node *in_hand;

static void let_go(struct node *node) {
    if (node->id == 1) {
        say("(");
        ok(mort_is_dying(node), "a destroy hook sees its object dying");
        ok(mort_new(world.node_type) == NULL, "and may make none");
        mort_release(in_hand);
        say(")");
    }
}

static void let_go_at_notice(struct ear *ear, int why) {
    if (ear->id == 1 && why == MORT_DROPPED) {
        say("(");
        mort_release(in_hand);
        say(")");
    }
}

static void test_queued(void) {
    world_start(NULL);
    world.on_destroy = let_go;
    in_hand = node_new(2);
    mort_give(&in_hand->left, node_new(3));
    mort_release(node_new(1));
    said("f1 d1 ( ) f2 f3 d3 d2", "a death in a destroy hook waits until it has returned");
    world.on_destroy = NULL;
    world.on_notice = let_go_at_notice;
    in_hand = node_new(2);
    struct ear ear = {1, 0, 0};
    struct node *node = node_new(4);
    const mort_ticket ticket = watch(node, NULL, &ear);
    ok(mort_unwatch(world.heap, ticket) == MORT_OK, "unwatch");
    said("x1 ( ) f2 d2", "and so does one in a notice of a dropped watch");
    mort_release(node);
    world_end(0, "queued");
}

// ---- depth --------------------------------------------------------------------------------------

struct link {
    mort_object head;
    struct link *next;
};
MORT_FIELDS(link, MORT_STRONG(link, next));

/// One block for all, so that ten million objects are cheap to have, and no free list hides a
/// double free: what is given back is counted only.
typedef struct bump {
    char *memory;
    size_t size_bytes;
    size_t used_bytes;
    size_t given_back_bytes;
    size_t alloc_count;
} bump;

static void *bump_alloc(void *context, size_t bytes) {
    bump *b = context;
    const size_t rounded = (bytes + 15) / 16 * 16;
    b->alloc_count++;
    if (rounded > b->size_bytes - b->used_bytes) {
        return NULL;
    }
    b->used_bytes += rounded;
    return b->memory + b->used_bytes - rounded;
}

static void bump_free(void *context, void *memory, size_t bytes) {
    bump *b = context;
    if (memory != NULL) {
        b->given_back_bytes += (bytes + 15) / 16 * 16;
    }
}

static size_t link_deaths;

static void link_destroy(void *object) {
    (void)object;
    link_deaths++;
}

static const mort_spec link_spec = {"Link", sizeof(struct link), link_fields, NULL, link_destroy};

// A chain of `count`, each the holder of the next; closed to a ring, the collector ends it.
static void test_chain(size_t count, bool is_ring) {
    bump b = {0};
    b.size_bytes = count * 48 + (1 << 20);
    b.memory = malloc(b.size_bytes);
    if (b.memory == NULL) {
        printf("Bail out! no memory for a chain\n");
        exit(EXIT_FAILURE);
    }
    mort_options options = {.alloc = bump_alloc, .free = bump_free, .context = &b};
    mort_heap *heap = NULL;
    mort_type *type = NULL;
    ok(mort_heap_new(&heap, &options) == MORT_OK, "a heap");
    ok(mort_type_new(&type, heap, &link_spec) == MORT_OK, "a type");
    struct link *last = mort_new(type);
    struct link *first = last;
    for (size_t i = 1; i < count; i++) {
        struct link *link = mort_new(type);
        mort_give(&link->next, first);
        first = link;
    }
    is_u64(mort_len(heap), count, "a chain of %zu", count);
    link_deaths = 0;
    const size_t allocs = b.alloc_count;
    if (is_ring) {
        mort_set(&last->next, first);
        mort_release(first);
        is_u64(link_deaths, 0, "a ring does not die by counting");
        is_u64(mort_collect(heap, 2), count, "it is collected");
    } else {
        mort_release(first);
    }
    is_u64(link_deaths, count, "all have died");
    is_u64(b.alloc_count, allocs, "without an allocation");
    is_u64(mort_heap_free(heap), 0, "none was held");
    is_u64(b.given_back_bytes, b.used_bytes, "and each byte went back");
    free(b.memory);
}

static void release_next(struct node *node) {
    struct node *next = mort_take(&node->left);
    mort_release(next);
}

// What nests is user code that lets go by hand: each finalizer ends the next object of the chain.
static void test_chain_by_hand(int count) {
    world_start(NULL);
    struct node *first = node_new(0);
    for (int i = 1; i < count; i++) {
        struct node *node = node_new(i);
        mort_give(&node->left, first);
        first = node;
    }
    world.on_finalize = release_next;
    mort_release(first);
    is_u64(world.death_count, (uint64_t)count, "%d finalizers, each ends the next", count);
    world_end(0, "chain by hand");
}

// Through arrays and map values, which are no fields at fixed places.
static void test_chain_through(int count) {
    world_start(NULL);
    struct node *first = plain_new(0);
    bool works = true;
    for (int i = 1; i < count; i++) {
        struct node *node = plain_new(i);
        if (i % 2 == 0) {
            works = works && mort_array_push(&node->items, first) == MORT_OK;
            mort_release(first);
        } else {
            mort_keymap *map = NULL;
            works = works &&
                    mort_keymap_new(&map, world.heap, i % 4 == 1 ? MORT_EPHEMERON : 0) == MORT_OK;
            works = works && mort_keymap_set(map, node, first) == MORT_OK;
            mort_release(first);
            mort_give(&node->any, &map->head);
        }
        first = node;
    }
    ok(works, "a chain through arrays and maps");
    mort_release(first);
    is_u64(world.death_count, (uint64_t)count, "all %d have died", count);
    world_end(0, "chain through arrays and maps");
}

// ---- heaps and types ----------------------------------------------------------------------------

static void test_teardown(void) {
    world_start(NULL);
    struct node *child = node_new(1);
    struct node *parent = node_new(2);
    mort_give(&parent->left, child);
    struct leaf *leaf = leaf_new(3);
    struct node *ring = node_new(4);
    mort_set(&ring->left, ring);
    mort_release(ring);
    size_t held = 0;
    ok(world_close(&held), "a heap taken down while objects live leaves nothing");
    is_u64(held, 2, "the parent and the leaf were held by C");
    said("f4 d4 d1 d2 d3", "rings are finalized, the rest goes in the order of its birth, without");
    ok(leaf != NULL, "a leaf was made");
    is_u64(mort_heap_free(NULL), 0, "no heap is fine");
}

static void test_types(void) {
    world_start(NULL);
    struct node *node = node_new(1);
    struct leaf *leaf = leaf_new(2);
    ok(mort_type_of(node) == world.node_type && mort_type_of(leaf) == world.leaf_type, "type_of");
    is_text(mort_type_name(world.node_type), "Node", "name of a type");
    is_u64(mort_type_size(world.node_type), sizeof(struct node), "size of its objects");
    ok(mort_type_fields(world.node_type) == node_fields, "its fields");
    is_u64(mort_type_fields(world.leaf_type)[0].kind, MORT_KIND_END, "no fields: the end alone");
    ok(mort_heap_of(node) == world.heap, "heap_of");
    ok(mort_is_tracked(node) && !mort_is_tracked(leaf), "a leaf is not the collector's business");
    ok(!mort_was_finalized(node) && !mort_is_dying(node), "and is whole");
    is_u64(sizeof(mort_object), 32, "a header has 32 bytes");
    bool zero = node->left == NULL && node->right == NULL && node->any == NULL &&
                node->weak.anchor == NULL && node->items.items == NULL && node->items.len == 0;
    ok(zero, "a new object is zeroed");
    mort_release(node);
    mort_release(leaf);
    world_end(0, "types");
}

// Strong references between heaps: counted as if C held them.
static void test_two_heaps(void) {
    world_start(NULL);
    mort_heap *other = NULL;
    mort_type *type = NULL;
    ok(mort_heap_new(&other, NULL) == MORT_OK, "a second heap, with malloc");
    ok(mort_type_new(&type, other, &node_spec) == MORT_OK, "and a type of it");
    struct node *here = node_new(1);
    struct node *there = node_of(type, 2);
    mort_give(&there->left, here);
    mort_give(&here->right, there);
    is_u64(mort_collect(world.heap, 2) + mort_collect(other, 2), 0, "no collector sees the ring");
    ok(mort_heap_is_valid(world.heap) && mort_heap_is_valid(other), "both are sound");
    mort_release(mort_take(&here->right));
    said("f2 f1 d1 d2", "broken by hand it dies");
    is_u64(mort_heap_free(other), 0, "the second heap is empty");
    world_end(0, "two heaps");
}

struct pair {
    mort_object head;
    struct pair *fields[17];
};
static bool pair_known;
static bool pair_finalized;

static void pair_finalize(void *object) {
    (void)object;
}

static void pair_destroy(void *object) {
    pair_known = mort_is_tracked(object) && mort_is_dying(object);
    pair_finalized = mort_was_finalized(object);
}

// What a destroy hook asks of its own object is right, however many fields were let go.
static void test_asked_in_destroy(void) {
    mort_field rows[18] = {{NULL, 0, MORT_KIND_END, 0}};
    for (size_t count = 1; count <= 17; count++) {
        mort_heap *heap = NULL;
        mort_type *types[2] = {NULL, NULL};
        rows[count - 1] = (mort_field){"field", offsetof(struct pair, fields) + 8 * (count - 1),
                                       MORT_KIND_STRONG, 0};
        rows[count] = (mort_field){NULL, 0, MORT_KIND_END, 0};
        const mort_spec spec = {"Pair", sizeof(struct pair), rows, pair_finalize, pair_destroy};
        const mort_spec plain = {"Pair", sizeof(struct pair), rows, NULL, pair_destroy};
        (void)mort_heap_new(&heap, NULL);
        (void)mort_type_new(&types[0], heap, &spec);
        (void)mort_type_new(&types[1], heap, &plain);
        mort_release(mort_new(types[0]));
        const bool first = pair_known && pair_finalized;
        mort_release(mort_new(types[1]));
        const bool second = pair_known && !pair_finalized;
        ok(first && second && mort_heap_free(heap) == 0, "asked in destroy, %zu fields", count);
    }
}

int main(int argc, char **argv) {
    // A size as argument makes the chain shorter: valgrind needs a minute for ten million.
    const size_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
    test_order();
    test_shared();
    test_slots();
    test_array();
    test_array_reentered();
    test_resurrection();
    test_finalizer_works();
    test_queued();
    test_chain(count, false);
    test_chain(count / 10, true);
    test_chain_by_hand(200000);
    test_chain_through(100000);
    test_teardown();
    test_types();
    test_two_heaps();
    test_asked_in_destroy();
    return done_testing();
}
