// Weak references and watches: what reads dead and when, who is told, how often, in which order.
#include "world.h"

// ---- weak references ----------------------------------------------------------------------------

static void test_access(void) {
    world_start(NULL);
    mort_weak weak = {0};
    void *got = &weak;
    ok(mort_weak_get(&weak) == NULL && mort_weak_peek(&weak) == NULL, "an empty one reads NULL");
    ok(mort_weak_need(&weak, &got) == MORT_ENOENT && got == &weak,
       "need of an empty one: MORT_ENOENT, nothing written");
    struct leaf *leaf = leaf_new(1);
    ok(mort_weak_set(&weak, leaf) == MORT_OK, "set");
    is_u64(mort_refcount(leaf), 1, "counts nothing");
    ok(mort_weak_peek(&weak) == leaf && mort_refcount(leaf) == 1, "peek borrows");
    ok(mort_weak_get(&weak) == leaf && mort_refcount(leaf) == 2, "get owns");
    mort_release(leaf);
    ok(mort_weak_need(&weak, &got) == MORT_OK && got == leaf && mort_refcount(leaf) == 2,
       "need owns");
    mort_release(leaf);
    mort_weak moved = weak;
    memset(&weak, 0, sizeof(weak));
    ok(mort_weak_peek(&moved) == leaf, "it may be moved");
    mort_release(leaf);
    said("d1", "its object dies");
    got = &weak;
    ok(mort_weak_get(&moved) == NULL && mort_weak_peek(&moved) == NULL, "a dead one reads NULL");
    ok(mort_weak_need(&moved, &got) == MORT_EDEAD && got == &weak,
       "need of a dead one: MORT_EDEAD, nothing written");
    struct leaf *next = leaf_new(2);
    mort_weak other = {0};
    ok(mort_weak_set(&other, next) == MORT_OK, "another object with a weak reference");
    ok(mort_weak_peek(&moved) == NULL && mort_weak_peek(&other) == next, "the dead one stays dead");
    ok(mort_weak_set(&moved, next) == MORT_OK && mort_weak_peek(&moved) == next,
       "a dead one may be set anew");
    ok(mort_weak_set(&moved, NULL) == MORT_OK && mort_weak_need(&moved, &got) == MORT_ENOENT,
       "set to NULL empties");
    mort_weak_clear(&other);
    mort_weak_clear(&other);
    ok(mort_weak_need(&other, &got) == MORT_ENOENT, "clear empties, twice too");
    mort_release(next);
    world_end(0, "access");
}

enum { CROWD = 5000 };

// Side records come, go, are reused and may outlive their objects.
static void test_crowd(void) {
    static struct node *nodes[CROWD];
    static mort_weak weaks[CROWD];
    world_start(NULL);
    bool works = true;
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < CROWD; i++) {
            nodes[i] = node_new(i);
            works = works && mort_weak_set(&weaks[i], nodes[i]) == MORT_OK &&
                    mort_weak_set(&nodes[i]->weak, nodes[i / 2]) == MORT_OK;
        }
        for (int i = round % 2; i < CROWD; i += 2) {
            mort_release(nodes[i]);
            nodes[i] = NULL;
        }
        for (int i = 0; i < CROWD; i++) {
            works = works && mort_weak_peek(&weaks[i]) == nodes[i];
            works = works && (nodes[i] == NULL || mort_weak_peek(&nodes[i]->weak) == nodes[i / 2]);
        }
        works = works && mort_heap_is_valid(world.heap);
        for (int i = 0; i < CROWD; i++) {
            mort_release(nodes[i]);
            works = works && mort_weak_peek(&weaks[i]) == NULL;
        }
    }
    ok(works, "each of %d reads its own object, alive or dead", CROWD);
    for (int i = 0; i < CROWD; i++) {
        mort_weak_clear(&weaks[i]);
    }
    world_end(0, "crowd");
}

