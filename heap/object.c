// Objects: birth, counting, death.
//
// A death is depth first, as CPython's is, at any depth and without memory of its own: an object
// that dies is in no list, so its two links are a frame of the stack.
//
//     prev = the object whose field led here      next = how far its fields have been let go
//
//     release ─▶ finalizer (once) ─▶ resurrected? stop
//             ─▶ weak references empty, watches told, own watches dropped
//             ─▶ values of entries it was the key of, fields in the order of the table, each with
//                all that dies by it ─▶ destroy hook ─▶ memory
//
// Only what hooks release by hand nests on the C stack. Below DEPTH_MAX such objects wait for the
// outermost death to end; so do those that a hook releases which may not call the heap. They keep
// their last count while they wait, so they are alive.
#include "internal.h"

// FIELD_DONE: a cursor counts fields above the flags, since that of a dying object is its `next`.
enum { DEPTH_MAX = 50, FIELD_DONE = MORT_FLAGS + 1 };

// ---- birth --------------------------------------------------------------------------------------

void *mort_new(mort_type *type) {
    mort_heap *heap = type->heap;
    if (heap->closed != 0) {
        mort_broken_(MORT_EBUSY, "mort_new() in a hook that may not call the heap");
        return NULL;
    }
    if ((heap->flags & MORT_AUTO) != 0) {
        mort_poll(heap);
    }
    mort_object *object = mort_alloc_(heap, type->spec.size);
    if (object == NULL) {
        return NULL;
    }
    object->type = type;
    object->refs = 1;
    heap->len++;
    if (type->is_leaf) {
        object->next = MORT_FLAG_LEAF;
        mort_append_(&heap->leaves, object);
    } else {
        mort_append_(&heap->generation[0], object);
        heap->count[0]++;
    }
    return object;
}

void *mort_retain_checked(mort_object *object) {
    if (object->refs == MORT_REFS_SATURATED) {
        return object;
    }
    mort_broken_(MORT_EDYING, "mort_retain() of an object past its finalizer");
    return NULL;
}

// ---- waiting ------------------------------------------------------------------------------------

// It is in no list then, and `next` holds nothing but flags: mort_keymap_set() looks at that.
static void waiting_add(mort_heap *heap, mort_object *object) {
    mort_unlink_(object);
    object->next &= MORT_FLAGS;
    object->prev = 0;
    if (heap->waiting == NULL) {
        heap->waiting = object;
    } else {
        heap->waiting_end->prev = (uintptr_t)object;
    }
    heap->waiting_end = object;
}

// Back into a list: its own for a leaf, the youngest generation for the others.
static void object_relink(mort_heap *heap, mort_object *object) {
    mort_append_(mort_has_(object, MORT_FLAG_LEAF) ? &heap->leaves : &heap->generation[0], object);
}

void mort_drain_(mort_heap *heap) {
    if (heap->depth != 0) {
        return;  // the outermost death does it
    }
    heap->depth++;
    while (heap->waiting != NULL && heap->closed == 0) {
        mort_object *object = heap->waiting;
        heap->waiting = mort_prev_(object);
        object_relink(heap, object);
        mort_release(object);
    }
    heap->depth--;
}

// ---- death --------------------------------------------------------------------------------------

// Next strong reference of a field table, taken out.
static mort_object *fields_shed(mort_object *object, uintptr_t *cursor) {
    const mort_type *type = object->type;
    while (*cursor / FIELD_DONE < type->strong_count) {
        void *slot = mort_at_(object, type->offsets[*cursor / FIELD_DONE]);
        mort_object *child = mort_load_(slot);
        *cursor += FIELD_DONE;
        if (child != NULL) {
            mort_store_(slot, NULL);
            return child;
        }
    }
    while (*cursor / FIELD_DONE < (uintptr_t)type->strong_count + type->array_count) {
        mort_array *array = mort_array_at_(object, type->offsets[*cursor / FIELD_DONE]);
        if (array->len > 0) {
            return array->items[--array->len];
        }
        mort_array_clear(array);
        *cursor += FIELD_DONE;
    }
    return NULL;
}

