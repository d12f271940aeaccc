// What the tests of the heap share: an allocator that counts, objects that say what happens to
// them, and the words they said.
//
//     world_start(NULL);
//     struct node *n = node_new(1);            // says f1 when finalized, d1 when destroyed
//     mort_release(n);
//     said("f1 d1", "a death");
//     world_end();                             // nothing left: bytes, objects, watches
//
// One program, one thread, one .c file, as tap.h: the statics are its own.
#ifndef MORT_TESTS_WORLD_H
#define MORT_TESTS_WORLD_H

#include <mortmain.h>

#include "../unit/tap.h"

/// Of heap/internal.h: lists, counts = references found by the visitor, anchors. It is the only
/// thing that a test knows of the library's inside.
bool mort_heap_is_valid(const mort_heap *heap);

enum { WORDS_MAX = 1 << 16, ALLOC_HEAD = 16 };

struct node {
    mort_object head;
    struct node *left;
    struct node *right;
    mort_object *any;
    mort_weak weak;
    mort_array items;
    int id;
};
MORT_FIELDS(node, MORT_STRONG(node, left), MORT_STRONG(node, right), MORT_STRONG_ANY(node, any),
            MORT_WEAK(node, weak), MORT_ARRAY(node, items));

struct leaf {
    mort_object head;
    int id;
};

/// A watch's context: told counts its notices.
struct ear {
    int id;
    int why;
    unsigned told;
};

typedef struct world_of_test {
    mort_heap *heap;
    mort_type *node_type;   ///< finalizer and destroy hook
    mort_type *plain_type;  ///< the same struct without a finalizer
    mort_type *leaf_type;   ///< no references: the collector never looks at it
    size_t live_bytes;
    size_t live_blocks;
    size_t alloc_count;
    size_t fail_at;  ///< the allocation that fails; 0: none
    bool wrong_size;
    size_t birth_count;
    size_t death_count;
    size_t watch_count;
    size_t notice_count;
    void (*on_finalize)(struct node *node);
    void (*on_destroy)(struct node *node);
    void (*on_notice)(struct ear *ear, int why);
    size_t words_len;
    char words[WORDS_MAX];
    size_t lines_len;
    char lines[WORDS_MAX];
} world_of_test;

static world_of_test world;

// ---- what is said -------------------------------------------------------------------------------

__attribute__((format(printf, 1, 2))) static inline void say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char word[64];
    const int len = vsnprintf(word, sizeof(word), format, arguments);
    va_end(arguments);
    if (len < 0 || world.words_len + (size_t)len + 2 > WORDS_MAX) {
        return;
    }
    if (world.words_len != 0) {
        world.words[world.words_len++] = ' ';
    }
    memcpy(world.words + world.words_len, word, (size_t)len + 1);
    world.words_len += (size_t)len;
}

static inline void forget(void) {
    world.words_len = 0;
    world.words[0] = '\0';
    world.lines_len = 0;
    world.lines[0] = '\0';
}

/// What was said since the last time is exactly this.
#define said(expected, ...)                          \
    do {                                             \
        is_text(world.words, expected, __VA_ARGS__); \
        forget();                                    \
    } while (0)

// ---- allocator and lines ------------------------------------------------------------------------

static inline void *world_alloc(void *context, size_t bytes) {
    world_of_test *w = context;
    if (++w->alloc_count == w->fail_at) {
        return NULL;
    }
    char *memory = malloc(bytes + ALLOC_HEAD);
    if (memory == NULL) {
        return NULL;
    }
    memcpy(memory, &bytes, sizeof(bytes));
    memset(memory + ALLOC_HEAD, 0xa5, bytes);
    w->live_bytes += bytes;
    w->live_blocks++;
    return memory + ALLOC_HEAD;
}

static inline void world_free(void *context, void *memory, size_t bytes) {
    world_of_test *w = context;
    if (memory == NULL) {
        return;
    }
    char *block = (char *)memory - ALLOC_HEAD;
    size_t taken = 0;
    memcpy(&taken, block, sizeof(taken));
    w->wrong_size = w->wrong_size || taken != bytes;
    w->live_bytes -= taken;
    w->live_blocks--;
    memset(memory, 0x5a, taken);
    free(block);
}

static inline void world_line(void *context, const char *line) {
    world_of_test *w = context;
    const size_t len = strlen(line);
    if (w->lines_len + len + 2 < WORDS_MAX) {
        memcpy(w->lines + w->lines_len, line, len);
        w->lines_len += len;
        w->lines[w->lines_len++] = '\n';
        w->lines[w->lines_len] = '\0';
    }
}

// ---- objects ------------------------------------------------------------------------------------