static mort_weak outside;
static int read_in_finalizer;

static void read_outside(struct node *node) {
    read_in_finalizer = mort_weak_peek(&outside) == node;
}

static void read_outside_at_notice(struct ear *ear, int why) {
    (void)ear;
    say(why == MORT_DIED && mort_weak_peek(&outside) == NULL ? "gone" : "there");
}

// By count the finalizer comes first and still reads its object; in a ring notices come first.
static void test_when(void) {
    world_start(NULL);
    world.on_finalize = read_outside;
    world.on_notice = read_outside_at_notice;
    memset(&outside, 0, sizeof(outside));
    struct ear ears[2] = {{1, 0, 0}, {2, 0, 0}};
    struct node *node = node_new(1);
    (void)mort_weak_set(&outside, node);
    (void)watch(node, NULL, &ears[0]);
    read_in_finalizer = -1;
    mort_release(node);
    ok(read_in_finalizer == 1, "by count: the finalizer reads its object alive");
    said("f1 w1 gone d1", "by count: finalizer, then notice, which finds it gone");
    node = node_new(3);
    (void)mort_weak_set(&outside, node);
    (void)watch(node, NULL, &ears[1]);
    mort_set(&node->left, node);
    mort_release(node);
    said("", "a ring stays");
    is_u64(mort_collect(world.heap, 2), 1, "one is collected");
    ok(read_in_finalizer == 0, "in a ring: the finalizer reads it dead");
    said("w2 gone f3 d3", "in a ring: notice, then finalizer");
    is_u64(ears[0].told + ears[1].told, 2, "each watch once");
    mort_weak_clear(&outside);
    world_end(0, "when");
}

static struct node *living;

static void read_parent(struct node *node) {
    say(mort_weak_peek(&node->weak) == living ? "parent" : "orphan");
    (void)mort_weak_set(&outside, node);
}

// Trash's own weak references to the living stay readable; what its finalizers make of trash ends.
static void test_in_trash(void) {
    world_start(NULL);
    world.on_finalize = read_parent;
    memset(&outside, 0, sizeof(outside));
    living = plain_new(1);
    struct node *node = node_new(2);
    (void)mort_weak_set(&node->weak, living);
    mort_set(&node->left, node);
    mort_release(node);
    is_u64(mort_collect(world.heap, 2), 1, "one is collected");
    said("f2 parent d2", "a finalizer in a ring reads its weak parent");
    ok(mort_weak_get(&outside) == NULL, "what it made of the dead reads NULL");
    mort_weak_clear(&outside);
    mort_release(living);
    world_end(0, "in trash");
}

// Dropping the root of a tree with weak parents: parent first.
static void test_weak_parent(void) {
    world_start(NULL);
    struct node *root = node_new(1);
    struct node *kid = node_new(2);
    struct node *grandkid = node_new(3);
    (void)mort_weak_set(&kid->weak, root);
    (void)mort_weak_set(&grandkid->weak, kid);
    void *parent = NULL;
    ok(mort_weak_need(&root->weak, &parent) == MORT_ENOENT, "a root has no parent");
    ok(mort_weak_need(&kid->weak, &parent) == MORT_OK && parent == root, "a kid has");
    mort_release(parent);
    mort_give(&kid->left, grandkid);
    mort_set(&root->left, kid);
    mort_release(root);
    said("f1 d1", "the kid is held");
    ok(mort_weak_need(&kid->weak, &parent) == MORT_EDEAD, "parent was destroyed");
    mort_release(kid);
    said("f2 f3 d3 d2", "the rest goes");
    world_end(0, "weak parent");
}

// ---- watches ------------------------------------------------------------------------------------

