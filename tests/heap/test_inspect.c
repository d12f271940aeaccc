// Looking: references with the names of their fields, who refers to an object, and all objects.
#include "world.h"

// ---- what visitors say --------------------------------------------------------------------------

static const char *kind_letter(uint32_t kind) {
    static const char *const letters[] = {"?", "s", "w", "a", "k", "v", "e", "u"};
    return kind <= MORT_KIND_WEAK_VALUE ? letters[kind] : "?";
}

static int id_of(const mort_object *object) {
    const mort_type *type = mort_type_of(object);
    if (type == world.leaf_type) {
        return ((const struct leaf *)object)->id;
    }
    const bool is_node = type == world.node_type || type == world.plain_type;
    return is_node ? ((const struct node *)object)->id : 0;
}

/// Says from.name[index]kind>to, and stops after `left` references.
static bool say_edge(void *context, mort_object *from, const mort_field *field, size_t index,
                     mort_object *to) {
    int *left = context;
    say("%d.%s[%zu]%s>%d", id_of(from), field->name, index, kind_letter(field->kind), id_of(to));
    return --*left > 0;
}

static bool say_object(void *context, mort_object *object) {
    int *left = context;
    say("%d", id_of(object));
    return --*left > 0;
}

#define referents(object, most, expected, ...)             \
    do {                                                   \
        int referents_left = (most);                       \
        mort_referents(object, say_edge, &referents_left); \
        said(expected, __VA_ARGS__);                       \
    } while (0)

// ---- referents ----------------------------------------------------------------------------------

static void test_fields(void) {
    world_start(NULL);
    struct node *node = plain_new(1);
    referents(node, 9, "", "an object that refers to none");
    struct leaf *leaf = leaf_new(2);
    mort_give(&node->left, plain_new(3));
    mort_set(&node->any, &leaf->head);
    (void)mort_weak_set(&node->weak, leaf);
    (void)mort_array_push(&node->items, node->left);
    (void)mort_array_push(&node->items, leaf);
    referents(node, 9, "1.left[0]s>3 1.any[0]s>2 1.weak[0]w>2 1.items[0]a>3 1.items[1]a>2",
              "fields by table, arrays by index, weak ones too");
    referents(node, 3, "1.left[0]s>3 1.any[0]s>2 1.weak[0]w>2", "a visitor may stop");
    referents(leaf, 9, "", "a leaf");
    mort_set(&node->any, NULL);
    (void)mort_array_remove(&node->items, leaf);
    mort_release(leaf);
    forget();
    referents(node, 9, "1.left[0]s>3 1.items[0]a>3", "an empty weak field is none");
    mort_release(node);
    world_end(0, "fields");
}

static void test_maps(void) {
    world_start(NULL);
    struct leaf *keys[3] = {leaf_new(1), leaf_new(2), leaf_new(3)};
    mort_keymap *owning = NULL;
    mort_keymap *ephemeron = NULL;
    mort_valuemap *values = NULL;
    mort_weakset *set = NULL;
    (void)mort_keymap_new(&owning, world.heap, 0);
    (void)mort_keymap_new(&ephemeron, world.heap, MORT_EPHEMERON);
    (void)mort_valuemap_new(&values, world.heap);
    (void)mort_weakset_new(&set, world.heap);
    for (int i = 0; i < 3; i++) {
        (void)mort_keymap_set(owning, keys[i], keys[(i + 1) % 3]);
        (void)mort_keymap_set(ephemeron, keys[i], keys[(i + 1) % 3]);
        (void)mort_valuemap_set(values, &i, sizeof(i), keys[i]);
        (void)mort_weakset_add(set, keys[i]);
    }
    referents(owning, 9,
              "0.key[0]k>1 0.value[0]v>2 0.key[1]k>2 0.value[1]v>3 0.key[2]k>3 0.value[2]v>1",
              "a map: each key right before its value");
    referents(ephemeron, 9,
              "0.key[0]k>1 0.value[0]e>2 0.key[1]k>2 0.value[1]e>3 0.key[2]k>3 0.value[2]e>1",
              "an ephemeron map has values of another kind");
    referents(values, 9, "0.value[0]u>1 0.value[1]u>2 0.value[2]u>3", "a valuemap: weak values");
    referents(set, 9, "0.member[0]k>1 0.member[1]k>2 0.member[2]k>3", "a set: members");
    referents(set, 2, "0.member[0]k>1 0.member[1]k>2", "a visitor may stop in a set");
    int left = 9;
    is_u64(mort_referrers(keys[1], say_edge, &left), 2, "two hold it");
    ok(strstr(world.words, "0.value[0]v>2") != NULL && strstr(world.words, "0.value[0]e>2") != NULL,
       "the entries of both maps, weak holders are none: %s", world.words);
    forget();
    mort_release(owning);
    mort_release(ephemeron);
    mort_release(values);
    mort_release(set);
    for (int i = 0; i < 3; i++) {
        mort_release(keys[i]);
    }
    world_end(0, "maps");
}

// ---- referrers ----------------------------------------------------------------------------------

