// Objects of a fake heap, one constructor for each sort. They put down what CPython would, by the
// heap's own layout, and nothing that the walker could take a hint from besides.
#include <stdlib.h>
#include <string.h>

#include "fake_heap.h"

enum { INSTRUCTIONS = 64, SET_SMALL = 8, SET_ENTRY = 16, MEMBER_OBJECT_EX = 16 };

static unsigned log2_for(size_t count) {
    unsigned log2 = 3;
    while (((size_t)2 << log2) / 3 < count) {
        log2++;
    }
    return log2;
}

uint64_t fake_keys(fake_heap *heap, int kind, const uint64_t *keys, const uint64_t *values,
                   size_t count) {
    unsigned log2 = log2_for(count);
    unsigned log2_index = log2 < 8 ? log2 : log2 < 16 ? log2 + 1 : log2 + 2;
    size_t entry = kind == FAKE_GENERAL ? 24 : 16;
    size_t usable = ((size_t)2 << log2) / 3;
    size_t header = fake_at(heap, MM_AT_KEYS_INDICES) + ((size_t)1 << log2_index);
    uint64_t table = fake_take(heap, header + usable * entry);
    fake_set(heap, table, MM_AT_KEYS_REFCNT, 1);
    fake_put8(table + fake_at(heap, MM_AT_KEYS_LOG2_SIZE), (uint8_t)log2);
    fake_put8(table + fake_at(heap, MM_AT_KEYS_LOG2_INDEX_BYTES), (uint8_t)log2_index);
    fake_put8(table + fake_at(heap, MM_AT_KEYS_KIND), (uint8_t)kind);
    fake_set(heap, table, MM_AT_KEYS_USABLE, usable - count);
    fake_set(heap, table, MM_AT_KEYS_NENTRIES, count);
    for (size_t i = 0; i < count; i++) {
        uint64_t at = table + header + i * entry + (kind == FAKE_GENERAL ? 8u : 0u);
        fake_put(at, keys[i]);
        fake_put(at + 8, values == NULL ? 0 : values[i]);
    }
    return table;
}

uint64_t fake_dict(fake_heap *heap, int kind, const uint64_t *keys, const uint64_t *values,
                   size_t count) {
    uint64_t type = heap->types[MM_KIND_DICT];
    uint64_t dict = fake_object(heap, type, fake_get(type + fake_at(heap, MM_AT_TYPE_BASICSIZE)));
    fake_set(heap, dict, MM_AT_DICT_USED, count);
    fake_set(heap, dict, MM_AT_DICT_KEYS, fake_keys(heap, kind, keys, values, count));
    return fake_track(heap, dict, 0);
}

uint64_t fake_split_dict(fake_heap *heap, uint64_t keys, const uint64_t *values, size_t count,
                         bool embedded) {
    uint64_t type = heap->types[MM_KIND_DICT];
    uint64_t dict = fake_object(heap, type, fake_get(type + fake_at(heap, MM_AT_TYPE_BASICSIZE)));
    uint64_t first = fake_at(heap, MM_AT_VALUES_FIRST);
    uint64_t storage = fake_take(heap, first + FAKE_CAPACITY * 8);
    if (heap->layout.minor >= 13) {
        fake_put8(storage + fake_at(heap, MM_AT_VALUES_CAPACITY), FAKE_CAPACITY);
        fake_put8(storage + fake_at(heap, MM_AT_VALUES_EMBEDDED), embedded);
        fake_put8(storage + fake_at(heap, MM_AT_VALUES_VALID), 1);
    }
    for (size_t i = 0; i < count; i++) {
        fake_put(storage + first + i * 8, values[i]);
    }
    fake_set(heap, dict, MM_AT_DICT_USED, count);
    fake_set(heap, dict, MM_AT_DICT_KEYS, keys);
    fake_set(heap, dict, MM_AT_DICT_VALUES, storage);
    return fake_track(heap, dict, 1);
}

