// Any call of the heap, drawn from a seed, on a small pool of roots: what test_hooks.c lets hooks
// do and what test_oom.c fails the allocations of.
//
// A call holds what it works on, as any program must: what it lets go of may run hooks, which draw
// calls themselves and may drop any root. How many they draw is bounded by `budget`.
#ifndef MORT_TESTS_ANY_CALL_H
#define MORT_TESTS_ANY_CALL_H

#include "world.h"

enum { ROOTS = 12, WEAKS = 6, TICKETS = 32, CALLS = 34 };

typedef struct any_pool {
    uint64_t state;
    mort_object *roots[ROOTS];  ///< nodes, plain ones and leaves
    mort_weak weaks[WEAKS];
    mort_array array;
    mort_keymap *keymaps[2];
    mort_valuemap *valuemap;
    mort_weakset *set;
    mort_ticket tickets[TICKETS];
    size_t ticket_count;
    int next_id;
    unsigned depth;    ///< of hooks
    unsigned budget;   ///< calls that hooks may still draw
    unsigned refused;  ///< calls that ended with MORT_ENOMEM
    unsigned changed;  ///< of those: calls that changed something
    bool is_deep;      ///< finalizers end the next of a chain by hand, and so nest
    bool is_ending;    ///< the heap goes: the array outside is not used any more
    uint64_t calls_done[CALLS];
} any_pool;

static any_pool pool;

static inline uint64_t draw(uint64_t below) {
    pool.state = pool.state * 6364136223846793005u + 1442695040888963407u;
    return (pool.state >> 33) % below;
}

// ---- nothing changed ----------------------------------------------------------------------------

typedef struct digest {
    uint64_t hash;
} digest;

static inline void digest_add(digest *d, uint64_t word) {
    d->hash = (d->hash ^ word) * 0x9e3779b97f4a7c15u;
    d->hash ^= d->hash >> 29;
}

static inline bool digest_edge(void *context, mort_object *from, const mort_field *field,
                               size_t index, mort_object *to) {
    digest_add(context, (uintptr_t)from);
    digest_add(context, (uintptr_t)to);
    digest_add(context, (uintptr_t)field + index);
    return true;
}

static inline bool digest_object(void *context, mort_object *object) {
    digest_add(context, (uintptr_t)object);
    digest_add(context, mort_refcount(object));
    digest_add(context, mort_was_finalized(object));
    mort_referents(object, digest_edge, context);
    return true;
}

/// All that a program can see of the heap, as one number.
static inline uint64_t world_digest(void) {
    digest d = {1};
    mort_objects(world.heap, digest_object, &d);
    digest_add(&d, mort_len(world.heap));
    digest_add(&d, mort_garbage_len(world.heap));
    digest_add(&d, mort_frozen_len(world.heap));
    digest_add(&d, world.watch_count);
    digest_add(&d, world.notice_count);
    digest_add(&d, pool.array.len);
    for (int i = 0; i < WEAKS; i++) {
        digest_add(&d, (uintptr_t)mort_weak_peek(&pool.weaks[i]));
    }
    for (int i = 0; i < MORT_GENERATIONS; i++) {
        mort_generation_stats stats = {0};
        (void)mort_stats(world.heap, i, &stats);
        digest_add(&d, stats.objects);
        digest_add(&d, stats.count);
    }
    return d.hash;
}

// Only where the next allocations hold the one that fails, and not within a hook.
static inline uint64_t digest_before(void) {
    const bool is_near =
        world.fail_at > world.alloc_count && world.fail_at <= world.alloc_count + 16;
    return is_near && pool.depth == 0 ? world_digest() : 0;
}

static inline bool digest_after(uint64_t before, bool no_memory) {
    if (no_memory && before != 0) {
        pool.refused++;
        pool.changed += world_digest() != before;
    }
    return !no_memory;
}

/// A call that answers a code; its refusal must change nothing.
#define TRY(code_ret, call)                                        \
    do {                                                           \
        const uint64_t try_before = digest_before();               \
        (code_ret) = (call);                                       \
        (void)digest_after(try_before, (code_ret) == MORT_ENOMEM); \
    } while (0)

// ---- roots --------------------------------------------------------------------------------------

