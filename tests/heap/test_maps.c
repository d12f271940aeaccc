// Maps and sets of weak references: entries that go with their objects, and walks meanwhile.
#include "world.h"

enum { MANY = 3000 };

// ---- keymaps ------------------------------------------------------------------------------------

static void test_keymap(unsigned flags) {
    const char *name = flags == MORT_EPHEMERON ? "ephemeron map" : "owning map";
    world_start(NULL);
    mort_keymap *map = NULL;
    ok(mort_keymap_new(&map, world.heap, flags) == MORT_OK, "%s: made", name);
    is_u64(mort_keymap_len(map), 0, "%s: empty", name);
    struct leaf *key = leaf_new(1);
    struct node *value = node_new(2);
    ok(mort_keymap_get(map, key) == NULL && mort_keymap_peek(map, key) == NULL, "%s: no entry",
       name);
    ok(mort_keymap_del(map, key) == MORT_ENOENT, "%s: nothing to delete", name);
    ok(mort_keymap_set(map, key, value) == MORT_OK, "%s: set", name);
    ok(mort_refcount(key) == 1 && mort_refcount(value) == 2, "%s: counts the value alone", name);
    ok(mort_keymap_peek(map, key) == value && mort_refcount(value) == 2, "%s: peek borrows", name);
    ok(mort_keymap_get(map, key) == value && mort_refcount(value) == 3, "%s: get owns", name);
    mort_release(value);
    ok(mort_keymap_set(map, key, value) == MORT_OK && mort_refcount(value) == 2,
       "%s: the same value again", name);
    mort_release(value);
    said("", "%s: the map holds its value", name);
    ok(mort_keymap_set(map, key, &map->head) == MORT_OK && mort_keymap_len(map) == 1,
       "%s: a second set replaces", name);
    said("f2 d2", "%s: and lets go of the first", name);
    value = node_new(3);
    ok(mort_keymap_set(map, key, value) == MORT_OK, "%s: set", name);
    mort_release(value);
    ok(mort_keymap_del(map, key) == MORT_OK && mort_keymap_len(map) == 0, "%s: deleted", name);
    said("f3 d3", "%s: the value goes", name);
    value = node_new(4);
    ok(mort_keymap_set(map, key, value) == MORT_OK, "%s: set once more", name);
    mort_release(value);
    mort_release(key);
    is_u64(mort_keymap_len(map), 0, "%s: an entry goes with its key", name);
    said(world.words[1] == '1' ? "d1 f4 d4" : "f4 d4 d1", "%s: and so does its value", name);
    key = leaf_new(5);
    struct leaf *second = leaf_new(6);
    ok(mort_keymap_set(map, key, second) == MORT_OK && mort_keymap_set(map, second, key) == MORT_OK,
       "%s: key and value crosswise", name);
    mort_release(map);
    ok(mort_refcount(key) == 1 && mort_refcount(second) == 1, "%s: dead, it holds nothing", name);
    mort_release(key);
    mort_release(second);
    world_end(0, name);
}

// The value leads back to the key.
static void test_leads_back(void) {
    for (unsigned flags = 0; flags <= MORT_EPHEMERON; flags++) {
        world_start(NULL);
        mort_keymap *map = NULL;
        (void)mort_keymap_new(&map, world.heap, flags);
        struct node *key = node_new(1);
        struct node *value = node_new(2);
        mort_set(&value->left, key);
        ok(mort_keymap_set(map, key, value) == MORT_OK, "a value that leads back to its key");
        mort_release(key);
        mort_release(value);
        is_u64(mort_keymap_len(map), 1, "is there");
        const size_t found = mort_collect(world.heap, 2);
        if (flags == MORT_EPHEMERON) {
            is_u64(found, 2, "an ephemeron map lets both go");
            is_u64(mort_keymap_len(map), 0, "and is empty");
            is_u64(world.death_count, 2, "both are dead");
        } else {
            is_u64(found, 0, "an owning map keeps them");
            is_u64(mort_keymap_len(map), 1, "for ever");
        }
        mort_release(map);
        (void)mort_collect(world.heap, 2);
        is_u64(world.death_count, 2, "without the map both go");
        world_end(0, "leads back");
    }
}

