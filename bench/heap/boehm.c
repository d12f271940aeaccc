// The Boehm collector: no counts, conservative marking. Garbage is swept later, bit by bit, so only
// the marking of what lives is measured.
#include <gc.h>

#include "measure.h"

typedef struct gc_node {
    struct gc_node *left;
    struct gc_node *right;
    long value;
} gc_node;

static gc_node *node_new(void) {
    return need(GC_MALLOC(sizeof(gc_node)));
}

static void bench_bytes(size_t count) {
    void **all = need(GC_MALLOC(count * sizeof(*all)));
    memset(all, 0, count * sizeof(*all));
    double before = resident_bytes();
    for (size_t i = 0; i < count; i++) {
        all[i] = node_new();
    }
    row("bytes", resident_bytes() - before, (double)count);
}

static void bench_new(size_t count) {
    double start = now_ns();
    for (size_t i = 0; i < count; i++) {
        keep(node_new());
    }
    row("new", now_ns() - start, (double)count);
}

static void bench_graph(uint32_t count) {
    uint32_t state = 1;
    gc_node **slots = need(GC_MALLOC(count * sizeof(*slots)));
    for (uint32_t i = 0; i < count; i++) {
        slots[i] = node_new();
    }
    for (uint32_t i = 0; i < count; i++) {
        slots[i]->left = slots[random_below(&state, count)];
        slots[i]->right = slots[random_below(&state, count)];
    }
    for (int round = 0; round < AGING_ROUNDS; round++) {
        for (uint32_t i = 0; i < count / AGING_PART; i++) {
            gc_node *fresh = node_new();
            fresh->left = slots[random_below(&state, count)];
            fresh->right = slots[random_below(&state, count)];
            slots[random_below(&state, count)] = fresh;
            slots[random_below(&state, count)]->left = fresh;
        }
        GC_gcollect();
    }
    // What lives is what the slots lead to; it is counted by walking, in `value`.
    size_t live = 0;
    gc_node **stack = need(malloc(4 * (size_t)count * sizeof(*stack)));
    size_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        for (stack[used++] = slots[i]; used > 0;) {
            gc_node *at = stack[--used];
            if (at != NULL && at->value == 0) {
                at->value = 1;
                live++;
                stack[used++] = at->left;
                stack[used++] = at->right;
            }
        }
    }
    free(stack);
    double start = now_ns();
    GC_gcollect();
    row("aged live", now_ns() - start, (double)live);
    keep(slots);
}

static void bench_pairs(size_t count) {
    gc_node **pairs = need(GC_MALLOC(count / 2 * sizeof(*pairs)));
    for (size_t i = 0; i < count / 2; i++) {
        pairs[i] = node_new();
        pairs[i]->left = node_new();
        pairs[i]->left->left = pairs[i];
    }
    GC_gcollect();
    double start = now_ns();
    GC_gcollect();
    row("pairs live", now_ns() - start, (double)count);
    keep(pairs);
}

int main(int argc, char **argv) {
    size_t count = count_of(argc, argv);
    GC_INIT();
    if (strcmp(argc > 2 ? argv[2] : "", "graph") == 0) {
        bench_graph((uint32_t)count);
    } else if (strcmp(argc > 2 ? argv[2] : "", "pairs") == 0) {
        bench_pairs(count);
    } else {
        bench_bytes(count);
        bench_new(count);
    }
    return 0;
}