static inline mort_object **root(void) {
    return &pool.roots[draw(ROOTS)];
}

/// OWNED, or NULL: any root.
static inline mort_object *root_held(void) {
    return mort_retain(*root());
}

// Roots are leaves and maps as well.
static inline bool is_node(const mort_object *object) {
    return object != NULL &&
           (mort_type_of(object) == world.node_type || mort_type_of(object) == world.plain_type);
}

/// OWNED, or NULL: a root with fields.
static inline struct node *node_held(void) {
    mort_object *object = *root();
    return is_node(object) ? mort_retain(object) : NULL;
}

static inline void call_new(void) {
    const uint64_t before = digest_before();
    mort_object *object = NULL;
    const uint64_t kind = draw(5);
    const int id = pool.next_id++;
    if (kind == 0) {
        struct leaf *leaf = leaf_new(id);
        object = leaf == NULL ? NULL : &leaf->head;
    } else {
        struct node *node = kind == 1 ? plain_new(id) : node_new(id);
        object = node == NULL ? NULL : &node->head;
    }
    if (digest_after(before, object == NULL)) {
        mort_give(root(), object);
    }
}

static inline void call_field(uint64_t which) {
    struct node *node = node_held();
    mort_object *other = root_held();
    struct node *fielded = is_node(other) ? (struct node *)other : NULL;
    if (node != NULL) {
        switch (which) {
            case 0:
                mort_set(&node->left, fielded);
                break;
            case 1:
                mort_set(&node->right, fielded);
                break;
            case 2:
                mort_set(&node->any, other);
                break;
            case 3:
                mort_give(&node->any, other);
                other = NULL;
                break;
            default:
                mort_give(root(), mort_take(&node->any));
                break;
        }
    }
    mort_release(other);
    mort_release(node);
}

// ---- arrays -------------------------------------------------------------------------------------

static inline void call_array(uint64_t which) {
    struct node *node = node_held();
    mort_object *other = root_held();
    mort_array *array = node == NULL && !pool.is_ending ? &pool.array : NULL;
    array = node == NULL ? array : &node->items;
    int code = MORT_OK;
    if (array != NULL) {
        switch (which) {
            case 0:
                TRY(code, mort_array_push(array, other));
                break;
            case 1:
                TRY(code, mort_array_put(array, draw(4), other));
                break;
            case 2:
                mort_give(root(), mort_array_take(array, draw(4)));
                break;
            case 3:
                (void)mort_array_remove(array, other);
                break;
            default:
                mort_array_clear(array);
                break;
        }
    }
    mort_release(other);
    mort_release(node);
}

// ---- weak references and watches ----------------------------------------------------------------

static inline void call_weak(uint64_t which) {
    struct node *node = node_held();
    mort_object *other = root_held();
    mort_weak *weak = node == NULL ? &pool.weaks[draw(WEAKS)] : &node->weak;
    void *got = NULL;
    int code = MORT_OK;
    switch (which) {
        case 0:
        case 1:
            TRY(code, mort_weak_set(weak, other));
            break;
        case 2:
            got = mort_weak_get(weak);
            break;
        case 3:
            (void)mort_weak_need(weak, &got);
            break;
        default:
            mort_weak_clear(weak);
            break;
    }
    mort_give(root(), got);
    mort_release(other);
    mort_release(node);
}

static inline void call_watch(void) {
    mort_object *object = root_held();
    mort_object *owner = draw(2) == 0 ? root_held() : NULL;
    struct ear *ear = calloc(1, sizeof(*ear));
    mort_ticket ticket = 0;
    int code = MORT_OK;
    TRY(code, mort_watch(&ticket, object, owner, ear_notice, ear));
    if (code == MORT_OK) {
        world.watch_count++;
        pool.tickets[pool.ticket_count++ % TICKETS] = ticket;
    } else {
        free(ear);
    }
    mort_release(owner);
    mort_release(object);
}

static inline void call_unwatch(void) {
    (void)mort_unwatch(world.heap, pool.tickets[draw(TICKETS)]);
}

// ---- maps ---------------------------------------------------------------------------------------