static struct leaf *leaf_in_hand;
static mort_weak weak_of_leaf;
static mort_keymap *map_in_hand;

// Each finalizer ends the next; the innermost that runs lets go of a leaf, which has to wait.
static void nest_and_use_leaf(struct node *node) {
    struct node *next = mort_take(&node->left);
    if (node->id == 10 && leaf_in_hand != NULL) {
        mort_release(leaf_in_hand);
        leaf_in_hand = NULL;
        void *again = mort_weak_get(&weak_of_leaf);
        ok(again != NULL && mort_refcount(again) == 2, "a leaf that waits for its death is alive");
        ok(mort_keymap_set(map_in_hand, again, map_in_hand) == MORT_OK, "and may be a key");
        ok(mort_heap_is_valid(world.heap), "the heap is sound");
        mort_release(again);
    }
    mort_release(next);
}

static void test_waiting_key(void) {
    world_start(NULL);
    (void)mort_keymap_new(&map_in_hand, world.heap, MORT_EPHEMERON);
    leaf_in_hand = leaf_new(1000);
    memset(&weak_of_leaf, 0, sizeof(weak_of_leaf));
    (void)mort_weak_set(&weak_of_leaf, leaf_in_hand);
    struct node *first = NULL;
    // Ids fall from 59 at the head: the fiftieth death is that of 10.
    for (int id = 0; id < 60; id++) {
        struct node *node = node_new(id);
        mort_give(&node->left, first);
        first = node;
    }
    world.on_finalize = nest_and_use_leaf;
    mort_release(first);
    ok(leaf_in_hand == NULL && mort_weak_peek(&weak_of_leaf) == NULL, "then it dies");
    is_u64(mort_keymap_len(map_in_hand), 0, "and its entry goes with it");
    mort_weak_clear(&weak_of_leaf);
    mort_release(map_in_hand);
    world_end(0, "waiting key");
}

// The value of one key is the next key: the last key decides over all.
static void test_ephemeron_row(void) {
    world_start(NULL);
    mort_keymap *map = NULL;
    (void)mort_keymap_new(&map, world.heap, MORT_EPHEMERON);
    enum { ROW = 200 };
    struct node *nodes[ROW];
    for (int i = 0; i < ROW; i++) {
        nodes[i] = plain_new(i);
    }
    for (int i = 0; i + 1 < ROW; i++) {
        (void)mort_keymap_set(map, nodes[i], nodes[i + 1]);
    }
    (void)mort_keymap_set(map, nodes[ROW - 1], nodes[0]);
    for (int i = 0; i < ROW; i++) {
        if (i != 77) {
            mort_release(nodes[i]);
        }
    }
    is_u64(mort_collect(world.heap, 2), 0, "one key holds a ring of entries");
    is_u64(mort_keymap_len(map), ROW, "all of it");
    mort_release(nodes[77]);
    is_u64(mort_collect(world.heap, 2), ROW, "without it all go in one collection");
    is_u64(mort_keymap_len(map), 0, "the map is empty");
    mort_release(map);
    world_end(0, "row");
}

