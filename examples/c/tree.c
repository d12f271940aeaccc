// tree.c: parents and children that refer to each other, and what that costs.
//
// A parent owns its children: those references are counted. If a child counts its parent too, the
// two are a ring, and no count in a ring ever reaches 0: only the collector frees it. If the child
// refers to its parent weakly, the whole tree goes with the last reference to its root.
//
//     cc -std=c11 -Iheap examples/c/tree.c heap/*.c && ./a.out
#include <stdio.h>
#include <stdlib.h>

#include "mortmain.h"

enum { ROUNDS = 10, MIB = 1 << 20, WORKLOAD_MIB = 128 };

// What all nodes of a demonstration share. The workloads are allocated but never written to, so a
// system lends addresses rather than memory, and this runs on a small machine; what is reported is
// therefore not what the system says, but the sum of the workloads that exist at a time.
struct family {
    mort_heap *heap;
    mort_type *type;
    const char *last_word;
    size_t workload_mib;
    size_t now_mib;
    size_t peak_mib;
};

struct node {
    mort_object head;
    mort_array children;  // counted, any number
    struct node *owner;   // counted: closes the ring
    mort_weak parent;     // not counted: the cure
    const char *name;
    struct family *family;
    void *workload;  // not the heap's: node_destroy() frees it
};
// The names of the references, for the collector and for whoever asks what holds a node.
MORT_FIELDS(node, MORT_ARRAY(node, children), MORT_STRONG(node, owner), MORT_WEAK(node, parent));

// Runs once, while the node is still whole.
static void node_finalize(void *object) {
    struct node *node = object;
    printf("%s %s\n", node->family->last_word, node->name);
}

// Runs last. The node's references are gone already.
static void node_destroy(void *object) {
    struct node *node = object;
    if (node->workload != NULL) {
        node->family->now_mib -= node->family->workload_mib;
        free(node->workload);
    }
}

static const mort_spec node_spec = {
    .name = "Node",
    .size = sizeof(struct node),
    .fields = node_fields,
    .finalize = node_finalize,
    .destroy = node_destroy,
};

static void check(int status) {
    if (status != MORT_OK) {
        fprintf(stderr, "%s\n", mort_strerror(status));
        exit(1);
    }
}

static void begin(struct family *family) {
    check(mort_heap_new(&family->heap, NULL));
    check(mort_type_new(&family->type, family->heap, &node_spec));
}

// A new node below `parent` (NULL: a root). The caller owns one reference to it.
static struct node *node_new(struct family *family, const char *name, struct node *parent,
                             bool is_weak) {
    struct node *node = mort_new(family->type);  // zeroed
    check(node == NULL ? MORT_ENOMEM : MORT_OK);
    node->name = name;
    node->family = family;
    if (family->workload_mib != 0) {
        node->workload = malloc(family->workload_mib * MIB);
        check(node->workload == NULL ? MORT_ENOMEM : MORT_OK);
        family->now_mib += family->workload_mib;
        if (family->peak_mib < family->now_mib) {
            family->peak_mib = family->now_mib;
        }
    }
    if (parent != NULL) {
        check(mort_array_push(&parent->children, node));
        if (is_weak) {
            check(mort_weak_set(&node->parent, parent));
        } else {
            mort_set(&node->owner, parent);
        }
    }
    return node;
}

// Ten families, one after the other, none needed when the next one comes.
static void work(bool is_weak) {
    struct family family = {.last_word = "delete", .workload_mib = WORKLOAD_MIB};
    begin(&family);
    struct node *parent = NULL;
    struct node *child = NULL;
    for (int round = 0; round < ROUNDS; round++) {
        // Each new node exists before the variable lets go of the old one: that is why three
        // workloads is the least, and not two.
        mort_give(&parent, node_new(&family, "1", NULL, is_weak));
        mort_give(&child, node_new(&family, "2", parent, is_weak));
        // A place where all references are counted: the collector may work here if it is due. It
        // counts objects, and twenty are no reason for it, however large they are.
        if (mort_poll(family.heap)) {
            puts("collected");
        }
    }
    puts("end");
    mort_give(&parent, NULL);
    mort_give(&child, NULL);
    mort_heap_free(family.heap);  // collects what is left, and finalizes it
    printf("The workloads took %zu MiB at their peak.\n", family.peak_mib);
}

static void tell_parent(struct node *node) {
    void *parent = NULL;
    int status = mort_weak_need(&node->parent, &parent);
    if (status == MORT_OK) {
        printf("The parent of %s is %s.\n", node->name, ((struct node *)parent)->name);
        mort_release(parent);
    } else if (status == MORT_ENOENT) {  // never set
        printf("The parent of %s is None.\n", node->name);
    } else {  // MORT_EDEAD
        puts("LookupError: Parent was destroyed");
    }
}

static void three_generations(void) {
    struct family family = {.last_word = "del"};
    begin(&family);
    struct node *root = node_new(&family, "root", NULL, true);
    struct node *kid = node_new(&family, "kid", root, true);
    struct node *grandkid = node_new(&family, "grandkid", kid, true);
    mort_release(grandkid);  // its parent holds it
    tell_parent(root);
    tell_parent(kid);

    puts("A kid that is in use outlives its root:");
    mort_give(&root, NULL);
    tell_parent(kid);
    mort_release(kid);

    puts("A tree that only its root holds goes with it, the parent first:");
    root = node_new(&family, "root", NULL, true);
    kid = node_new(&family, "kid", root, true);
    mort_release(node_new(&family, "grandkid", kid, true));
    mort_release(kid);
    mort_release(root);
    mort_heap_free(family.heap);
}

int main(void) {
    puts("= A child counts its parent =");
    work(false);
    puts("= A child knows its parent weakly =");
    work(true);
    puts("= Three generations =");
    three_generations();
    return 0;
}
