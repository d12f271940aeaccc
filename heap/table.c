// The table under the weak maps and the weak set.
//
// Entries are pieces of memory of their own, since an entry is at once in its bucket, in the order
// of its table and on the anchor of the object that it is weak in: when that object dies the entry
// leaves in O(1), without a search and without a callback.
//
//     order    │ e1 │ e2 │ ·3 │ e4 │    by birth; a hole keeps its serial, so that the array stays
//     buckets  │ e4→e1 │ │ e2 │ │       sorted and a cursor, which is a serial, finds its place by
//                                       one guess or a binary search
//
// Holes are swept when `order` is full; nothing else moves.
#include "internal.h"

enum { ROOM_FIRST = 8 };

int mort_table_new_(mort_table **ret, mort_type *type) {
    mort_table *table = mort_new(type);
    if (table == NULL) {
        return type->heap->closed != 0 ? MORT_EBUSY : MORT_ENOMEM;
    }
    table->is_ephemeron = type == type->heap->ephemeron_type;
    *ret = table;
    return MORT_OK;
}

uint32_t mort_hash_anchor_(const mort_anchor *anchor) {
    return anchor->number * UINT32_C(2654435769);
}

static uint64_t serial_at(const mort_table *table, size_t at) {
    const mort_entry *entry = table->order[at];
    return mort_is_hole_(entry) ? (uint64_t)(uintptr_t)entry >> 1 : entry->serial;
}

static void table_sweep(mort_table *table) {
    size_t kept = 0;
    for (size_t at = 0; at < table->end; at++) {
        mort_entry *entry = table->order[at];
        if (!mort_is_hole_(entry)) {
            entry->at = (uint32_t)kept;
            table->order[kept++] = entry;
        }
    }
    table->end = kept;
}

static int table_grow(mort_table *table) {
    mort_heap *heap = table->head.type->heap;
    size_t room = table->room == 0 ? ROOM_FIRST : 2 * table->room;
    if (room > UINT32_MAX / 2) {
        return MORT_ENOMEM;
    }
    size_t bytes = room * sizeof(mort_entry *);
    mort_entry **order = mort_alloc_(heap, bytes);
    mort_entry **buckets = mort_alloc_(heap, bytes);
    if (order == NULL || buckets == NULL) {
        mort_free_(heap, order, bytes);
        mort_free_(heap, buckets, bytes);
        return MORT_ENOMEM;
    }
    if (table->room > 0) {
        memcpy(order, table->order, table->end * sizeof(mort_entry *));
        mort_free_(heap, table->order, table->room * sizeof(mort_entry *));
        mort_free_(heap, table->buckets, table->room * sizeof(mort_entry *));
    }
    table->order = order;
    table->buckets = buckets;
    table->room = room;
    table_sweep(table);
    for (size_t at = 0; at < table->end; at++) {
        mort_entry **bucket = mort_bucket_(table, order[at]->hash);
        order[at]->bucket_next = *bucket;
        *bucket = order[at];
    }
    return MORT_OK;
}

static int table_reserve(mort_table *table) {
    if (table->end < table->room) {
        return MORT_OK;
    }
    if (table->len < table->room / 2) {
        table_sweep(table);
        return MORT_OK;
    }
    return table_grow(table);
}

mort_entry *mort_table_add_(mort_table *table, mort_anchor *anchor, uint32_t hash, const void *key,
                            size_t key_bytes) {
    mort_heap *heap = table->head.type->heap;
    mort_entry *entry = NULL;
    if (key_bytes <= SIZE_MAX - sizeof(mort_entry) && table_reserve(table) == MORT_OK) {
        entry = mort_alloc_(heap, sizeof(mort_entry) + key_bytes);
    }
    if (entry == NULL) {
        mort_anchor_settle_(heap, anchor);
        return NULL;
    }
    entry->table = table;
    entry->hash = hash;
    entry->serial = ++table->serial;
    entry->at = (uint32_t)table->end;
    entry->key_bytes = key_bytes;
    if (key_bytes > 0) {
        memcpy(entry->key, key, key_bytes);
    }
    mort_entry **bucket = mort_bucket_(table, hash);
    entry->bucket_next = *bucket;
    *bucket = entry;
    table->order[table->end++] = entry;
    table->len++;
    mort_entry_hang_(entry, anchor);
    return entry;
}