static void test_newest_first(void) {
    world_start(NULL);
    struct ear ears[5] = {{1, 0, 0}, {2, 0, 0}, {3, 0, 0}, {4, 0, 0}, {5, 0, 0}};
    mort_ticket tickets[5];
    struct node *node = node_new(9);
    for (int i = 0; i < 5; i++) {
        tickets[i] = watch(node, NULL, &ears[i]);
        ok(tickets[i] != 0 && (i == 0 || tickets[i] != tickets[i - 1]), "a ticket of its own");
    }
    is_u64(mort_refcount(node), 1, "watches count nothing");
    ok(mort_unwatch(world.heap, tickets[2]) == MORT_OK, "one is ended");
    said("x3", "it is told at once that it was dropped");
    ok(mort_unwatch(world.heap, tickets[2]) == MORT_ENOENT, "and cannot be ended twice");
    ok(mort_unwatch(world.heap, 0) == MORT_ENOENT, "0 names no watch");
    ok(mort_unwatch(world.heap, UINT64_MAX) == MORT_ENOENT, "nor does what never was one");
    mort_release(node);
    said("f9 w5 w4 w2 w1 d9", "the rest is told of the death, the newest first");
    ok(mort_unwatch(world.heap, tickets[0]) == MORT_ENOENT, "a watch ends with its object");
    for (int i = 0; i < 5; i++) {
        is_u64(ears[i].told, 1, "watch %d was told once", i + 1);
    }
    node = node_new(8);
    struct ear again = {6, 0, 0};
    const mort_ticket ticket = watch(node, NULL, &again);
    bool is_new = ticket != 0;
    for (int i = 0; i < 5; i++) {
        is_new = is_new && ticket != tickets[i];
    }
    ok(is_new, "a ticket is not used again");
    ok(mort_watch(NULL, node, NULL, ear_notice, &ears[0]) == MORT_OK, "nobody needs the ticket");
    world.watch_count++;
    for (int i = 0; i < 5; i++) {
        ok(mort_unwatch(world.heap, tickets[i]) == MORT_ENOENT, "old ticket %d names nothing", i);
    }
    mort_release(node);
    said("f8 w1 w6 d8", "both were told");
    world_end(0, "newest first");
}

static void test_owners(void) {
    world_start(NULL);
    struct ear ears[4] = {{1, 0, 0}, {2, 0, 0}, {3, 0, 0}, {4, 0, 0}};
    struct node *target = node_new(1);
    struct node *owner = node_new(2);
    (void)watch(target, owner, &ears[0]);
    (void)watch(target, owner, &ears[1]);
    is_u64(mort_refcount(owner), 1, "a watch does not count its owner");
    mort_give(&owner->left, plain_new(5));
    mort_release(owner);
    ok(ears[0].told == 1 && ears[1].told == 1 && ears[0].why == MORT_DROPPED,
       "watches end with their owner");
    ok(strstr(world.words, "f2") == world.words && strstr(world.words, "x1") != NULL &&
           strstr(world.words, "x1") < strstr(world.words, "d5"),
       "after its finalizer and before its fields: %s", world.words);
    forget();
    mort_release(target);
    said("f1 d1", "the target's death tells nobody");
    target = node_new(3);
    owner = node_new(4);
    (void)watch(target, owner, &ears[2]);
    mort_release(target);
    said("f3 w3 d3", "an owner that lives is told");
    mort_release(owner);
    said("f4 d4", "and then no more");
    target = node_new(6);
    (void)watch(target, target, &ears[3]);
    mort_release(target);
    is_u64(ears[3].told, 1, "a watch of an object on itself has its one notice");
    world_end(0, "owners");
}

