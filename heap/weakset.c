// The weak set: objects that it does not count.
#include "internal.h"

int mort_weakset_new(mort_weakset **ret, mort_heap *heap) {
    mort_table *table = NULL;
    int code = mort_table_new_(&table, heap->weakset_type);
    if (code == MORT_OK) {
        *ret = (mort_weakset *)table;
    }
    return code;
}

int mort_weakset_add(mort_weakset *set, void *object) {
    mort_table *table = mort_table_of_(set);
    int code = mort_may_store_(table->head.type->heap, object);
    if (code != MORT_OK || mort_table_find_(table, object) != NULL) {
        return code;
    }
    mort_anchor *anchor = mort_anchor_need_(object);
    mort_entry *entry =
        anchor == NULL ? NULL : mort_table_add_(table, anchor, mort_hash_anchor_(anchor), NULL, 0);
    return entry == NULL ? MORT_ENOMEM : MORT_OK;
}

int mort_weakset_del(mort_weakset *set, const void *object) {
    mort_table *table = mort_table_of_(set);
    if (table->head.type->heap->closed != 0) {
        return mort_broken_(MORT_EBUSY, "mort_weakset_del() in a hook that may not call the heap");
    }
    mort_entry *entry = object == NULL ? NULL : mort_table_find_(table, object);
    if (entry == NULL) {
        return MORT_ENOENT;
    }
    (void)mort_entry_end_(entry);
    return MORT_OK;
}

bool mort_weakset_has(const mort_weakset *set, const void *object) {
    return object != NULL && mort_table_find_(mort_table_of_(set), object) != NULL;
}

size_t mort_weakset_len(const mort_weakset *set) {
    return mort_table_of_(set)->len;
}

void *mort_weakset_next(const mort_weakset *set, mort_cursor *cursor) {
    const mort_entry *entry = mort_table_next_(mort_table_of_(set), cursor);
    return entry == NULL ? NULL : mort_retain(entry->anchor->target);
}