uint64_t fake_tuple(fake_heap *heap, const uint64_t *items, size_t count) {
    uint64_t first = fake_at(heap, MM_AT_TUPLE_ITEMS);
    uint64_t tuple = fake_object(heap, heap->types[MM_KIND_TUPLE], first + count * 8);
    fake_set(heap, tuple, MM_AT_OB_SIZE, count);
    for (size_t i = 0; i < count; i++) {
        fake_put(tuple + first + i * 8, items[i]);
    }
    return tuple;
}

uint64_t fake_list(fake_heap *heap, const uint64_t *items, size_t count) {
    uint64_t type = heap->types[MM_KIND_LIST];
    uint64_t list = fake_object(heap, type, fake_get(type + fake_at(heap, MM_AT_TYPE_BASICSIZE)));
    uint64_t storage = count == 0 ? 0 : fake_take(heap, (count + 2) * 8);
    fake_set(heap, list, MM_AT_OB_SIZE, count);
    fake_set(heap, list, MM_AT_LIST_ITEMS, storage);
    fake_set(heap, list, MM_AT_LIST_ALLOCATED, count == 0 ? 0 : count + 2);
    for (size_t i = 0; i < count; i++) {
        fake_put(storage + i * 8, items[i]);
    }
    return fake_track(heap, list, 2);
}

uint64_t fake_set_object(fake_heap *heap, const uint64_t *members, size_t count) {
    uint64_t type = heap->types[MM_KIND_SET];
    uint64_t set = fake_object(heap, type, fake_get(type + fake_at(heap, MM_AT_TYPE_BASICSIZE)));
    size_t slots = SET_SMALL;
    while (slots < count * 2) {
        slots *= 2;
    }
    uint64_t table = slots == SET_SMALL ? set + fake_at(heap, MM_AT_SET_SMALLTABLE)
                                        : fake_take(heap, slots * SET_ENTRY);
    for (size_t i = 0; i < count; i++) {
        // The dummy of a deleted entry is an object as well: the walker must not take it.
        fake_put(table + i * SET_ENTRY, members[i] == 0 ? type : members[i]);
        fake_put(table + i * SET_ENTRY + 8, members[i] == 0 ? UINT64_MAX : 7 * i);
    }
    fake_set(heap, set, MM_AT_SET_FILL, count);
    fake_set(heap, set, MM_AT_SET_USED, count);
    fake_set(heap, set, MM_AT_SET_MASK, slots - 1);
    fake_set(heap, set, MM_AT_SET_TABLE, table);
    return fake_track(heap, set, 0);
}

// Leaves ----------------------------------------------------------------------------------------

uint64_t fake_str_wide(fake_heap *heap, unsigned character_bytes, bool compact,
                       const uint32_t *characters, size_t count) {
    bool ascii = character_bytes == 1;
    for (size_t i = 0; i < count; i++) {
        ascii = ascii && characters[i] < 128;
    }
    size_t header = !compact ? fake_at(heap, MM_AT_STR_LEGACY_SIZEOF)
                    : ascii  ? fake_at(heap, MM_AT_STR_ASCII_SIZEOF)
                             : fake_at(heap, MM_AT_STR_COMPACT_SIZEOF);
    size_t data_bytes = (count + 1) * character_bytes;
    uint64_t str = fake_object(heap, heap->types[MM_KIND_STR], header + (compact ? data_bytes : 0));
    // Even a short str is readable as far as its type's basic size says.
    (void)fake_take(heap, 64);
    uint64_t data = compact ? str + header : fake_take(heap, data_bytes);
    uint32_t state = character_bytes | (compact ? 8u : 0u) | (ascii ? 16u : 0u);
    fake_set(heap, str, MM_AT_STR_LENGTH, count);
    fake_put32(str + fake_at(heap, MM_AT_STR_STATE),
               state << fake_at(heap, MM_AT_STR_KIND_BIT) | 1u);
    if (!compact) {
        fake_set(heap, str, MM_AT_STR_DATA, data);
    }
    for (size_t i = 0; i < count; i++) {
        memcpy((void *)(uintptr_t)(data + i * character_bytes), &characters[i], character_bytes);
    }
    return str;
}

