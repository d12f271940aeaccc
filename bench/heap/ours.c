// libmortmain.
#include "measure.h"
#include "mortmain.h"

typedef struct node node;
struct node {
    mort_object head;
    node *left;
    node *right;
    long value;
};
MORT_FIELDS(node, MORT_STRONG(node, left), MORT_STRONG(node, right));
static const mort_spec node_spec = {"Node", sizeof(node), node_fields, NULL, NULL};

static mort_type *type_new(mort_heap **ret_heap) {
    mort_type *type = NULL;
    if (mort_heap_new(ret_heap, NULL) != 0 || mort_type_new(&type, *ret_heap, &node_spec) != 0) {
        exit(3);
    }
    return type;
}

static void bench_bytes(size_t count) {
    mort_heap *heap = NULL;
    mort_type *type = type_new(&heap);
    void **all = need(malloc(count * sizeof(*all)));
    memset(all, 1, count * sizeof(*all));
    double before = resident_bytes();
    for (size_t i = 0; i < count; i++) {
        all[i] = need(mort_new(type));
    }
    row("bytes", resident_bytes() - before, (double)count);
    for (size_t i = 0; i < count; i++) {
        mort_release(all[i]);
    }
    free(all);
    (void)mort_heap_free(heap);
}

static void bench_counts(size_t count) {
    mort_heap *heap = NULL;
    mort_type *type = type_new(&heap);
    double start = now_ns();
    for (size_t i = 0; i < count; i++) {
        void *object = mort_new(type);
        keep(object);
        mort_release(object);
    }
    row("new", now_ns() - start, (double)count);
    node *one = need(mort_new(type));
    start = now_ns();
    for (size_t i = 0; i < count; i++) {
        keep(mort_retain(one));
        mort_release(one);
    }
    row("retain", now_ns() - start, (double)count);
    mort_release(one);
    (void)mort_heap_free(heap);
}

static void on_death(mort_heap *heap, void *context, int why) {
    (void)heap;
    (void)why;
    ++*(size_t *)context;
}

static void bench_weak(size_t count) {
    mort_heap *heap = NULL;
    mort_type *type = type_new(&heap);
    mort_weak weak = {NULL};
    size_t told = 0;
    node *one = need(mort_new(type));
    if (mort_weak_set(&weak, one) != 0) {
        exit(3);
    }
    double start = now_ns();
    for (size_t i = 0; i < count; i++) {
        void *object = mort_weak_get(&weak);
        keep(object);
        mort_release(object);
    }
    row("weak get", now_ns() - start, (double)count);
    start = now_ns();
    for (size_t i = 0; i < count; i++) {
        mort_weak other = {NULL};
        (void)mort_weak_set(&other, one);
        keep(&other);
        mort_weak_clear(&other);
    }
    row("weak set", now_ns() - start, (double)count);
    mort_weak_clear(&weak);
    mort_release(one);
    start = now_ns();
    for (size_t i = 0; i < count; i++) {
        void *object = mort_new(type);
        (void)mort_weak_set(&weak, object);
        mort_release(object);
        mort_weak_clear(&weak);
    }
    row("weak die", now_ns() - start, (double)count);
    start = now_ns();
    for (size_t i = 0; i < count; i++) {
        void *object = mort_new(type);
        (void)mort_watch(NULL, object, NULL, on_death, &told);
        mort_release(object);
    }
    row("watch die", now_ns() - start, (double)count);
    if (told != count) {
        exit(3);
    }
    (void)mort_heap_free(heap);
}

static void graph_fill(mort_type *type, node **slots, uint32_t count, uint32_t *state) {
    for (uint32_t i = 0; i < count; i++) {
        slots[i] = need(mort_new(type));
    }
    for (uint32_t i = 0; i < count; i++) {
        mort_set(&slots[i]->left, slots[random_below(state, count)]);
        mort_set(&slots[i]->right, slots[random_below(state, count)]);
    }
}

// Replace a part of the nodes, at random, and collect: neighbours in memory part.
static void graph_age(mort_heap *heap, mort_type *type, node **slots, uint32_t count,
                      uint32_t *state) {
    for (uint32_t i = 0; i < count / AGING_PART; i++) {
        node *fresh = need(mort_new(type));
        mort_set(&fresh->left, slots[random_below(state, count)]);
        mort_set(&fresh->right, slots[random_below(state, count)]);
        uint32_t at = random_below(state, count);
        mort_give(&slots[at], fresh);
        mort_set(&slots[random_below(state, count)]->left, fresh);
    }
    (void)mort_collect(heap, 2);
}

static void bench_graph(uint32_t count) {
    mort_heap *heap = NULL;
    mort_type *type = type_new(&heap);
    uint32_t state = 1;
    node **slots = need(calloc(count, sizeof(node *)));
    graph_fill(type, slots, count, &state);
    for (int round = 0; round < AGING_ROUNDS; round++) {
        graph_age(heap, type, slots, count, &state);
    }
    double live = (double)mort_len(heap);
    double start = now_ns();
    size_t found = mort_collect(heap, 2);
    row("aged live", now_ns() - start, live);
    if (found != 0) {
        exit(3);
    }
    for (uint32_t i = 0; i < count; i++) {
        mort_release(slots[i]);
    }
    start = now_ns();
    found = mort_collect(heap, 2);
    row("aged garbage", now_ns() - start, (double)found);
    free(slots);
    (void)mort_heap_free(heap);
}

static void bench_pairs(size_t count) {
    mort_heap *heap = NULL;
    mort_type *type = type_new(&heap);
    node **pairs = need(calloc(count / 2, sizeof(node *)));
    for (size_t i = 0; i < count / 2; i++) {
        pairs[i] = need(mort_new(type));
        node *other = need(mort_new(type));
        mort_set(&other->left, pairs[i]);
        mort_give(&pairs[i]->left, other);
    }
    (void)mort_collect(heap, 2);
    double start = now_ns();
    (void)mort_collect(heap, 2);
    row("pairs live", now_ns() - start, (double)count);
    for (size_t i = 0; i < count / 2; i++) {
        mort_release(pairs[i]);
    }
    start = now_ns();
    size_t found = mort_collect(heap, 2);
    row("pairs garbage", now_ns() - start, (double)found);
    free(pairs);
    (void)mort_heap_free(heap);
}

static void bench_chain(size_t count) {
    mort_heap *heap = NULL;
    mort_type *type = type_new(&heap);
    node *head = NULL;
    for (size_t i = 0; i < count; i++) {
        node *next = need(mort_new(type));
        next->left = head;
        head = next;
    }
    double start = now_ns();
    mort_release(head);
    row("chain dies", now_ns() - start, (double)count);
    (void)mort_heap_free(heap);
}

int main(int argc, char **argv) {
    size_t count = count_of(argc, argv);
    bench_bytes(count);
    bench_counts(count);
    bench_weak(count);
    bench_graph((uint32_t)count);
    bench_pairs(count);
    bench_chain(count);
    return 0;
}
