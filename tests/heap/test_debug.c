// A library built with MORT_DEBUG stops the program at a broken rule, with one line that names it.
// Each rule is broken in a child of its own.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world.h"

/// How a child ended that broke a rule, and what it wrote.
typedef struct ending {
    bool aborted;
    char text[1024];
} ending;

static ending run_in_child(void (*body)(void)) {
    ending e = {0};
    int ends[2];
    fflush(stdout);
    if (pipe(ends) != 0) {
        return e;
    }
    const pid_t child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        (void)dup2(ends[1], STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        body();
        _exit(0);
    }
    (void)close(ends[1]);
    size_t len = 0;
    ssize_t got = 1;
    while (child > 0 && got > 0 && len + 1 < sizeof(e.text)) {
        got = read(ends[0], e.text + len, sizeof(e.text) - 1 - len);
        len += got > 0 ? (size_t)got : 0;
    }
    (void)close(ends[0]);
    int status = 0;
    if (child > 0 && waitpid(child, &status, 0) == child) {
        e.aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    }
    return e;
}

static void stops(void (*body)(void), int code, const char *name) {
    const ending e = run_in_child(body);
    ok(e.aborted, "%s: stops the program", name);
    const char *newline = strchr(e.text, '\n');
    ok(strstr(e.text, mort_strerror(code)) != NULL && newline != NULL && newline[1] == '\0',
       "%s: one line that names it: %.*s", name, (int)strcspn(e.text, "\n"), e.text);
}

// ---- broken rules -------------------------------------------------------------------------------

static struct node *parent;

static void new_in_destroy(struct node *node) {
    (void)node;
    (void)mort_new(world.node_type);
}

static void break_busy(void) {
    world_start(NULL);
    world.on_destroy = new_in_destroy;
    mort_release(node_new(1));
}

static bool push_at_edge(void *context, mort_object *from, const mort_field *field, size_t index,
                         mort_object *to) {
    (void)context;
    (void)field;
    (void)index;
    struct node *node = (struct node *)from;
    (void)mort_array_push(&node->items, to);
    return true;
}

static void break_visitor(void) {
    world_start(NULL);
    struct node *node = node_new(1);
    mort_set(&node->left, node);
    mort_referents(node, push_at_edge, NULL);
}

static void break_heap(void) {
    world_start(NULL);
    mort_heap *other = NULL;
    mort_type *type = NULL;
    (void)mort_heap_new(&other, NULL);
    (void)mort_type_new(&type, other, &leaf_spec);
    mort_weakset *set = NULL;
    (void)mort_weakset_new(&set, world.heap);
    (void)mort_weakset_add(set, mort_new(type));
}

static void hold_parent(struct node *node) {
    if (node->id == 2) {
        (void)mort_retain(parent);
    }
}

static void break_dying(void) {
    world_start(NULL);
    world.on_finalize = hold_parent;
    parent = node_new(1);
    mort_give(&parent->left, node_new(2));
    mort_release(parent);
}

static void set_parent(struct node *node) {
    if (node->id == 2) {
        static struct node *slot;
        mort_set(&slot, parent);
    }
}

static void break_dying_slot(void) {
    world_start(NULL);
    world.on_finalize = set_parent;
    parent = node_new(1);
    mort_give(&parent->left, node_new(2));
    mort_release(parent);
}

static void end_in_finalizer(struct node *node) {
    (void)node;
    (void)mort_heap_free(world.heap);
}

static void break_end(void) {
    world_start(NULL);
    world.on_finalize = end_in_finalizer;
    mort_release(node_new(1));
}

static void *alloc_crooked(void *context, size_t bytes) {
    (void)context;
    char *memory = malloc(bytes + 8);
    return memory == NULL ? NULL : memory + 8;
}

static void break_alignment(void) {
    const mort_options options = {.alloc = alloc_crooked, .free = world_free};
    mort_heap *heap = NULL;
    (void)mort_heap_new(&heap, &options);
}

// What is no broken rule but an answer: nothing stops.
static void break_nothing(void) {
    world_start(NULL);
    struct node *node = node_new(1);
    mort_keymap *map = NULL;
    mort_weak weak = {0};
    void *got = NULL;
    (void)mort_keymap_new(&map, world.heap, 0);
    const bool answers = mort_keymap_del(map, node) == MORT_ENOENT &&
                         mort_weak_need(&weak, &got) == MORT_ENOENT &&
                         mort_unwatch(world.heap, 5) == MORT_ENOENT &&
                         mort_array_put(&node->items, 0, node) == MORT_ENOENT;
    mort_release(map);
    mort_release(node);
    size_t held = 1;
    const bool clean = world_close(&held);
    if (answers && clean && held == 0) {
        (void)!write(STDERR_FILENO, "fine", 4);
    }
}

int main(void) {
    stops(break_busy, MORT_EBUSY, "an object made in a destroy hook");
    stops(break_visitor, MORT_EBUSY, "a push in a visitor");
    stops(break_heap, MORT_EHEAP, "a member of another heap");
    stops(break_dying, MORT_EDYING, "a dying object held");
    stops(break_dying_slot, MORT_EDYING, "a dying object stored");
    stops(break_end, MORT_EBUSY, "a heap ended by a finalizer");
    stops(break_alignment, MORT_EINVAL, "an allocator that aligns to 8 bytes");
    const ending e = run_in_child(break_nothing);
    ok(!e.aborted && strcmp(e.text, "fine") == 0, "an answer is no broken rule");
    return done_testing();
}