static void test_keymap_many(unsigned flags) {
    static struct leaf *keys[MANY];
    world_start(NULL);
    mort_keymap *map = NULL;
    (void)mort_keymap_new(&map, world.heap, flags);
    bool works = true;
    for (int i = 0; i < MANY; i++) {
        keys[i] = leaf_new(i);
        struct leaf *value = leaf_new(-i - 1);
        works = works && mort_keymap_set(map, keys[i], value) == MORT_OK;
        mort_release(value);
    }
    ok(works, "%d entries", MANY);
    for (int i = 0; i < MANY; i += 3) {
        mort_release(keys[i]);
        keys[i] = NULL;
    }
    ok(mort_heap_is_valid(world.heap), "sound after every third key died");
    is_u64(mort_keymap_len(map), MANY - (MANY + 2) / 3, "a third of the entries is gone");
    mort_cursor cursor = {0};
    void *key = NULL;
    void *value = NULL;
    int expected = 1;
    while (mort_keymap_next(map, &cursor, &key, &value)) {
        works = works && ((struct leaf *)key)->id == expected &&
                ((struct leaf *)value)->id == -expected - 1 && mort_refcount(key) == 2;
        expected += expected % 3 == 1 ? 1 : 2;
        mort_release(key);
        mort_release(value);
    }
    ok(works && expected >= MANY, "a walk meets the rest, the oldest first, both owned");
    ok(!mort_keymap_next(map, &cursor, &key, &value), "the end stays the end");
    for (int i = 1; i < MANY; i += 3) {
        works = works && mort_keymap_peek(map, keys[i]) != NULL &&
                mort_keymap_del(map, keys[i]) == MORT_OK && mort_keymap_peek(map, keys[i]) == NULL;
    }
    ok(works && mort_heap_is_valid(world.heap), "every other deleted");
    for (int i = 0; i < MANY; i++) {
        mort_release(keys[i]);
    }
    is_u64(mort_keymap_len(map), 0, "empty with its last key");
    mort_release(map);
    world_end(0, "many");
}

// ---- walks --------------------------------------------------------------------------------------

/// A container of one of the three kinds, with the same verbs, for one test of walks over all.
typedef struct any_map {
    int kind;  ///< 0 and 1: keymap without and with MORT_EPHEMERON, 2: valuemap, 3: weakset
    mort_object *map;
} any_map;

static any_map any_new(int kind) {
    any_map any = {kind, NULL};
    mort_keymap *keys = NULL;
    mort_valuemap *values = NULL;
    mort_weakset *set = NULL;
    if (kind <= 1 && mort_keymap_new(&keys, world.heap, kind == 1 ? MORT_EPHEMERON : 0) == 0) {
        any.map = &keys->head;
    } else if (kind == 2 && mort_valuemap_new(&values, world.heap) == 0) {
        any.map = &values->head;
    } else if (kind == 3 && mort_weakset_new(&set, world.heap) == 0) {
        any.map = &set->head;
    }
    return any;
}

static int any_add(any_map any, struct leaf *member) {
    if (any.kind == 2) {
        return mort_valuemap_set((mort_valuemap *)any.map, &member->id, sizeof(member->id), member);
    }
    if (any.kind == 3) {
        return mort_weakset_add((mort_weakset *)any.map, member);
    }
    return mort_keymap_set((mort_keymap *)any.map, member, any.map);
}

static int any_del(any_map any, struct leaf *member) {
    if (any.kind == 2) {
        return mort_valuemap_del((mort_valuemap *)any.map, &member->id, sizeof(member->id));
    }
    if (any.kind == 3) {
        return mort_weakset_del((mort_weakset *)any.map, member);
    }
    return mort_keymap_del((mort_keymap *)any.map, member);
}

static size_t any_len(any_map any) {
    return any.kind == 2   ? mort_valuemap_len((mort_valuemap *)any.map)
           : any.kind == 3 ? mort_weakset_len((mort_weakset *)any.map)
                           : mort_keymap_len((mort_keymap *)any.map);
}

static struct leaf *any_next(any_map any, mort_cursor *cursor) {
    void *member = NULL;
    void *value = NULL;
    const void *key = NULL;
    size_t key_bytes = 0;
    if (any.kind == 3) {
        return mort_weakset_next((mort_weakset *)any.map, cursor);
    }
    if (any.kind == 2) {
        return mort_valuemap_next((mort_valuemap *)any.map, cursor, &key, &key_bytes, &member)
                   ? member
                   : NULL;
    }
    if (!mort_keymap_next((mort_keymap *)any.map, cursor, &member, &value)) {
        return NULL;
    }
    mort_release(value);
    return member;
}