static inline void call_map_new(void) {
    const size_t which = draw(4);
    int code = MORT_OK;
    if (which < 2) {
        mort_keymap *map = NULL;
        TRY(code, mort_keymap_new(&map, world.heap, which == 1 ? MORT_EPHEMERON : 0));
        if (code == MORT_OK) {
            mort_give(&pool.keymaps[which], map);
        }
    } else if (which == 2) {
        mort_valuemap *map = NULL;
        TRY(code, mort_valuemap_new(&map, world.heap));
        if (code == MORT_OK) {
            mort_give(&pool.valuemap, map);
        }
    } else {
        mort_weakset *set = NULL;
        TRY(code, mort_weakset_new(&set, world.heap));
        if (code == MORT_OK) {
            mort_give(&pool.set, set);
        }
    }
}

static inline void call_keymap(uint64_t which) {
    mort_keymap *map = mort_retain(pool.keymaps[draw(2)]);
    mort_object *key = root_held();
    mort_object *value = draw(6) == 0 ? mort_retain(map) : root_held();
    int code = MORT_OK;
    if (map != NULL) {
        void *next_key = NULL;
        void *next_value = NULL;
        mort_cursor cursor = {0};
        switch (which) {
            case 0:
                TRY(code, mort_keymap_set(map, key, value));
                break;
            case 1:
                (void)mort_keymap_del(map, key);
                break;
            case 2:
                mort_release(mort_keymap_get(map, key));
                break;
            default:
                for (int i = 0; i < 6; i++) {
                    if (!mort_keymap_next(map, &cursor, &next_key, &next_value)) {
                        break;
                    }
                    mort_release(next_value);
                    mort_release(next_key);
                }
                break;
        }
    }
    mort_release(value);
    mort_release(key);
    mort_release(map);
}

static inline void call_valuemap(uint64_t which) {
    mort_valuemap *map = mort_retain(pool.valuemap);
    mort_object *value = root_held();
    const uint64_t key = draw(8);
    int code = MORT_OK;
    if (map != NULL) {
        const void *next_key = NULL;
        size_t bytes = 0;
        void *next_value = NULL;
        mort_cursor cursor = {0};
        switch (which) {
            case 0:
                TRY(code, mort_valuemap_set(map, &key, (size_t)(1 + key), value));
                break;
            case 1:
                (void)mort_valuemap_del(map, &key, (size_t)(1 + key));
                break;
            case 2:
                mort_release(mort_valuemap_get(map, &key, (size_t)(1 + key)));
                break;
            default:
                while (mort_valuemap_next(map, &cursor, &next_key, &bytes, &next_value)) {
                    mort_release(next_value);
                }
                break;
        }
    }
    mort_release(value);
    mort_release(map);
}

static inline void call_set(uint64_t which) {
    mort_weakset *set = mort_retain(pool.set);
    mort_object *member = draw(8) == 0 ? mort_retain(set) : root_held();
    int code = MORT_OK;
    if (set != NULL) {
        mort_cursor cursor = {0};
        switch (which) {
            case 0:
            case 1:
                TRY(code, mort_weakset_add(set, member));
                break;
            case 2:
                (void)mort_weakset_del(set, member);
                break;
            default:
                for (int i = 0; i < 6; i++) {
                    mort_release(mort_weakset_next(set, &cursor));
                }
                break;
        }
    }
    mort_release(member);
    mort_release(set);
}

// A map into a field: maps are objects like any other, and part of rings.
static inline void call_map_stored(void) {
    struct node *node = node_held();
    if (node != NULL) {
        mort_object *maps[] = {(mort_object *)pool.keymaps[0], (mort_object *)pool.keymaps[1],
                               (mort_object *)pool.valuemap, (mort_object *)pool.set};
        mort_set(&node->any, maps[draw(4)]);
    }
    mort_release(node);
}

// ---- the collector ------------------------------------------------------------------------------

