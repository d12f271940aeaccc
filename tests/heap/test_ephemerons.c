// Ephemerons: small random graphs against a model that says plainly what must live.
//
// The model is the definition as a fixpoint: what C holds lives; what a living object's field
// refers to lives; the value of an entry lives while its map and its key do. Without the flag a map
// owns its values, and an entry goes with its key. After collecting, exactly what the model says is
// alive: one collection does for ephemerons, an owning map may need one for each entry that goes.
//
// With finalizers that store their object again the model cannot know beforehand who comes back. It
// is then held against what is there afterwards: nothing lives that nothing leads to, no field or
// entry of the living has lost what it referred to, and no finalizer has run twice.
#include "world.h"

enum { NODES_MAX = 24, MAPS_MAX = 3, ALL_MAX = NODES_MAX + MAPS_MAX, EDGES = 5, NONE = -1 };

/// A graph twice: as objects, and as indices; nodes come first, then maps.
typedef struct graph {
    int node_count;
    int map_count;
    mort_object *objects[ALL_MAX];
    bool held[ALL_MAX];           ///< by C
    int edges[NODES_MAX][EDGES];  ///< left, right, any, and two of the array
    bool is_ephemeron[MAPS_MAX];
    int values[MAPS_MAX][NODES_MAX];  ///< of a map's entry for a key
    bool returns[NODES_MAX];          ///< its finalizer stores it again
    unsigned finalized[NODES_MAX];
    bool alive[ALL_MAX];  ///< as the heap says
} graph;

static graph g;
static uint64_t state;

static int draw(int below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (int)((state >> 33) % (uint64_t)below);
}

static int all_count(void) {
    return g.node_count + g.map_count;
}

// ---- the objects --------------------------------------------------------------------------------

static void come_back(struct node *node) {
    g.finalized[node->id]++;
    if (g.returns[node->id]) {
        g.held[node->id] = true;
        mort_retain(node);
    }
}

static void make_objects(bool with_finalizers) {
    for (int i = 0; i < g.node_count; i++) {
        struct node *node = with_finalizers && draw(2) == 0 ? node_new(i) : plain_new(i);
        g.objects[i] = &node->head;
        g.returns[i] = with_finalizers && draw(2) == 0;
    }
    for (int i = 0; i < g.map_count; i++) {
        mort_keymap *map = NULL;
        if (mort_keymap_new(&map, world.heap, g.is_ephemeron[i] ? MORT_EPHEMERON : 0) != MORT_OK) {
            printf("Bail out! no map\n");
            exit(EXIT_FAILURE);
        }
        g.objects[g.node_count + i] = &map->head;
    }
    for (int i = 0; i < all_count(); i++) {
        g.held[i] = true;
    }
}

static void make_edges(void) {
    for (int i = 0; i < g.node_count; i++) {
        struct node *node = (struct node *)g.objects[i];
        for (int edge = 0; edge < EDGES; edge++) {
            g.edges[i][edge] = NONE;
            if (draw(3) != 0) {
                continue;
            }
            const int to = edge < 2 ? draw(g.node_count) : draw(all_count());
            g.edges[i][edge] = to;
            if (edge == 0) {
                mort_set(&node->left, (struct node *)g.objects[to]);
            } else if (edge == 1) {
                mort_set(&node->right, (struct node *)g.objects[to]);
            } else if (edge == 2) {
                mort_set(&node->any, g.objects[to]);
            } else {
                (void)mort_array_push(&node->items, g.objects[to]);
            }
        }
    }
}

static void make_entries(void) {
    for (int map = 0; map < g.map_count; map++) {
        for (int key = 0; key < g.node_count; key++) {
            g.values[map][key] = NONE;
            if (draw(2) == 0) {
                g.values[map][key] = draw(all_count());
                (void)mort_keymap_set((mort_keymap *)g.objects[g.node_count + map], g.objects[key],
                                      g.objects[g.values[map][key]]);
            }
        }
    }
}

static bool find_alive(void *context, mort_object *object) {
    bool *is_known = context;
    int i = 0;
    while (i < all_count() && g.objects[i] != object) {
        i++;
    }
    *is_known = *is_known && i < all_count();
    if (i < all_count()) {
        g.alive[i] = true;
    }
    return true;
}

// What lives, by the heap's own list. False: it holds something that was never made.
static bool look(void) {
    bool is_known = true;
    memset(g.alive, 0, sizeof(g.alive));
    mort_objects(world.heap, find_alive, &is_known);
    return is_known;
}

