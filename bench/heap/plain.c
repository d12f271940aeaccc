// malloc and free, and nothing else: what an object costs before anybody counts it.
#include "measure.h"

// As large as libmortmain's node, and zeroed as that is.
typedef struct plain_node {
    uintptr_t head[4];
    struct plain_node *left;
    struct plain_node *right;
    long value;
} plain_node;

typedef struct payload {
    uintptr_t words[3];
} payload;

int main(int argc, char **argv) {
    size_t count = count_of(argc, argv);
    payload **all = need(malloc(count * sizeof(*all)));
    memset(all, 1, count * sizeof(*all));
    double before = resident_bytes();
    for (size_t i = 0; i < count; i++) {
        all[i] = need(malloc(sizeof(payload)));
        memset(all[i], 0, sizeof(payload));
    }
    row("bytes", resident_bytes() - before, (double)count);
    for (size_t i = 0; i < count; i++) {
        free(all[i]);
    }
    free(all);
    double start = now_ns();
    for (size_t i = 0; i < count; i++) {
        plain_node *object = malloc(sizeof(*object));
        keep(object);
        memset(object, 0, sizeof(*object));
        keep(object);
        free(object);
    }
    row("new", now_ns() - start, (double)count);
    return 0;
}
