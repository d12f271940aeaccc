// GObject: counts (atomic), weak references and notices; no collector.
#include <glib-object.h>

#include "measure.h"

typedef struct bench_node {
    GObject parent;
    struct bench_node *left;
    struct bench_node *right;
    long value;
} bench_node;
typedef struct bench_node_class {
    GObjectClass parent;
} bench_node_class;

static void class_init(gpointer class_data, gpointer data) {
    (void)class_data;
    (void)data;
}

static GType node_type(void) {
    GTypeInfo info = {.class_size = sizeof(bench_node_class),
                      .class_init = class_init,
                      .instance_size = sizeof(bench_node)};
    return g_type_register_static(G_TYPE_OBJECT, "BenchNode", &info, 0);
}

static void bench_bytes(GType type, size_t count) {
    void **all = need(malloc(count * sizeof(*all)));
    memset(all, 1, count * sizeof(*all));
    double before = resident_bytes();
    for (size_t i = 0; i < count; i++) {
        all[i] = g_object_new(type, NULL);
    }
    row("bytes", resident_bytes() - before, (double)count);
    for (size_t i = 0; i < count; i++) {
        g_object_unref(all[i]);
    }
    free(all);
}

static void bench_counts(GType type, size_t count) {
    double start = now_ns();
    for (size_t i = 0; i < count; i++) {
        void *object = g_object_new(type, NULL);
        keep(object);
        g_object_unref(object);
    }
    row("new", now_ns() - start, (double)count);
    void *one = g_object_new(type, NULL);
    start = now_ns();
    for (size_t i = 0; i < count; i++) {
        keep(g_object_ref(one));
        g_object_unref(one);
    }
    row("retain", now_ns() - start, (double)count);
    g_object_unref(one);
}

static void on_death(gpointer context, GObject *object) {
    (void)object;
    ++*(size_t *)context;
}

static void bench_weak(GType type, size_t count) {
    GWeakRef weak;
    size_t told = 0;
    void *one = g_object_new(type, NULL);
    g_weak_ref_init(&weak, one);
    double start = now_ns();
    for (size_t i = 0; i < count; i++) {
        void *object = g_weak_ref_get(&weak);
        keep(object);
        g_object_unref(object);
    }
    row("weak get", now_ns() - start, (double)count);
    start = now_ns();
    for (size_t i = 0; i < count; i++) {
        GWeakRef other;
        g_weak_ref_init(&other, one);
        keep(&other);
        g_weak_ref_clear(&other);
    }
    row("weak set", now_ns() - start, (double)count);
    g_weak_ref_set(&weak, NULL);
    g_object_unref(one);
    start = now_ns();
    for (size_t i = 0; i < count; i++) {
        void *object = g_object_new(type, NULL);
        g_weak_ref_set(&weak, object);
        g_object_unref(object);
    }
    row("weak die", now_ns() - start, (double)count);
    g_weak_ref_clear(&weak);
    start = now_ns();
    for (size_t i = 0; i < count; i++) {
        GObject *object = g_object_new(type, NULL);
        g_object_weak_ref(object, on_death, &told);
        g_object_unref(object);
    }
    row("watch die", now_ns() - start, (double)count);
    if (told != count) {
        exit(3);
    }
}

int main(int argc, char **argv) {
    size_t count = count_of(argc, argv);
    GType type = node_type();
    bench_bytes(type, count);
    bench_counts(type, count);
    bench_weak(type, count);
    return 0;
}