uint64_t fake_str(fake_heap *heap, const char *ascii) {
    uint32_t characters[2048];
    size_t count = strlen(ascii);
    if (count > MM_COUNTOF(characters)) {
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        characters[i] = (uint8_t)ascii[i];
    }
    return fake_str_wide(heap, 1, true, characters, count);
}

uint64_t fake_bytes(fake_heap *heap, const uint8_t *bytes, size_t count) {
    uint64_t object = fake_object(heap, heap->bytes_type, 33 + count);
    fake_set(heap, object, MM_AT_OB_SIZE, count);
    memcpy((void *)(uintptr_t)(object + 32), bytes, count);
    return object;
}

uint64_t fake_int(fake_heap *heap) {
    uint64_t object = fake_object(heap, heap->int_type, 64);
    if (heap->layout.minor >= 12) {
        fake_set(heap, object, MM_AT_LONG_TAG, 1 << 3);
    } else {
        fake_set(heap, object, MM_AT_OB_SIZE, 1);
    }
    return object;
}

// Classes ---------------------------------------------------------------------------------------

static void members_put(fake_heap *heap, uint64_t type, uint64_t first, const char *const *slots,
                        size_t count) {
    uint64_t member = type + fake_at(heap, MM_AT_HEAPTYPE_SIZEOF);
    fake_set(heap, type, MM_AT_OB_SIZE, count);
    fake_set(heap, type, MM_AT_TYPE_MEMBERS, member);
    for (size_t i = 0; i < count; i++, member += fake_at(heap, MM_AT_MEMBER_SIZEOF)) {
        fake_set(heap, member, MM_AT_MEMBER_NAME, fake_text(heap, slots[i]));
        fake_put32(member + fake_at(heap, MM_AT_MEMBER_TYPE), MEMBER_OBJECT_EX);
        fake_set(heap, member, MM_AT_MEMBER_OFFSET, first + 8 * i);
    }
}

uint64_t fake_class(fake_heap *heap, const char *name, uint64_t base, const char *const *slots,
                    size_t slot_count, const char *const *attributes, size_t attribute_count) {
    uint64_t basic = fake_get(base + fake_at(heap, MM_AT_TYPE_BASICSIZE));
    uint64_t flags = FAKE_FLAG_HEAP | FAKE_FLAG_COLLECTED;
    if (attributes != NULL) {
        flags |= FAKE_FLAG_MANAGED_DICT;
        flags |= heap->layout.minor >= 13 ? FAKE_FLAG_INLINE_VALUES : 0;
    }
    uint64_t type =
        fake_type(heap, name, base, basic + 8 * slot_count, flags, fake_subtype_traverse);
    uint64_t item = fake_get(base + fake_at(heap, MM_AT_TYPE_ITEMSIZE));
    fake_set(heap, type, MM_AT_TYPE_ITEMSIZE, item);
    members_put(heap, type, basic, slots, slot_count);
    fake_set(heap, type, MM_AT_HEAPTYPE_QUALNAME, fake_str(heap, name));
    if (attributes != NULL) {
        uint64_t names[FAKE_CAPACITY];
        for (size_t i = 0; i < attribute_count && i < FAKE_CAPACITY; i++) {
            names[i] = fake_str(heap, attributes[i]);
        }
        fake_set(heap, type, MM_AT_HEAPTYPE_CACHED_KEYS,
                 fake_keys(heap, FAKE_SPLIT, names, NULL, attribute_count));
    }
    return fake_track(heap, type, 2);
}