void mort_entry_hang_(mort_entry *entry, mort_anchor *anchor) {
    entry->anchor = anchor;
    entry->anchor_next = anchor->entries;
    entry->anchor_link = &anchor->entries;
    if (entry->anchor_next != NULL) {
        entry->anchor_next->anchor_link = &entry->anchor_next;
    }
    anchor->entries = entry;
}

void mort_entry_unhang_(mort_entry *entry) {
    *entry->anchor_link = entry->anchor_next;
    if (entry->anchor_next != NULL) {
        entry->anchor_next->anchor_link = entry->anchor_link;
    }
}

void mort_entry_unlink_(mort_entry *entry) {
    mort_table *table = entry->table;
    mort_entry **link = mort_bucket_(table, entry->hash);
    while (*link != entry) {
        link = &(*link)->bucket_next;
    }
    *link = entry->bucket_next;
    table->order[entry->at] = (mort_entry *)(uintptr_t)(entry->serial << 1 | 1);
    table->len--;
    entry->table = NULL;
    mort_entry_unhang_(entry);
}

mort_object *mort_entry_end_(mort_entry *entry) {
    mort_heap *heap = entry->table->head.type->heap;
    mort_anchor *anchor = entry->anchor;
    mort_object *value = entry->value;
    mort_entry_unlink_(entry);
    mort_entry_free_(heap, entry);
    mort_anchor_settle_(heap, anchor);
    return value;
}

void mort_entry_free_(mort_heap *heap, mort_entry *entry) {
    mort_free_(heap, entry, sizeof(mort_entry) + entry->key_bytes);
}

mort_entry *mort_table_find_(const mort_table *table, const mort_object *key) {
    const mort_anchor *anchor = table->len == 0 ? NULL : mort_anchor_peek_(key);
    if (anchor == NULL) {
        return NULL;
    }
    mort_entry *entry = *mort_bucket_(table, mort_hash_anchor_(anchor));
    while (entry != NULL && entry->anchor != anchor) {
        entry = entry->bucket_next;
    }
    return entry;
}

// First place whose serial is not below `serial`.
static size_t place_of(const mort_table *table, uint64_t serial) {
    uint64_t first = table->end == 0 ? 0 : serial_at(table, 0);
    if (serial <= first) {
        return 0;
    }
    size_t guess = serial - first < table->end ? (size_t)(serial - first) : table->end;
    if (guess < table->end && serial_at(table, guess) == serial) {
        return guess;
    }
    size_t low = 0;
    size_t high = guess;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (serial_at(table, middle) < serial) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

mort_entry *mort_table_next_(const mort_table *table, mort_cursor *cursor) {
    if (cursor->end == 0) {
        cursor->end = table->serial + 1;
    }
    for (size_t at = place_of(table, cursor->at); at < table->end; at++) {
        mort_entry *entry = table->order[at];
        if (!mort_is_hole_(entry)) {
            if (entry->serial >= cursor->end) {
                break;
            }
            cursor->at = entry->serial + 1;
            return entry;
        }
    }
    cursor->at = cursor->end;
    return NULL;
}

mort_object *mort_table_shed_(mort_table *table) {
    mort_object *value = NULL;
    while (table->len > 0 && value == NULL) {
        mort_cursor cursor = {table->shed, 0};
        mort_entry *entry = mort_table_next_(table, &cursor);
        table->shed = entry == NULL ? 0 : cursor.at;
        value = entry == NULL ? NULL : mort_entry_end_(entry);
    }
    return value;
}

void mort_table_deinit_(mort_table *table) {
    mort_heap *heap = table->head.type->heap;
    for (size_t at = 0; at < table->end; at++) {
        if (!mort_is_hole_(table->order[at])) {
            (void)mort_entry_end_(table->order[at]);
        }
    }
    mort_free_(heap, table->order, table->room * sizeof(mort_entry *));
    mort_free_(heap, table->buckets, table->room * sizeof(mort_entry *));
}
