// scene.c: a small scene graph. Parents own their children, children know their parents, nodes
// share textures through a cache, and views are told of changes without being kept alive.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mortmain.h"

struct thing {  // a texture or a view, and what a node begins with
    mort_object head;
    const char *name;
};
struct node {
    struct thing thing;
    mort_weak parent;       // up: not counted
    mort_array children;    // down: counted
    struct thing *texture;  // counted, by all who share it
    mort_weakset *views;    // the set is counted, its members are not
};
MORT_FIELDS(node, MORT_WEAK(node, parent), MORT_ARRAY(node, children), MORT_STRONG(node, texture),
            MORT_STRONG(node, views));

static void say_bye(void *thing) {
    printf("  %s is gone\n", ((struct thing *)thing)->name);
}
static const mort_spec thing_spec = {"Thing", sizeof(struct thing), NULL, say_bye, NULL};
static const mort_spec node_spec = {"Node", sizeof(struct node), node_fields, say_bye, NULL};

struct scene {
    mort_type *thing_type, *node_type;
    mort_valuemap *things;  // by name, those in use
};

static void check(bool is_good) {
    if (!is_good) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
}

static struct thing *thing_get(struct scene *scene, const char *name) {
    struct thing *thing = mort_valuemap_get(scene->things, name, strlen(name));
    if (thing == NULL) {
        check((thing = mort_new(scene->thing_type)) != NULL);
        thing->name = name;
        check(mort_valuemap_set(scene->things, name, strlen(name), thing) == 0);
    }
    return thing;
}

static struct node *node_new(struct scene *scene, struct node *parent, const char *name) {
    struct node *node = mort_new(scene->node_type);
    check(node != NULL);
    node->thing.name = name;
    check(mort_weakset_new(&node->views, mort_heap_of(node)) == 0);
    check(mort_weak_set(&node->parent, parent) == 0);
    if (parent != NULL) {
        check(mort_array_push(&parent->children, node) == 0);
        mort_release(node);  // its parent owns it, the caller borrows it
    }
    return node;
}

// A change is shown by the views of the node and of all above it.
static void node_change(struct node *node) {
    printf("%s changes\n", node->thing.name);
    for (struct node *at = mort_retain(node); at != NULL;) {
        mort_cursor cursor = {0};
        for (struct thing *view; (view = mort_weakset_next(at->views, &cursor)) != NULL;) {
            printf("  %s redraws\n", view->name);
            mort_release(view);
        }
        mort_give(&at, mort_weak_get(&at->parent));
    }
}

int main(void) {
    mort_heap *heap = NULL;
    struct scene scene = {0};
    check(mort_heap_new(&heap, NULL) == 0 && mort_valuemap_new(&scene.things, heap) == 0);
    check(mort_type_new(&scene.thing_type, heap, &thing_spec) == 0);
    check(mort_type_new(&scene.node_type, heap, &node_spec) == 0);
    struct node *root = node_new(&scene, NULL, "root");
    struct node *house = node_new(&scene, root, "house");
    struct node *tree = node_new(&scene, root, "tree");
    mort_give(&house->texture, thing_get(&scene, "wood"));
    mort_give(&tree->texture, thing_get(&scene, "wood"));
    struct thing *map = thing_get(&scene, "map"), *photo = thing_get(&scene, "photo");
    check(mort_weakset_add(root->views, map) == 0 && mort_weakset_add(house->views, photo) == 0);
    node_change(house);
    mort_release(photo);
    node_change(house);
    mort_array_remove(&root->children, house);
    printf("wood is shared by %u\n", mort_refcount(tree->texture));
    mort_release(root);
    mort_release(map);
    mort_release(scene.things);
    return mort_heap_free(heap) != 0;
}