uint64_t fake_instance(fake_heap *heap, uint64_t type) {
    uint64_t basic = fake_get(type + fake_at(heap, MM_AT_TYPE_BASICSIZE));
    uint64_t instance = fake_object(heap, type, basic + 32 + FAKE_CAPACITY * 8);
    uint64_t flags = fake_get(type + fake_at(heap, MM_AT_TYPE_FLAGS));
    if (heap->layout.minor >= 13 && (flags & FAKE_FLAG_INLINE_VALUES) != 0) {
        fake_put8(instance + basic + fake_at(heap, MM_AT_VALUES_CAPACITY), FAKE_CAPACITY);
        fake_put8(instance + basic + fake_at(heap, MM_AT_VALUES_EMBEDDED), 1);
        fake_put8(instance + basic + fake_at(heap, MM_AT_VALUES_VALID), 1);
    }
    return fake_track(heap, instance, 0);
}

void fake_attributes(fake_heap *heap, uint64_t instance, const uint64_t *values, size_t count) {
    uint64_t type = fake_get(instance + fake_at(heap, MM_AT_OB_TYPE));
    uint64_t at;
    if (heap->layout.minor >= 13) {
        at = instance + fake_get(type + fake_at(heap, MM_AT_TYPE_BASICSIZE)) +
             fake_at(heap, MM_AT_VALUES_FIRST);
    } else {
        at = fake_take(heap, FAKE_CAPACITY * 8);
        fake_put(instance - (heap->layout.minor == 11 ? 32 : 24),
                 heap->layout.minor == 11 ? at : at - 1);
    }
    for (size_t i = 0; i < count; i++) {
        fake_put(at + i * 8, values[i]);
    }
}

void fake_attribute_dict(fake_heap *heap, uint64_t instance, uint64_t dict) {
    (void)heap;
    fake_put(instance - 24, dict);
}

// Code and frames -------------------------------------------------------------------------------

uint64_t fake_code(fake_heap *heap, const char *name, int first_line, const uint64_t *variables,
                   size_t variable_count, uint64_t line_table) {
    uint64_t adaptive = fake_at(heap, MM_AT_CODE_ADAPTIVE);
    uint64_t code = fake_object(heap, heap->types[MM_KIND_CODE], adaptive + 2 * INSTRUCTIONS);
    fake_set(heap, code, MM_AT_OB_SIZE, INSTRUCTIONS);
    fake_set(heap, code, MM_AT_CODE_NAME, fake_str(heap, name));
    fake_set(heap, code, MM_AT_CODE_LOCALSPLUSNAMES, fake_tuple(heap, variables, variable_count));
    fake_set(heap, code, MM_AT_CODE_LINETABLE, line_table);
    fake_put32(code + fake_at(heap, MM_AT_CODE_FIRSTLINENO), (uint32_t)first_line);
    fake_put32(code + fake_at(heap, MM_AT_CODE_NLOCALSPLUS), (uint32_t)variable_count);
    fake_put32(code + fake_at(heap, MM_AT_CODE_STACKSIZE), 2);
    fake_put32(code + fake_at(heap, MM_AT_CODE_ARGCOUNT), 1);
    return code;
}

void fake_iframe(const fake_heap *heap, uint64_t iframe, uint64_t code, unsigned instruction,
                 const uint64_t *values, size_t count) {
    fake_set(heap, iframe, MM_AT_IFRAME_CODE, code);
    fake_set(heap, iframe, MM_AT_IFRAME_INSTRUCTION,
             code + fake_at(heap, MM_AT_CODE_ADAPTIVE) + 2 * (uint64_t)instruction);
    fake_put32(iframe + fake_at(heap, MM_AT_IFRAME_STACKTOP), (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        fake_put(iframe + fake_at(heap, MM_AT_IFRAME_LOCALSPLUS) + 8 * i, values[i]);
    }
}

void fake_run(fake_heap *heap, uint64_t iframe) {
    heap->thread = fake_take(heap, 64);
    if (heap->layout.minor >= 13) {
        fake_set(heap, heap->thread, MM_AT_THREAD_CURRENT_FRAME, iframe);
        return;
    }
    uint64_t cframe = fake_take(heap, 64);
    fake_set(heap, heap->thread, MM_AT_THREAD_CFRAME, cframe);
    fake_set(heap, cframe, MM_AT_CFRAME_CURRENT_FRAME, iframe);
}
