// QuickJS: counts and a collector of cycles, as libmortmain has, for the objects of its language.
#include <quickjs.h>

#include "measure.h"

typedef struct bench_js {
    JSRuntime *runtime;
    JSContext *context;
    JSAtom left;
    JSAtom right;
    JSAtom value;
} bench_js;

// With as many properties as the other programs' nodes have words.
static JSValue node_new(const bench_js *js) {
    JSValue object = JS_NewObject(js->context);
    (void)JS_SetProperty(js->context, object, js->left, JS_NULL);
    (void)JS_SetProperty(js->context, object, js->right, JS_NULL);
    (void)JS_SetProperty(js->context, object, js->value, JS_NewInt32(js->context, 0));
    return object;
}

static void bench_bytes(const bench_js *js, size_t count) {
    JSValue *all = need(malloc(count * sizeof(*all)));
    memset(all, 1, count * sizeof(*all));
    double before = resident_bytes();
    for (size_t i = 0; i < count; i++) {
        all[i] = node_new(js);
    }
    row("bytes", resident_bytes() - before, (double)count);
    for (size_t i = 0; i < count; i++) {
        JS_FreeValue(js->context, all[i]);
    }
    free(all);
}

static void bench_counts(const bench_js *js, size_t count) {
    double start = now_ns();
    for (size_t i = 0; i < count; i++) {
        JSValue object = JS_NewObject(js->context);
        keep(&object);
        JS_FreeValue(js->context, object);
    }
    row("new", now_ns() - start, (double)count);
    JSValue one = node_new(js);
    start = now_ns();
    for (size_t i = 0; i < count; i++) {
        JSValue same = JS_DupValue(js->context, one);
        keep(&same);
        JS_FreeValue(js->context, same);
    }
    row("retain", now_ns() - start, (double)count);
    JS_FreeValue(js->context, one);
}

static void bench_pairs(const bench_js *js, size_t count) {
    JSValue *pairs = need(malloc(count / 2 * sizeof(*pairs)));
    for (size_t i = 0; i < count / 2; i++) {
        pairs[i] = node_new(js);
        JSValue other = node_new(js);
        (void)JS_SetProperty(js->context, other, js->left, JS_DupValue(js->context, pairs[i]));
        (void)JS_SetProperty(js->context, pairs[i], js->left, other);
    }
    JS_RunGC(js->runtime);
    double start = now_ns();
    JS_RunGC(js->runtime);
    row("pairs live", now_ns() - start, (double)count);
    for (size_t i = 0; i < count / 2; i++) {
        JS_FreeValue(js->context, pairs[i]);
    }
    start = now_ns();
    JS_RunGC(js->runtime);
    row("pairs garbage", now_ns() - start, (double)count);
    free(pairs);
}

int main(int argc, char **argv) {
    size_t count = count_of(argc, argv);
    bench_js js = {.runtime = need(JS_NewRuntime())};
    js.context = need(JS_NewContext(js.runtime));
    js.left = JS_NewAtom(js.context, "left");
    js.right = JS_NewAtom(js.context, "right");
    js.value = JS_NewAtom(js.context, "value");
    JS_SetGCThreshold(js.runtime, SIZE_MAX);
    bench_bytes(&js, count);
    bench_counts(&js, count);
    bench_pairs(&js, count);
    return 0;
}