static uint64_t random_next(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

enum { MEMBERS = 600 };

/// What one walk met, and what changed meanwhile: a member that was there from its first step to
/// its last is met once, any other at most once.
typedef struct walk {
    struct leaf *members[MEMBERS];
    bool was_there[MEMBERS];  ///< at the first step
    bool left[MEMBERS];       ///< since
    unsigned met[MEMBERS];
} walk;

static void walk_disturb(walk *w, any_map any, uint64_t *state) {
    const size_t i = random_next(state) % MEMBERS;
    switch (random_next(state) % 4) {
        case 0:
            if (w->members[i] == NULL) {
                w->members[i] = leaf_new((int)i);
                (void)any_add(any, w->members[i]);
            }
            break;
        case 1:
            w->left[i] = w->left[i] || w->members[i] != NULL;
            (void)(w->members[i] != NULL && any_del(any, w->members[i]));
            break;
        case 2:
            w->left[i] = w->left[i] || w->members[i] != NULL;
            mort_release(w->members[i]);
            w->members[i] = NULL;
            break;
        default:
            break;
    }
}

static bool walk_once(walk *w, any_map any, uint64_t *state) {
    for (size_t i = 0; i < MEMBERS; i++) {
        w->was_there[i] = false;
        w->left[i] = false;
        w->met[i] = 0;
    }
    mort_cursor look = {0};
    for (struct leaf *m = any_next(any, &look); m != NULL; m = any_next(any, &look)) {
        w->was_there[m->id] = true;
        mort_release(m);
    }
    mort_cursor cursor = {0};
    const unsigned disturbances = (unsigned)(random_next(state) % 4);
    for (struct leaf *m = any_next(any, &cursor); m != NULL; m = any_next(any, &cursor)) {
        w->met[m->id]++;
        for (unsigned i = 0; i < disturbances; i++) {
            walk_disturb(w, any, state);
        }
        mort_release(m);
    }
    bool right = true;
    for (size_t i = 0; i < MEMBERS; i++) {
        const bool stayed = w->was_there[i] && !w->left[i];
        right = right && (!stayed || w->met[i] == 1) && (w->left[i] || w->met[i] <= 1);
    }
    return right;
}

static void test_walks(int kind) {
    static walk w;
    static const char *const names[] = {"owning map", "ephemeron map", "valuemap", "weakset"};
    world_start(NULL);
    memset(&w, 0, sizeof(w));
    uint64_t state = (uint64_t)kind + 1;
    const any_map any = any_new(kind);
    ok(any.map != NULL, "%s: made", names[kind]);
    bool right = true;
    for (int round = 0; round < 200 && right; round++) {
        for (int i = 0; i < 200; i++) {
            walk_disturb(&w, any, &state);
        }
        right = walk_once(&w, any, &state) && mort_heap_is_valid(world.heap);
        if (!right) {
            diag("round %d", round);
        }
    }
    ok(right, "%s: what was there all the time is met once, disturbed or not", names[kind]);
    for (size_t i = 0; i < MEMBERS; i++) {
        mort_release(w.members[i]);
    }
    is_u64(any_len(any), 0, "%s: empty at the end", names[kind]);
    mort_release(any.map);
    world_end(0, names[kind]);
}

// A cursor holds its current member: it dies when the walker lets go, and only then.
static void test_walk_holds(void) {
    for (int kind = 0; kind < 4; kind++) {
        world_start(NULL);
        const any_map any = any_new(kind);
        struct leaf *members[3];
        for (int i = 0; i < 3; i++) {
            members[i] = leaf_new(i);
            (void)any_add(any, members[i]);
        }
        mort_cursor cursor = {0};
        struct leaf *met = any_next(any, &cursor);
        ok(met == members[0], "the oldest is met first");
        for (int i = 0; i < 3; i++) {
            mort_release(members[i]);
        }
        is_u64(any_len(any), 1, "the walker holds it, the others are gone");
        mort_release(met);
        is_u64(any_len(any), 0, "until it lets go");
        ok(any_next(any, &cursor) == NULL, "there is none left");
        mort_release(any.map);
        world_end(0, "a walk holds");
    }
}

// Whoever takes each member out and puts it in again comes to an end all the same.
static void test_walk_ends(void) {
    for (int kind = 0; kind < 4; kind++) {
        world_start(NULL);
        const any_map any = any_new(kind);
        struct leaf *members[5];
        for (int i = 0; i < 5; i++) {
            members[i] = leaf_new(i);
            (void)any_add(any, members[i]);
        }
        mort_cursor cursor = {0};
        int met = 0;
        for (struct leaf *m = any_next(any, &cursor); m != NULL && met < 100;
             m = any_next(any, &cursor)) {
            met++;
            (void)any_del(any, m);
            (void)any_add(any, m);
            mort_release(m);
        }
        is_u64((uint64_t)met, 5, "a walk ends though each member comes again behind it");
        is_u64(any_len(any), 5, "five are there");
        for (int i = 0; i < 5; i++) {
            mort_release(members[i]);
        }
        mort_release(any.map);
        world_end(0, "a walk ends");
    }
}

// ---- valuemaps ----------------------------------------------------------------------------------

static void test_valuemap(void) {
    world_start(NULL);
    mort_valuemap *map = NULL;
    ok(mort_valuemap_new(&map, world.heap) == MORT_OK, "a valuemap");
    struct node *first = node_new(1);
    struct node *second = node_new(2);
    char key[] = "k";
    ok(mort_valuemap_set(map, key, 1, first) == MORT_OK, "a key of bytes");
    key[0] = 'x';
    ok(mort_valuemap_peek(map, "k", 1) == first, "is copied");
    is_u64(mort_refcount(first), 1, "a value is not counted");
    ok(mort_valuemap_get(map, "k", 1) == first && mort_refcount(first) == 2, "get owns");
    mort_release(first);
    ok(mort_valuemap_get(map, "k", 2) == NULL && mort_valuemap_get(map, "", 0) == NULL &&
           mort_valuemap_get(map, "K", 1) == NULL,
       "other bytes are another key");
    ok(mort_valuemap_set(map, "", 0, second) == MORT_OK && mort_valuemap_peek(map, "", 0) == second,
       "no bytes are a key");
    ok(mort_valuemap_set(map, "k\0z", 3, second) == MORT_OK &&
           mort_valuemap_peek(map, "k\0z", 3) == second,
       "a zero byte is one as any");
    is_u64(mort_valuemap_len(map), 3, "three entries");
    ok(mort_valuemap_set(map, "k", 1, second) == MORT_OK && mort_valuemap_len(map) == 3,
       "a second set replaces");
    mort_release(first);
    said("f1 d1", "the first value dies");
    ok(mort_valuemap_peek(map, "k", 1) == second, "the entry is the second's now");
    ok(mort_valuemap_del(map, "k", 1) == MORT_OK && mort_valuemap_del(map, "k", 1) == MORT_ENOENT,
       "delete, once");
    const uint64_t number = 51;
    ok(mort_valuemap_set(map, &number, sizeof(number), second) == MORT_OK, "a number as key");
    const uint64_t same = 51;
    ok(mort_valuemap_peek(map, &same, sizeof(same)) == second, "is found by its value");
    is_u64(mort_valuemap_len(map), 3, "one value under three keys");
    mort_release(second);
    is_u64(mort_valuemap_len(map), 0, "an object takes all its entries with it");
    ok(mort_valuemap_get(map, &same, sizeof(same)) == NULL, "none is found");
    struct node *temporary = node_new(3);
    ok(mort_valuemap_set(map, "t", 1, temporary) == MORT_OK, "set");
    mort_set(&temporary->left, temporary);
    mort_release(temporary);
    ok(mort_valuemap_peek(map, "t", 1) == temporary, "a ring waits");
    is_u64(mort_collect(world.heap, 2), 1, "is collected");
    is_u64(mort_valuemap_len(map), 0, "and its entry is gone");
    mort_release(map);
    world_end(0, "valuemap");
}

// A number, then k to the end. Answers how long the number is.
static int write_key(char *key, size_t room, int number) {
    memset(key, 'k', room);
    const int len = snprintf(key, room, "%d", number);
    key[len] = 'k';
    return len;
}

static void test_valuemap_many(void) {
    static struct leaf *values[MANY];
    world_start(NULL);
    mort_valuemap *map = NULL;
    (void)mort_valuemap_new(&map, world.heap);
    bool works = true;
    char key[400];
    for (int i = 0; i < MANY; i++) {
        values[i] = leaf_new(i);
        const int len = write_key(key, sizeof(key), i);
        works = works && mort_valuemap_set(map, key, (size_t)(len + i % 300), values[i]) == MORT_OK;
    }
    mort_cursor cursor = {0};
    const void *found = NULL;
    size_t found_bytes = 0;
    void *value = NULL;
    int expected = 0;
    while (mort_valuemap_next(map, &cursor, &found, &found_bytes, &value)) {
        const int len = write_key(key, sizeof(key), expected);
        works = works && value == values[expected] &&
                found_bytes == (size_t)(len + expected % 300) &&
                memcmp(found, key, found_bytes) == 0 && mort_refcount(value) == 2;
        mort_release(value);
        expected++;
    }
    ok(works && expected == MANY, "%d keys of many lengths, met in the order of their setting",
       MANY);
    for (int i = 0; i < MANY; i++) {
        mort_release(values[i]);
    }
    is_u64(mort_valuemap_len(map), 0, "all gone");
    mort_release(map);
    world_end(0, "valuemap of many");
}

// ---- weak sets ----------------------------------------------------------------------------------

static void test_weakset(void) {
    world_start(NULL);
    mort_weakset *set = NULL;
    mort_weakset *other = NULL;
    ok(mort_weakset_new(&set, world.heap) == MORT_OK, "a weak set");
    ok(mort_weakset_new(&other, world.heap) == MORT_OK, "and another");
    struct node *first = node_new(1);
    struct node *second = node_new(2);
    ok(mort_weakset_add(set, first) == MORT_OK && mort_weakset_add(set, second) == MORT_OK, "add");
    ok(mort_weakset_add(set, first) == MORT_OK && mort_weakset_len(set) == 2,
       "a second add is none");
    ok(mort_weakset_add(other, first) == MORT_OK, "of two sets");
    is_u64(mort_refcount(first), 1, "a member is not counted");
    ok(mort_weakset_has(set, first) && !mort_weakset_has(other, second), "has");
    ok(mort_weakset_del(set, second) == MORT_OK && mort_weakset_del(set, second) == MORT_ENOENT,
       "delete, once");
    ok(mort_weakset_add(set, second) == MORT_OK, "and back");
    mort_release(first);
    ok(mort_weakset_len(set) == 1 && mort_weakset_len(other) == 0, "a member dies out of both");
    ok(mort_weakset_has(set, second), "the other stays");
    ok(mort_weakset_add(set, set) == MORT_OK, "a set in itself");
    mort_release(set);
    mort_release(other);
    said("f1 d1", "a dead set took nobody along");
    mort_release(second);
    world_end(0, "weakset");
}

int main(void) {
    test_keymap(0);
    test_keymap(MORT_EPHEMERON);
    test_leads_back();
    test_ephemeron_row();
    test_waiting_key();
    test_keymap_many(0);
    test_keymap_many(MORT_EPHEMERON);
    for (int kind = 0; kind < 4; kind++) {
        test_walks(kind);
    }
    test_walk_holds();
    test_walk_ends();
    test_valuemap();
    test_valuemap_many();
    test_weakset();
    return done_testing();
}