// In one collection: the owner in the trash, the target in the trash, both.
static void test_owners_in_trash(void) {
    world_start(NULL);
    struct ear ears[3] = {{1, 0, 0}, {2, 0, 0}, {3, 0, 0}};
    struct node *a = node_new(11);
    struct node *b = node_new(12);
    struct node *alive = plain_new(13);
    (void)watch(a, b, &ears[0]);
    (void)watch(a, alive, &ears[1]);
    (void)watch(alive, b, &ears[2]);
    mort_set(&a->left, b);
    mort_set(&b->left, a);
    mort_release(a);
    mort_release(b);
    is_u64(mort_collect(world.heap, 2), 2, "a ring of two is collected");
    ok(ears[0].told == 1 && ears[0].why == MORT_DROPPED, "a watch of the trash is not told of it");
    ok(ears[1].told == 1 && ears[1].why == MORT_DIED, "a living owner is");
    ok(ears[2].told == 1 && ears[2].why == MORT_DROPPED,
       "a watch on the living ends with its owner");
    mort_release(alive);
    is_u64(ears[2].told, 1, "and is told no more");
    world_end(0, "owners in trash");
}

static mort_ticket pending;
static struct node *bystander;
static struct ear late_ear;

static void meddle(struct ear *ear, int why) {
    if (ear->id == 3 && why == MORT_DIED) {
        ok(mort_unwatch(world.heap, pending) == MORT_OK, "a notice ends a pending watch");
        (void)watch(bystander, NULL, &late_ear);
        is_u64(mort_collect(world.heap, 2), 0, "collects");
        struct node *made = node_new(20);
        mort_set(&made->left, bystander);
        mort_release(made);
        ok(mort_heap_is_valid(world.heap), "and finds the heap sound");
    }
}

static void test_notice_meddles(void) {
    world_start(NULL);
    world.on_notice = meddle;
    struct ear ears[3] = {{1, 0, 0}, {2, 0, 0}, {3, 0, 0}};
    late_ear = (struct ear){4, 0, 0};
    bystander = plain_new(10);
    struct node *node = node_new(9);
    (void)watch(node, NULL, &ears[0]);
    pending = watch(node, NULL, &ears[1]);
    (void)watch(node, NULL, &ears[2]);
    mort_release(node);
    said("f9 w3 x2 f20 d20 w1 d9", "the pending watch is dropped, the others are told");
    mort_release(bystander);
    said("w4 d10", "the watch that the notice made is told in its turn");
    world_end(0, "a notice meddles");
}

static void drop_bystander(struct ear *ear, int why) {
    if (ear->id == 2 && why == MORT_DIED) {
        struct node *gone = bystander;
        bystander = NULL;
        mort_release(gone);
    }
}

// A notice that ends the owner of the next pending watch: that one was to be told, and is dropped.
static void test_owner_dies_in_batch(void) {
    for (int by_ring = 0; by_ring < 2; by_ring++) {
        world_start(NULL);
        world.on_notice = drop_bystander;
        struct ear ears[2] = {{1, 0, 0}, {2, 0, 0}};
        bystander = plain_new(10);
        struct node *node = plain_new(9);
        (void)watch(node, bystander, &ears[0]);
        (void)watch(node, NULL, &ears[1]);
        if (by_ring) {
            mort_set(&node->left, node);
        }
        mort_release(node);
        (void)mort_collect(world.heap, 2);
        said("w2 x1 d10 d9", "a watch is not told once its owner is dead");
        world_end(0, by_ring ? "owner dies in a batch" : "owner dies among notices");
    }
}

static struct node *kept;

static void keep(struct node *node) {
    mort_set(&kept, node);
}

