// The weak-key map: its keys are not counted, its values are.
//
// With MORT_EPHEMERON an entry's value is kept by map and key together: collect.c shows the
// collector that reference from whichever of the two it finds alive last. A key of such a map must
// be seen by the collector even if its type has no references, since its entries lead on.
#include "internal.h"

int mort_keymap_new(mort_keymap **ret, mort_heap *heap, unsigned flags) {
    if ((flags & ~(unsigned)MORT_EPHEMERON) != 0) {
        return MORT_EINVAL;
    }
    mort_table *table = NULL;
    int code = mort_table_new_(&table, flags == 0 ? heap->keymap_type : heap->ephemeron_type);
    if (code == MORT_OK) {
        *ret = (mort_keymap *)table;
    }
    return code;
}

static int entry_add(mort_table *table, mort_object *key, mort_object *value) {
    mort_heap *heap = table->head.type->heap;
    mort_anchor *anchor = mort_anchor_need_(key);
    mort_entry *entry =
        anchor == NULL ? NULL : mort_table_add_(table, anchor, mort_hash_anchor_(anchor), NULL, 0);
    if (entry == NULL) {
        return MORT_ENOMEM;
    }
    entry->value = mort_retain(value);
    if (table->is_ephemeron && mort_has_(key, MORT_FLAG_LEAF)) {
        key->next &= ~(uintptr_t)MORT_FLAG_LEAF;
        heap->count[0]++;
        // A key that waits for its death is in no list: it is put into one when that is looked at.
        if (mort_next_(key) != NULL) {
            mort_unlink_(key);
            mort_append_(&heap->generation[0], key);
        }
    }
    return MORT_OK;
}

int mort_keymap_set(mort_keymap *map, void *key, void *value) {
    mort_table *table = mort_table_of_(map);
    const mort_heap *heap = table->head.type->heap;
    int code = mort_may_store_(heap, key);
    code = code == MORT_OK ? mort_may_store_(heap, value) : code;
    if (code != MORT_OK) {
        return code;
    }
    mort_entry *entry = mort_table_find_(table, key);
    if (entry == NULL) {
        return entry_add(table, key, value);
    }
    mort_object *old = entry->value;
    entry->value = mort_retain(value);
    mort_release(old);
    return MORT_OK;
}

void *mort_keymap_peek(const mort_keymap *map, const void *key) {
    const mort_entry *entry = key == NULL ? NULL : mort_table_find_(mort_table_of_(map), key);
    return entry == NULL ? NULL : entry->value;
}

void *mort_keymap_get(const mort_keymap *map, const void *key) {
    return mort_retain(mort_keymap_peek(map, key));
}

int mort_keymap_del(mort_keymap *map, const void *key) {
    mort_table *table = mort_table_of_(map);
    if (table->head.type->heap->closed != 0) {
        return mort_broken_(MORT_EBUSY, "mort_keymap_del() in a hook that may not call the heap");
    }
    mort_entry *entry = key == NULL ? NULL : mort_table_find_(table, key);
    if (entry == NULL) {
        return MORT_ENOENT;
    }
    mort_release(mort_entry_end_(entry));
    return MORT_OK;
}

size_t mort_keymap_len(const mort_keymap *map) {
    return mort_table_of_(map)->len;
}

bool mort_keymap_next(const mort_keymap *map, mort_cursor *cursor, void **key_ret,
                      void **value_ret) {
    const mort_entry *entry = mort_table_next_(mort_table_of_(map), cursor);
    if (entry == NULL) {
        return false;
    }
    *key_ret = mort_retain(entry->anchor->target);
    *value_ret = mort_retain(entry->value);
    return true;
}