// ---- the model ----------------------------------------------------------------------------------

static bool spread(bool *live, int from) {
    bool changed = false;
    if (from < g.node_count) {
        for (int edge = 0; edge < EDGES; edge++) {
            const int to = g.edges[from][edge];
            changed = changed || (to != NONE && !live[to]);
            if (to != NONE) {
                live[to] = true;
            }
        }
        return changed;
    }
    const int map = from - g.node_count;
    for (int key = 0; key < g.node_count; key++) {
        const int to = g.values[map][key];
        if (to != NONE && !live[to] && (live[key] || !g.is_ephemeron[map])) {
            live[to] = true;
            changed = true;
        }
    }
    return changed;
}

static void live_from_held(bool *live) {
    memcpy(live, g.held, sizeof(g.held));
    for (bool changed = true; changed;) {
        changed = false;
        for (int i = 0; i < all_count(); i++) {
            changed = (live[i] && spread(live, i)) || changed;
        }
    }
}

// An entry of an owning map goes with its key, and what only it held goes then.
static void model(bool *live) {
    for (bool changed = true; changed;) {
        changed = false;
        live_from_held(live);
        for (int map = 0; map < g.map_count; map++) {
            for (int key = 0; key < g.node_count; key++) {
                if (g.values[map][key] != NONE && !live[key]) {
                    g.values[map][key] = NONE;
                    changed = true;
                }
            }
        }
    }
}

// ---- one graph ----------------------------------------------------------------------------------

static void graph_make(uint64_t seed, bool with_finalizers, bool with_owning) {
    memset(&g, 0, sizeof(g));
    state = seed * 2654435761u + 12345;
    g.node_count = 1 + draw(NODES_MAX);
    g.map_count = 1 + draw(MAPS_MAX);
    for (int i = 0; i < g.map_count; i++) {
        g.is_ephemeron[i] = !with_owning || draw(2) == 0;
    }
    make_objects(with_finalizers);
    if (draw(2) == 0) {
        (void)mort_collect(world.heap, draw(3));  // maps and nodes of several generations
    }
    make_edges();
    if (draw(2) == 0) {
        (void)mort_collect(world.heap, draw(3));
    }
    make_entries();
}

// Lets go of each object with a chance of `of` in `below`, collecting now and then.
static void graph_drop(int of, int below) {
    for (int i = 0; i < all_count(); i++) {
        if (g.held[i] && draw(below) < of) {
            g.held[i] = false;
            mort_release(g.objects[i]);
            if (draw(6) == 0) {
                (void)mort_collect(world.heap, draw(2));
            }
        }
    }
}

static void graph_end(void) {
    memset(g.returns, 0, sizeof(g.returns));
    for (int round = 0; round < 2; round++) {
        graph_drop(1, 1);
        while (mort_collect(world.heap, 2) > 0) {
        }
    }
}

/// Faults over many graphs.
typedef struct tally {
    unsigned uncollected;
    unsigned unsound;
    unsigned twice;
    unsigned invalid;
    unsigned left;
    unsigned trash;     ///< objects that were to go
    unsigned returned;  ///< finalizers that stored their object
} tally;

static void check_exact(tally *t, bool once) {
    bool live[ALL_MAX];
    if (once) {
        (void)mort_collect(world.heap, 2);
    } else {
        while (mort_collect(world.heap, 2) > 0) {
        }
    }
    model(live);
    t->invalid += !look();
    for (int i = 0; i < all_count(); i++) {
        t->uncollected += g.alive[i] && !live[i];
        t->unsound += !g.alive[i] && live[i];
        t->trash += !live[i];
    }
    for (int map = 0; map < g.map_count; map++) {
        for (int key = 0; key < g.node_count && live[g.node_count + map]; key++) {
            const int value = g.values[map][key];
            const void *got =
                live[key]
                    ? mort_keymap_peek((mort_keymap *)g.objects[g.node_count + map], g.objects[key])
                    : NULL;
            t->unsound += value != NONE && live[key] && got != g.objects[value];
        }
    }
}

static bool edge_is_whole(int from, int edge) {
    const struct node *node = (const struct node *)g.objects[from];
    const int to = g.edges[from][edge];
    if (to == NONE) {
        return true;
    }
    const mort_object *want = g.objects[to];
    switch (edge) {
        case 0:
            return node->left != NULL && &node->left->head == want;
        case 1:
            return node->right != NULL && &node->right->head == want;
        case 2:
            return node->any == want;
        default:
            return node->items.len > 0 &&
                   (node->items.items[0] == want || node->items.items[node->items.len - 1] == want);
    }
}

