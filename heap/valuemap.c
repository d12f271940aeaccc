// The weak-value map: from bytes to objects that it does not count.
#include "internal.h"

// FNV-1a over bytes, its halves mixed (Fowler, Noll, Vo; the finish is Murmur3's): short keys that
// differ in one bit fall into different buckets.
static uint32_t hash_of(const void *key, size_t key_bytes) {
    const unsigned char *bytes = key;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < key_bytes; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    hash ^= hash >> 33;
    hash *= UINT64_C(0xff51afd7ed558ccd);
    return (uint32_t)(hash >> 32);
}

static mort_entry *find(const mort_valuemap *map, const void *key, size_t key_bytes,
                        uint32_t hash) {
    const mort_table *table = mort_table_of_(map);
    mort_entry *entry = table->len == 0 ? NULL : *mort_bucket_(table, hash);
    while (entry != NULL && (entry->hash != hash || entry->key_bytes != key_bytes ||
                             (key_bytes > 0 && memcmp(entry->key, key, key_bytes) != 0))) {
        entry = entry->bucket_next;
    }
    return entry;
}

int mort_valuemap_new(mort_valuemap **ret, mort_heap *heap) {
    mort_table *table = NULL;
    int code = mort_table_new_(&table, heap->valuemap_type);
    if (code == MORT_OK) {
        *ret = (mort_valuemap *)table;
    }
    return code;
}

int mort_valuemap_set(mort_valuemap *map, const void *key, size_t key_bytes, void *value) {
    mort_table *table = mort_table_of_(map);
    mort_heap *heap = table->head.type->heap;
    int code = key == NULL && key_bytes > 0 ? MORT_EINVAL : mort_may_store_(heap, value);
    if (code != MORT_OK) {
        return code;
    }
    mort_anchor *anchor = mort_anchor_need_(value);
    if (anchor == NULL) {
        return MORT_ENOMEM;
    }
    uint32_t hash = hash_of(key, key_bytes);
    mort_entry *entry = find(map, key, key_bytes, hash);
    if (entry != NULL) {
        mort_anchor *old = entry->anchor;
        mort_entry_unhang_(entry);
        mort_entry_hang_(entry, anchor);
        mort_anchor_settle_(heap, old);
        return MORT_OK;
    }
    entry = mort_table_add_(table, anchor, hash, key, key_bytes);
    return entry == NULL ? MORT_ENOMEM : MORT_OK;
}

void *mort_valuemap_peek(const mort_valuemap *map, const void *key, size_t key_bytes) {
    const mort_entry *entry = find(map, key, key_bytes, hash_of(key, key_bytes));
    return entry == NULL ? NULL : entry->anchor->target;
}

void *mort_valuemap_get(const mort_valuemap *map, const void *key, size_t key_bytes) {
    return mort_retain(mort_valuemap_peek(map, key, key_bytes));
}

int mort_valuemap_del(mort_valuemap *map, const void *key, size_t key_bytes) {
    if (map->head.type->heap->closed != 0) {
        return mort_broken_(MORT_EBUSY, "mort_valuemap_del() in a hook that may not call the heap");
    }
    mort_entry *entry = find(map, key, key_bytes, hash_of(key, key_bytes));
    if (entry == NULL) {
        return MORT_ENOENT;
    }
    (void)mort_entry_end_(entry);
    return MORT_OK;
}

size_t mort_valuemap_len(const mort_valuemap *map) {
    return mort_table_of_(map)->len;
}

bool mort_valuemap_next(const mort_valuemap *map, mort_cursor *cursor, const void **key_ret,
                        size_t *key_bytes_ret, void **value_ret) {
    const mort_entry *entry = mort_table_next_(mort_table_of_(map), cursor);
    if (entry == NULL) {
        return false;
    }
    *key_ret = entry->key;
    *key_bytes_ret = entry->key_bytes;
    *value_ret = mort_retain(entry->anchor->target);
    return true;
}
