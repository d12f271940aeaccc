// Watches: being told of an object's death, exactly once each.
//
// A record hangs on the anchor of the object watched and, with an owner, on the owner's. Programs
// name it by a ticket, never by a pointer: a watch may be gone with its owner at any time. Before a
// collection tells the watches of its trash they are in one list, `due`, from which an owner that
// dies meanwhile still takes its own.
#include "internal.h"

static void watch_list_add(mort_watch_record *watch, mort_watch_record **list) {
    watch->next = *list;
    watch->link = list;
    if (watch->next != NULL) {
        watch->next->link = &watch->next;
    }
    *list = watch;
}

static void watch_list_remove(mort_watch_record *watch) {
    *watch->link = watch->next;
    if (watch->next != NULL) {
        watch->next->link = watch->link;
    }
}

static void watch_own(mort_watch_record *watch, mort_anchor *owner) {
    watch->owner = owner;
    watch->owned_next = owner->owned;
    watch->owned_link = &owner->owned;
    if (watch->owned_next != NULL) {
        watch->owned_next->owned_link = &watch->owned_next;
    }
    owner->owned = watch;
}

static void watch_disown(mort_watch_record *watch) {
    *watch->owned_link = watch->owned_next;
    if (watch->owned_next != NULL) {
        watch->owned_next->owned_link = watch->owned_link;
    }
}

int mort_watch(mort_ticket *ret, void *object, void *owner, mort_notify *notify, void *context) {
    if (object == NULL || notify == NULL) {
        return MORT_EINVAL;
    }
    mort_heap *heap = mort_heap_of(object);
    int code = mort_may_store_(heap, object);
    code = code != MORT_OK || owner == NULL ? code : mort_may_store_(heap, owner);
    if (code != MORT_OK) {
        return code;
    }
    uint32_t number = 0;
    mort_anchor *watched = mort_anchor_need_(object);
    mort_anchor *keeper = watched == NULL || owner == NULL ? watched : mort_anchor_need_(owner);
    mort_watch_record *watch =
        keeper == NULL ? NULL : mort_slab_new_(heap, &heap->watches, &number);
    if (watch == NULL) {
        // Nothing changes: an anchor that was made for this goes again.
        if (keeper != NULL && keeper != watched) {
            mort_anchor_settle_(heap, keeper);
        }
        if (watched != NULL) {
            mort_anchor_settle_(heap, watched);
        }
        return MORT_ENOMEM;
    }
    // The piece's serial is what its last watch left in it.
    uint32_t serial = watch->serial + 1;
    *watch = (mort_watch_record){.watched = watched,
                                 .notify = notify,
                                 .context = context,
                                 .number = number,
                                 .serial = serial};
    watch_list_add(watch, &watched->watches);
    if (owner != NULL) {
        watch_own(watch, keeper);
    }
    if (ret != NULL) {
        *ret = (mort_ticket)serial << 32 | number;
    }
    return MORT_OK;
}

void mort_watch_end_(mort_heap *heap, mort_watch_record *watch, int why) {
    mort_notify *notify = watch->notify;
    void *context = watch->context;
    mort_anchor *watched = watch->watched;
    mort_anchor *owner = watch->owner;
    watch_list_remove(watch);
    if (owner != NULL) {
        watch_disown(watch);
    }
    watch->notify = NULL;
    if (watch->serial != UINT32_MAX) {
        mort_slab_give_(&heap->watches, watch->number);
    }
    if (owner != NULL && owner != watched) {
        mort_anchor_settle_(heap, owner);
    }
    if (watched != NULL) {
        mort_anchor_settle_(heap, watched);
    }
    heap->closed += why == MORT_DROPPED;
    notify(heap, context, why);
    heap->closed -= why == MORT_DROPPED;
}

int mort_unwatch(mort_heap *heap, mort_ticket ticket) {
    uint32_t number = (uint32_t)ticket;
    if (heap->closed != 0) {
        return mort_broken_(MORT_EBUSY, "mort_unwatch() in a hook that may not call the heap");
    }
    if (number == 0 || number > heap->watches.used) {
        return MORT_ENOENT;
    }
    mort_watch_record *watch = mort_slab_at_(&heap->watches, number);
    if (watch->notify == NULL || watch->serial != ticket >> 32) {
        return MORT_ENOENT;
    }
    mort_watch_end_(heap, watch, MORT_DROPPED);
    mort_drain_(heap);
    return MORT_OK;
}

void mort_watches_drop_owned_(mort_object *object) {
    mort_heap *heap = object->type->heap;
    for (mort_anchor *anchor = mort_anchor_peek_(object); anchor != NULL && anchor->owned != NULL;
         anchor = mort_anchor_peek_(object)) {
        mort_watch_end_(heap, anchor->owned, MORT_DROPPED);
    }
}

void mort_watches_due_(mort_anchor *anchor, mort_watch_record ***tail) {
    while (anchor->watches != NULL) {
        mort_watch_record *watch = anchor->watches;
        watch_list_remove(watch);
        watch->watched = NULL;
        watch_list_add(watch, *tail);
        *tail = &watch->next;
    }
}