static inline void call_collector(uint64_t which) {
    const unsigned thresholds[3] = {(unsigned)draw(20), (unsigned)draw(3), (unsigned)draw(3)};
    switch (which) {
        case 0:
            mort_set_thresholds(world.heap, thresholds);
            break;
        case 1:
            mort_enable(world.heap, draw(4) != 0);
            break;
        case 2:
            mort_freeze(world.heap);
            break;
        case 3:
            mort_unfreeze(world.heap);
            break;
        case 4:
            mort_debug(world.heap, draw(4) == 0 ? MORT_DEBUG_LEAK | MORT_DEBUG_STATS : 0);
            break;
        default:
            mort_release(mort_garbage_take(world.heap, draw(3)));
            break;
    }
    world.lines_len = 0;
}

static inline bool count_edge(void *context, mort_object *from, const mort_field *field,
                              size_t index, mort_object *to) {
    size_t *count = context;
    *count += from != NULL && to != NULL && field->name != NULL && index < SIZE_MAX;
    return *count < 50;
}

static inline void call_look(void) {
    size_t count = 0;
    mort_object *object = root_held();
    if (object != NULL) {
        (void)mort_referrers(object, count_edge, &count);
        mort_referents(object, count_edge, &count);
    }
    mort_release(object);
}

/// One call, whichever comes.
static inline void any_call(void) {
    const uint64_t which = draw(CALLS);
    pool.calls_done[which]++;
    if (which < 5) {
        call_new();
    } else if (which < 8) {
        mort_set(root(), NULL);
    } else if (which < 9) {
        mort_object *copy = *root();
        mort_set(root(), copy);
    } else if (which < 14) {
        call_field(which - 9);
    } else if (which < 17) {
        call_array(draw(7) % 5);
    } else if (which < 20) {
        call_weak(draw(5));
    } else if (which < 22) {
        call_watch();
    } else if (which < 23) {
        call_unwatch();
    } else if (which < 24) {
        if (draw(4) == 0) {
            call_map_new();
        }
    } else if (which < 26) {
        call_keymap(draw(4));
    } else if (which < 28) {
        call_valuemap(draw(4));
    } else if (which < 30) {
        call_set(draw(4));
    } else if (which < 31) {
        call_map_stored();
    } else if (which < 32) {
        (void)(draw(3) == 0 ? mort_collect(world.heap, (int)draw(3)) : mort_poll(world.heap));
    } else if (which < 33) {
        call_collector(draw(20) % 6);
    } else {
        call_look();
    }
}

// ---- hooks that draw calls ----------------------------------------------------------------------

static inline void draw_calls(void) {
    pool.depth++;
    for (uint64_t left = draw(4); left > 0 && pool.budget > 0; left--) {
        pool.budget--;
        any_call();
    }
    pool.depth--;
}

static inline void any_finalize(struct node *node) {
    if (pool.is_deep) {
        mort_release(mort_take(&node->left));
    }
    if (draw(3) == 0) {
        mort_set(root(), &node->head);  // it lives on
    }
    draw_calls();
}

static inline void any_destroy(struct node *node) {
    (void)node;
    draw_calls();
}

static inline void any_notice(struct ear *ear, int why) {
    (void)why;
    ear->told = 0xdead;
    free(ear);
    draw_calls();
}

/// So many finalizers inside one another that the innermost releases have to wait.
static inline void call_deep(int links) {
    struct node *first = NULL;
    for (int i = 0; i < links; i++) {
        struct node *node = node_new(pool.next_id++);
        if (node != NULL) {
            mort_give(&node->left, first);
            first = node;
        }
    }
    pool.is_deep = true;
    mort_release(first);
    pool.is_deep = false;
}

static inline void free_ear(struct ear *ear, int why) {
    (void)why;
    free(ear);
}

static inline void any_start(uint64_t seed) {
    memset(&pool, 0, sizeof(pool));
    pool.state = seed * 2654435761u + 1;
    world.on_notice = free_ear;
}

/// Empties the pool; hooks run as they do.
static inline void any_end(void) {
    pool.is_ending = true;
    mort_array_clear(&pool.array);
    for (int i = 0; i < ROOTS; i++) {
        mort_set(&pool.roots[i], NULL);
    }
    mort_set(&pool.keymaps[0], NULL);
    mort_set(&pool.keymaps[1], NULL);
    mort_set(&pool.valuemap, NULL);
    mort_set(&pool.set, NULL);
    for (int i = 0; i < WEAKS; i++) {
        mort_weak_clear(&pool.weaks[i]);
    }
}

#endif
