// Weak references. An object that nobody refers to weakly pays nothing: the word in its head is the
// number of its anchor, 0 for none. The anchor outlives the object while something points to it:
//
//     weak field ─▶ anchor ─▶ object       a read is two loads
//     weak field ─▶ anchor ─▶ NULL         after the death, which wrote one word, however many
//                                          fields there are
//
// An object that a collection had in its trash, or that Python 2's order of death emptied, and that
// lives on, has a dead anchor: its next weak reference gets a fresh one.
#include "internal.h"

static mort_anchor *anchor_new(mort_heap *heap, mort_object *object) {
    uint32_t number = 0;
    mort_anchor *anchor = mort_slab_new_(heap, &heap->anchors, &number);
    if (anchor == NULL) {
        return NULL;
    }
    heap->anchor_count++;
    *anchor = (mort_anchor){.target = object, .object = object, .heap = heap, .number = number};
    return anchor;
}

mort_anchor *mort_anchor_need_(mort_object *object) {
    mort_heap *heap = object->type->heap;
    mort_anchor *old = mort_anchor_peek_(object);
    if (old != NULL && old->target != NULL) {
        return old;
    }
    mort_anchor *anchor = anchor_new(heap, object);
    if (anchor == NULL) {
        return NULL;
    }
    object->anchor = anchor->number;
    if (old != NULL) {
        old->object = NULL;
        anchor->owned = old->owned;
        old->owned = NULL;
        if (anchor->owned != NULL) {
            anchor->owned->owned_link = &anchor->owned;
        }
        for (mort_watch_record *watch = anchor->owned; watch != NULL; watch = watch->owned_next) {
            watch->owner = anchor;
        }
        mort_anchor_settle_(heap, old);
    }
    return anchor;
}

void mort_anchor_settle_(mort_heap *heap, mort_anchor *anchor) {
    if (anchor->handles != 0 || anchor->watches != NULL || anchor->owned != NULL ||
        anchor->entries != NULL) {
        return;
    }
    if (anchor->object != NULL) {
        anchor->object->anchor = 0;
    }
    heap->anchor_count--;
    mort_slab_give_(&heap->anchors, anchor->number);
}

// ---- death --------------------------------------------------------------------------------------

static void entries_leave(mort_heap *heap, mort_anchor *anchor, mort_entry **orphans) {
    while (anchor->entries != NULL && anchor->entries->table != NULL) {
        mort_entry *entry = anchor->entries;
        mort_entry_unlink_(entry);
        if (entry->value == NULL) {
            mort_entry_free_(heap, entry);
        } else {
            entry->anchor_next = *orphans;
            *orphans = entry;
        }
    }
}

mort_object *mort_orphan_take_(mort_heap *heap, mort_entry **list) {
    mort_entry *entry = *list;
    mort_object *value = entry->value;
    *list = entry->anchor_next;
    mort_entry_free_(heap, entry);
    return value;
}

void mort_orphans_release_(mort_object *object) {
    mort_anchor *anchor = NULL;
    while ((anchor = mort_anchor_peek_(object)) != NULL && anchor->target == NULL &&
           anchor->entries != NULL) {
        mort_release(mort_orphan_take_(anchor->heap, &anchor->entries));
    }
}

void mort_anchors_empty_(mort_heap *heap, const mort_object *list) {
    for (mort_object *at = mort_next_(list); at != list; at = mort_next_(at)) {
        mort_anchor *anchor = mort_anchor_peek_(at);
        if (anchor != NULL) {
            anchor->target = NULL;
            entries_leave(heap, anchor, &heap->orphans);
        }
    }
}

void mort_anchor_die_(mort_object *object) {
    mort_heap *heap = object->type->heap;
    mort_anchor *anchor = mort_anchor_peek_(object);
    mort_entry *orphans = NULL;
    if (anchor == NULL) {
        return;
    }
    anchor->target = NULL;
    entries_leave(heap, anchor, &orphans);
    if (orphans != NULL) {
        anchor->entries = orphans;
    }
    // Who is told may end other watches, and the anchor with the last: all is read anew each time.
    for (anchor = mort_anchor_peek_(object); anchor != NULL && anchor->watches != NULL;
         anchor = mort_anchor_peek_(object)) {
        mort_watch_end_(heap, anchor->watches, MORT_DIED);
    }
}

void mort_weak_fields_clear_(mort_object *object) {
    const mort_type *type = object->type;
    uint32_t first = type->strong_count + type->array_count;
    for (uint32_t i = first; i < first + type->weak_count; i++) {
        mort_weak_clear(mort_at_(object, type->offsets[i]));
    }
}

// ---- weak fields --------------------------------------------------------------------------------

int mort_weak_set(mort_weak *weak, void *object) {
    if (object == NULL) {
        mort_weak_clear(weak);
        return MORT_OK;
    }
    mort_heap *heap = mort_heap_of(object);
    int code = mort_may_store_(heap, object);
    if (code != MORT_OK) {
        return code;
    }
    mort_anchor *anchor = mort_anchor_need_(object);
    if (anchor == NULL) {
        return MORT_ENOMEM;
    }
    anchor->handles++;
    mort_weak_clear(weak);
    weak->anchor = anchor;
    return MORT_OK;
}

_Static_assert(offsetof(mort_anchor, target) == 0, "mort_weak_peek() reads it there");

int mort_weak_need(const mort_weak *weak, void **ret) {
    if (weak->anchor == NULL) {
        return MORT_ENOENT;
    }
    if (weak->anchor->target == NULL) {
        return MORT_EDEAD;
    }
    *ret = mort_retain(weak->anchor->target);
    return MORT_OK;
}

void mort_weak_clear(mort_weak *weak) {
    mort_anchor *anchor = weak->anchor;
    if (anchor != NULL) {
        weak->anchor = NULL;
        anchor->handles--;
        mort_anchor_settle_(anchor->heap, anchor);
    }
}