static inline void node_finalize(void *object) {
    struct node *node = object;
    say("f%d", node->id);
    if (world.on_finalize != NULL) {
        world.on_finalize(node);
    }
}

static inline void node_destroy(void *object) {
    struct node *node = object;
    say("d%d", node->id);
    world.death_count++;
    if (world.on_destroy != NULL) {
        world.on_destroy(node);
    }
}

static inline void leaf_destroy(void *object) {
    struct leaf *leaf = object;
    say("d%d", leaf->id);
    world.death_count++;
}

static const mort_spec node_spec = {"Node", sizeof(struct node), node_fields, node_finalize,
                                    node_destroy};
static const mort_spec plain_spec = {"Plain", sizeof(struct node), node_fields, NULL, node_destroy};
static const mort_spec leaf_spec = {"Leaf", sizeof(struct leaf), NULL, NULL, leaf_destroy};

static inline struct node *node_of(mort_type *type, int id) {
    struct node *node = mort_new(type);
    if (node != NULL) {
        node->id = id;
        world.birth_count++;
    }
    return node;
}

static inline struct node *node_new(int id) {
    return node_of(world.node_type, id);
}

static inline struct node *plain_new(int id) {
    return node_of(world.plain_type, id);
}

static inline struct leaf *leaf_new(int id) {
    struct leaf *leaf = mort_new(world.leaf_type);
    if (leaf != NULL) {
        leaf->id = id;
        world.birth_count++;
    }
    return leaf;
}

// ---- watches ------------------------------------------------------------------------------------

/// Says w1 for a death and x1 for a watch that was dropped.
static inline void ear_notice(mort_heap *heap, void *context, int why) {
    struct ear *ear = context;
    (void)heap;
    ear->told++;
    ear->why = why;
    world.notice_count++;
    say("%c%d", why == MORT_DIED ? 'w' : 'x', ear->id);
    if (world.on_notice != NULL) {
        world.on_notice(ear, why);
    }
}

static inline mort_ticket watch(void *object, void *owner, struct ear *ear) {
    mort_ticket ticket = 0;
    if (mort_watch(&ticket, object, owner, ear_notice, ear) == MORT_OK) {
        world.watch_count++;
    }
    return ticket;
}

// ---- begin and end ------------------------------------------------------------------------------

/// A fresh heap with the world's allocator and lines; flags and thresholds are the caller's.
static inline int world_open(const mort_options *wanted, size_t fail_at) {
    memset(&world, 0, sizeof(world));
    world.fail_at = fail_at;
    mort_options options = {0};
    if (wanted != NULL) {
        options = *wanted;
    }
    options.alloc = world_alloc;
    options.free = world_free;
    options.line = world_line;
    options.context = &world;
    int status = mort_heap_new(&world.heap, &options);
    if (status == MORT_OK) {
        status = mort_type_new(&world.node_type, world.heap, &node_spec);
    }
    if (status == MORT_OK) {
        status = mort_type_new(&world.plain_type, world.heap, &plain_spec);
    }
    if (status == MORT_OK) {
        status = mort_type_new(&world.leaf_type, world.heap, &leaf_spec);
    }
    return status;
}

static inline void world_start(const mort_options *wanted) {
    if (world_open(wanted, 0) != MORT_OK) {
        printf("Bail out! no heap\n");
        exit(EXIT_FAILURE);
    }
}

/// Takes the heap down. Answers whether nothing is left; `held_ret`: what mort_heap_free() said.
static inline bool world_close(size_t *held_ret) {
    const size_t held = mort_heap_free(world.heap);
    world.heap = NULL;
    if (held_ret != NULL) {
        *held_ret = held;
    }
    if (world.live_bytes != 0 || world.live_blocks != 0 || world.wrong_size) {
        diag("%zu bytes in %zu blocks left%s", world.live_bytes, world.live_blocks,
             world.wrong_size ? ", a size that is not the block's" : "");
        return false;
    }
    if (world.birth_count != world.death_count || world.watch_count != world.notice_count) {
        diag("births %zu, deaths %zu; watches %zu, notices %zu", world.birth_count,
             world.death_count, world.watch_count, world.notice_count);
        return false;
    }
    return true;
}

/// Ends a test: `held` objects were still held by C, and nothing is left.
static inline void world_end(size_t held, const char *name) {
    ok(mort_heap_is_valid(world.heap), "%s: the heap is sound at the end", name);
    size_t held_got = 0;
    const bool clean = world_close(&held_got);
    ok(clean, "%s: nothing is left", name);
    is_u64(held_got, held, "%s: held by C at the end", name);
}

#endif