// By count a resurrected object keeps its watches and those it owns; from a ring both are gone.
static void test_resurrected(void) {
    world_start(NULL);
    world.on_finalize = keep;
    kept = NULL;
    struct ear ears[4] = {{1, 0, 0}, {2, 0, 0}, {3, 0, 0}, {4, 0, 0}};
    struct node *alive = plain_new(7);
    struct node *node = node_new(1);
    (void)watch(node, NULL, &ears[0]);
    (void)watch(alive, node, &ears[1]);
    mort_release(node);
    said("f1", "by count: nobody is told of a death that did not happen");
    mort_set(&kept, NULL);
    said("w1 x2 d1", "until it does");
    node = node_new(2);
    mort_weak weak = {0};
    (void)mort_weak_set(&weak, node);
    (void)watch(node, NULL, &ears[2]);
    (void)watch(alive, node, &ears[3]);
    mort_set(&node->left, node);
    mort_release(node);
    (void)mort_collect(world.heap, 2);
    ok(kept == node && mort_weak_peek(&weak) == NULL, "from a ring: it lives, weak is empty");
    ok(ears[2].why == MORT_DIED && ears[3].why == MORT_DROPPED, "its watches are over");
    ok(mort_weak_set(&weak, node) == MORT_OK && mort_weak_peek(&weak) == node,
       "it may be referred to anew");
    mort_set(&kept->left, NULL);
    mort_set(&kept, NULL);
    ok(mort_weak_peek(&weak) == NULL, "and dies for good");
    is_u64(ears[2].told + ears[3].told, 2, "each watch had one notice");
    mort_weak_clear(&weak);
    mort_release(alive);
    world_end(0, "resurrected");
}

static void test_end_of_heap(void) {
    world_start(NULL);
    struct ear ears[3] = {{1, 0, 0}, {2, 0, 0}, {3, 0, 0}};
    struct node *held = node_new(1);
    struct node *ring = node_new(2);
    mort_set(&ring->left, ring);
    (void)watch(held, NULL, &ears[0]);
    (void)watch(held, ring, &ears[1]);
    (void)watch(ring, NULL, &ears[2]);
    mort_release(ring);
    size_t count = 0;
    ok(world_close(&count), "nothing is left");
    is_u64(count, 1, "one was held");
    ok(ears[0].told == 1 && ears[0].why == MORT_DROPPED, "its watch was dropped with the heap");
    ok(ears[1].told == 1 && ears[1].why == MORT_DROPPED, "one of a ring with its owner");
    ok(ears[2].told == 1 && ears[2].why == MORT_DIED, "and that of the ring was told");
}

static struct node *told_of;
static mort_weak kept_weak;
static mort_keymap *kept_map;

static void keep_by_pointer(struct ear *ear, int why) {
    (void)ear;
    struct node *slot = NULL;
    ok(why == MORT_DIED && mort_is_dying(told_of), "its object is dying");
    ok(mort_weak_set(&kept_weak, told_of) == MORT_EDYING && mort_weak_peek(&kept_weak) == NULL,
       "no weak reference to it");
    ok(mort_keymap_set(kept_map, told_of, kept_map) == MORT_EDYING, "it is no key");
    mort_set(&slot, told_of);
    ok(slot == NULL && mort_retain(told_of) == NULL, "nor can it be held");
}

// Python 2's rule tells of a death before the finalizer: who knows the object by a plain pointer
// finds its memory there. It cannot be referred to again all the same, until the finalizer.
static void test_legacy_pointer(void) {
    const mort_options options = {.flags = MORT_LEGACY};
    struct ear ear = {1, 0, 0};
    world_start(&options);
    (void)mort_keymap_new(&kept_map, world.heap, 0);
    told_of = node_new(1);
    struct node *value = plain_new(2);
    ok(mort_keymap_set(kept_map, told_of, value) == MORT_OK, "a key");
    mort_release(value);
    (void)watch(told_of, NULL, &ear);
    world.on_notice = keep_by_pointer;
    mort_release(told_of);
    said("w1 d2 f1 d1", "told, its value gone, finalized, dead");
    mort_weak_clear(&kept_weak);
    mort_release(kept_map);
    world_end(0, "legacy, a plain pointer");
}

int main(void) {
    test_access();
    test_crowd();
    test_when();
    test_in_trash();
    test_weak_parent();
    test_newest_first();
    test_owners();
    test_owners_in_trash();
    test_notice_meddles();
    test_owner_dies_in_batch();
    test_resurrected();
    test_end_of_heap();
    test_legacy_pointer();
    return done_testing();
}