// What a finalizer stored again leads to, through entries of any key: such a key may have been in
// the trash once, and then its entries are lost.
static void led_to_by_returned(bool *led) {
    const graph whole = g;
    for (int i = 0; i < all_count(); i++) {
        g.held[i] = i < g.node_count && g.finalized[i] > 0 && g.returns[i];
    }
    memset(g.is_ephemeron, 0, sizeof(g.is_ephemeron));
    live_from_held(led);
    g = whole;
}

// Takes entries as they are into the model.
static void check_entries(tally *t) {
    bool led[ALL_MAX];
    led_to_by_returned(led);
    for (int map = 0; map < g.map_count; map++) {
        for (int key = 0; key < g.node_count; key++) {
            const int value = g.values[map][key];
            const int at = g.node_count + map;
            const bool both = g.alive[at] && g.alive[key];
            const void *got =
                both ? mort_keymap_peek((mort_keymap *)g.objects[at], g.objects[key]) : NULL;
            t->unsound += both && value != NONE && got == NULL && !led[key];
            t->unsound += got != NULL && (value == NONE || got != g.objects[value]);
            if (got == NULL) {
                g.values[map][key] = NONE;
            }
        }
    }
}

// Where finalizers bring all of a collection's trash back it counts none, and yet entries that went
// with their keys may have let go of something: each finalizer may ask for one collection more.
static void check_returned(tally *t) {
    bool live[ALL_MAX];
    for (size_t quiet = 0; quiet <= NODES_MAX;) {
        quiet = mort_collect(world.heap, 2) > 0 ? 0 : quiet + 1;
    }
    t->invalid += !look();
    check_entries(t);
    live_from_held(live);
    for (int i = 0; i < all_count(); i++) {
        t->uncollected += g.alive[i] && !live[i];
        t->unsound += !g.alive[i] && live[i];
        t->trash += !g.alive[i];
        for (int edge = 0; i < g.node_count && g.alive[i] && edge < EDGES; edge++) {
            t->unsound += !edge_is_whole(i, edge);
        }
    }
    for (int i = 0; i < g.node_count; i++) {
        t->returned += g.finalized[i] > 0 && g.returns[i];
    }
}

static void run_graphs(const char *name, uint64_t first, unsigned count, bool with_finalizers,
                       bool with_owning) {
    tally t = {0};
    world_start(NULL);
    world.on_finalize = come_back;
    for (uint64_t seed = first; seed < first + count; seed++) {
        const tally before = t;
        graph_make(seed, with_finalizers, with_owning);
        graph_drop(1 + draw(3), 3);
        if (with_finalizers) {
            check_returned(&t);
        } else {
            check_exact(&t, !with_owning);
        }
        t.invalid += seed % 8 == 0 && !mort_heap_is_valid(world.heap);
        graph_end();
        t.left += mort_len(world.heap) != 0;
        for (int i = 0; i < g.node_count; i++) {
            t.twice += g.finalized[i] > 1;
        }
        forget();
        if (t.uncollected + t.unsound + t.twice + t.invalid + t.left !=
            before.uncollected + before.unsound + before.twice + before.invalid + before.left) {
            diag("seed %" PRIu64 " of %s", seed, name);
            break;
        }
    }
    is_u64(t.uncollected, 0, "%s: %u graphs, %u objects to go: none uncollected", name, count,
           t.trash);
    is_u64(t.unsound, 0, "%s: none unsound", name);
    is_u64(t.twice, 0, "%s: no finalizer twice; %u stored their object", name, t.returned);
    is_u64(t.invalid, 0, "%s: the heap is sound", name);
    is_u64(t.left, 0, "%s: nothing is left of a graph", name);
    ok(t.trash > count && (!with_finalizers || t.returned > count / 4), "%s: enough happened",
       name);
    world_end(0, name);
}

int main(int argc, char **argv) {
    // Arguments: the first seed, and how many.
    const uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    const unsigned count = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 20000;
    run_graphs("ephemerons", first, count, false, false);
    run_graphs("ephemerons and finalizers", first, count, true, false);
    run_graphs("owning maps too", first, count / 4, false, true);
    run_graphs("owning maps too, and finalizers", first, count / 4, true, true);
    return done_testing();
}