mort_object *mort_object_shed_(mort_object *object, uintptr_t *cursor) {
    mort_anchor *anchor = mort_anchor_peek_(object);
    if (anchor != NULL && anchor->target == NULL && anchor->entries != NULL) {
        return mort_orphan_take_(object->type->heap, &anchor->entries);
    }
    if (mort_is_table_(object->type)) {
        return mort_table_shed_((mort_table *)object);
    }
    return fields_shed(object, cursor);
}

// Up to the point of no return. False: the object lives on, without the reference that was let go.
static bool death_begin(mort_heap *heap, mort_object *object) {
    const mort_type *type = object->type;
    bool legacy = (heap->flags & MORT_LEGACY) != 0;
    if (legacy && object->anchor != 0) {
        // In no list while watches are told, as below: what it leads to is held from outside then.
        // And dying: who knows it by a plain pointer cannot store it, for its anchor is dead.
        mort_unlink_(object);
        object->refs = 0;
        mort_anchor_die_(object);
        mort_orphans_release_(object);
        object->refs = 1;
        object_relink(heap, object);
    }
    if (type->spec.finalize != NULL && (legacy || !mort_has_(object, MORT_FLAG_FINALIZED))) {
        // As in CPython it is among the youngest from now on, where a collection finds it held.
        mort_unlink_(object);
        object_relink(heap, object);
        object->next |= MORT_FLAG_FINALIZED;
        type->spec.finalize(object);
        if (object->refs > 1) {
            object->refs -= object->refs != MORT_REFS_SATURATED;
            return false;
        }
    }
    object->refs = 0;
    mort_unlink_(object);
    if (!mort_has_(object, MORT_FLAG_LEAF) && heap->count[0] > 0) {
        heap->count[0]--;
    }
    if (object->anchor != 0) {
        mort_anchor_die_(object);
        mort_watches_drop_owned_(object);
    }
    object->next &= MORT_FLAGS;
    return true;
}

void mort_object_free_(mort_heap *heap, mort_object *object) {
    if (mort_is_table_(object->type)) {
        mort_table_deinit_((mort_table *)object);
    }
    heap->len--;
    mort_free_(heap, object, object->type->spec.size);
}

static void death_end(mort_heap *heap, mort_object *object) {
    const mort_type *type = object->type;
    mort_weak_fields_clear_(object);
    if (type->spec.destroy != NULL) {
        heap->closed++;
        type->spec.destroy(object);
        heap->closed--;
    }
    mort_anchor *anchor = mort_anchor_peek_(object);
    if (anchor != NULL) {
        anchor->object = NULL;
        mort_anchor_settle_(heap, anchor);
    }
    mort_object_free_(heap, object);
}

static void death_run(mort_heap *heap, mort_object *first) {
    mort_object *object = first;
    object->prev = 0;
    while (object != NULL) {
        mort_object *child = mort_object_shed_(object, &object->next);
        if (child == NULL) {
            mort_object *parent = mort_prev_(object);
            death_end(heap, object);
            object = parent;
        } else if (child->refs > 1 || child->type->heap != heap) {
            mort_release(child);
        } else if (death_begin(heap, child)) {
            child->prev = (uintptr_t)object;
            object = child;
        }
    }
}

void mort_release_last(mort_object *object) {
    mort_heap *heap = object->type->heap;
    if (heap->is_ending) {
        return;
    }
    if (object->refs == 0) {
        mort_broken_(MORT_EDYING, "mort_release() of an object that is dying already");
        return;
    }
    if (heap->closed != 0 || heap->depth >= DEPTH_MAX) {
        waiting_add(heap, object);
        return;
    }
    heap->depth++;
    if (death_begin(heap, object)) {
        death_run(heap, object);
    }
    heap->depth--;
    if (heap->waiting != NULL) {
        mort_drain_(heap);
    }
}

// ---- slots --------------------------------------------------------------------------------------

void mort_slot_set(void *slot, void *object) {
    mort_object *old = mort_load_(slot);
    if (object != NULL && mort_retain(object) == NULL) {
        return;  // a broken rule: the slot stays as it is
    }
    mort_store_(slot, object);
    mort_release(old);
}

void mort_slot_give(void *slot, void *object) {
    mort_object *old = mort_load_(slot);
    mort_store_(slot, object);
    mort_release(old);
}

void *mort_slot_take(void *slot) {
    mort_object *old = mort_load_(slot);
    mort_store_(slot, NULL);
    return old;
}