static void test_referrers(void) {
    world_start(NULL);
    struct node *target = plain_new(1);
    struct node *first = plain_new(2);
    struct node *second = plain_new(3);
    int left = 9;
    is_u64(mort_referrers(target, say_edge, &left), 0, "C alone holds it");
    mort_set(&first->right, target);
    mort_set(&target->left, target);
    (void)mort_array_push(&second->items, first);
    (void)mort_array_push(&second->items, target);
    (void)mort_weak_set(&second->weak, target);
    is_u64(mort_referrers(target, say_edge, &left), 3, "three references, each with its name");
    ok(strstr(world.words, "1.left[0]s>1") != NULL &&
           strstr(world.words, "2.right[0]s>1") != NULL &&
           strstr(world.words, "3.items[1]a>1") != NULL && strstr(world.words, "weak") == NULL,
       "a field, its own field, an array: %s", world.words);
    forget();
    is_u64(mort_referrers(target, NULL, NULL), 3, "a count needs no visitor");
    is_u64(mort_refcount(target), 4, "they are all of its count but C's");
    mort_freeze(world.heap);
    is_u64(mort_referrers(target, NULL, NULL), 3, "the frozen refer as well");
    mort_unfreeze(world.heap);
    (void)mort_collect(world.heap, 2);
    is_u64(mort_referrers(target, NULL, NULL), 3, "and the old");
    mort_set(&target->left, NULL);
    mort_release(second);
    mort_release(first);
    mort_release(target);
    world_end(0, "referrers");
}

// ---- objects ------------------------------------------------------------------------------------

static void test_objects(void) {
    world_start(NULL);
    int left = 99;
    mort_objects(world.heap, say_object, &left);
    said("", "an empty heap");
    struct leaf *leaf = leaf_new(1);
    struct node *oldest = plain_new(2);
    (void)mort_collect(world.heap, 1);
    struct node *middle = plain_new(3);
    (void)mort_collect(world.heap, 0);
    struct node *youngest = plain_new(4);
    mort_objects(world.heap, say_object, &left);
    said("2 3 4 1", "the oldest generation first, leaves last");
    left = 2;
    mort_objects(world.heap, say_object, &left);
    said("2 3", "a visitor may stop");
    is_u64(mort_len(world.heap), 4, "four live");
    mort_release(leaf);
    mort_release(oldest);
    mort_release(middle);
    mort_release(youngest);
    world_end(0, "objects");
}

static size_t visited;

static bool release_while_walking(void *context, mort_object *object) {
    struct node **held = context;
    (void)object;
    visited++;
    mort_release(*held);
    *held = NULL;
    return true;
}

// A release in a visitor waits: what is walked stays whole.
static void test_release_in_visitor(void) {
    world_start(NULL);
    struct node *nodes[3] = {node_new(1), node_new(2), node_new(3)};
    mort_give(&nodes[1]->left, node_new(4));
    struct node *held = nodes[1];
    visited = 0;
    mort_objects(world.heap, release_while_walking, &held);
    said("f2 f4 d4 d2", "a death in a visitor happens after the walk");
    ok(visited >= 3, "which goes on");
    mort_release(nodes[0]);
    mort_release(nodes[2]);
    world_end(0, "release in a visitor");
}

static bool all_met(void *context, mort_object *object) {
    size_t *met = context;
    (*met)++;
    return object != NULL;
}

static unsigned looked;

static void look_around(struct node *node) {
    size_t met = 0;
    mort_objects(world.heap, all_met, &met);
    is_u64(met, mort_len(world.heap), "a finalizer in a collection meets all objects");
    is_u64(mort_referrers(node, NULL, NULL), 1, "and all referrers");
    looked++;
}

static void look_at_notice(struct ear *ear, int why) {
    (void)ear;
    size_t met = 0;
    mort_objects(world.heap, all_met, &met);
    is_u64(met, mort_len(world.heap), "a notice %d in a collection meets all objects", why);
    looked++;
}

// What hooks see in the middle of a collection: the finalized, and what is uncollectable, as well.
static void test_objects_in_collection(void) {
    for (unsigned legacy = 0; legacy <= 1; legacy++) {
        const mort_options options = {.flags = legacy != 0 ? MORT_LEGACY : 0};
        struct ear ear = {1, 0, 0};
        world_start(&options);
        struct node *nodes[4] = {NULL};
        for (int i = 0; i < 4; i++) {
            nodes[i] = i < 3 ? node_new(i) : plain_new(i);
        }
        for (int i = 0; i < 3; i++) {
            mort_set(&nodes[i]->left, nodes[(i + 1) % 3]);
        }
        mort_set(&nodes[3]->left, nodes[3]);
        (void)watch(nodes[3], NULL, &ear);
        world.on_finalize = look_around;
        world.on_notice = look_at_notice;
        looked = 0;
        for (int i = 0; i < 4; i++) {
            mort_release(nodes[i]);
        }
        (void)mort_collect(world.heap, 2);
        is_u64(looked, legacy != 0 ? 1 : 4, "so many hooks looked");
        world.on_finalize = NULL;
        while (mort_garbage_len(world.heap) > 0) {
            struct node *node = mort_garbage_take(world.heap, 0);
            mort_give(&node->left, NULL);
            mort_release(node);
        }
        world_end(0, "objects in a collection");
    }
}

int main(void) {
    test_fields();
    test_maps();
    test_referrers();
    test_objects();
    test_release_in_visitor();
    test_objects_in_collection();
    return done_testing();
}
