// The little of CPython's objects that locating needs: is it one, what type, which text, what is
// under that key. Everything is read through the layout, every loop is bounded, nothing is believed
// that does not fit together.
#include <string.h>

#include "base/free/bytes.h"
#include "locate/locator.h"

enum {
    BASES_LOOKED_AT = 64,
    DICT_ENTRIES_MAX = 1 << 30,
    DICT_LOOKED_AT = 1 << 14,  ///< of a namespace: more modules or builtins than that are a lie
    REFCOUNT_OVER = 1 << 30    ///< no mortal object of a live process has so many
};

uint64_t mm_object_word(mm_locator *locator, uint64_t object, enum mm_at at) {
    uint16_t offset = locator->layout.at[at];
    return offset == MM_AT_NONE ? 0 : mm_peek_word(locator, object + offset);
}

bool mm_object_is_type(mm_locator *locator, uint64_t address) {
    if (address == 0 || address % 8 != 0) {
        return false;
    }
    uint64_t meta = mm_object_word(locator, address, MM_AT_OB_TYPE);
    for (size_t i = 0; i < BASES_LOOKED_AT && meta != 0; ++i) {
        if (meta == locator->type_type) {
            return true;
        }
        meta = meta % 8 == 0 ? mm_object_word(locator, meta, MM_AT_TYPE_BASE) : 0;
    }
    return false;
}

bool mm_object_is(mm_locator *locator, uint64_t address) {
    if (address == 0 || address % 8 != 0) {
        return false;
    }
    // The low half alone is the count from 3.14 on; with the sign bit set it says immortal (3.12
    // on).
    uint32_t count = (uint32_t)mm_object_word(locator, address, MM_AT_OB_REFCNT);
    if (count == 0 || (count > REFCOUNT_OVER && (count >> 30) == 1)) {
        return false;
    }
    return mm_object_is_type(locator, mm_object_word(locator, address, MM_AT_OB_TYPE));
}

bool mm_object_isinstance(mm_locator *locator, uint64_t object, uint64_t type) {
    if (type == 0 || !mm_object_is(locator, object)) {
        return false;
    }
    uint64_t at = mm_object_word(locator, object, MM_AT_OB_TYPE);
    for (size_t i = 0; i < BASES_LOOKED_AT && at != 0; ++i) {
        if (at == type) {
            return true;
        }
        at = mm_object_word(locator, at, MM_AT_TYPE_BASE);
    }
    return false;
}

bool mm_str_copy(mm_locator *locator, uint64_t object, char *to, size_t room) {
    if (locator->layout.minor == 0 || !mm_object_isinstance(locator, object, locator->str_type)) {
        return false;
    }
    uint64_t length = mm_object_word(locator, object, MM_AT_STR_LENGTH);
    uint32_t state = mm_peek_int(locator, object + locator->layout.at[MM_AT_STR_STATE]);
    uint32_t bits = state >> locator->layout.at[MM_AT_STR_KIND_BIT];
    // kind (3 bits) is 1, compact and ascii are set: the text stands behind the smallest header.
    if ((bits & 31) != (1 | 8 | 16) || length >= room) {
        return false;
    }
    to[length] = '\0';
    return mm_peek_bytes(locator, object + locator->layout.at[MM_AT_STR_ASCII_SIZEOF], to,
                         (size_t)length);
}

bool mm_str_is(mm_locator *locator, uint64_t object, const char *text) {
    char copy[64];
    return mm_str_copy(locator, object, copy, sizeof copy) && strcmp(copy, text) == 0;
}

bool mm_dict_open(mm_locator *locator, uint64_t dict, mm_dict_peek *ret) {
    const uint16_t *at = locator->layout.at;
    if (locator->layout.minor == 0 || !mm_object_isinstance(locator, dict, locator->dict_type)) {
        return false;
    }
    uint64_t keys = mm_object_word(locator, dict, MM_AT_DICT_KEYS);
    uint64_t values = mm_object_word(locator, dict, MM_AT_DICT_VALUES);
    uint8_t head[3] = {0};
    if (keys == 0 || keys % 8 != 0 ||
        !mm_peek_bytes(locator, keys + at[MM_AT_KEYS_LOG2_SIZE], &head[0], 1) ||
        !mm_peek_bytes(locator, keys + at[MM_AT_KEYS_LOG2_INDEX_BYTES], &head[1], 1) ||
        !mm_peek_bytes(locator, keys + at[MM_AT_KEYS_KIND], &head[2], 1)) {
        return false;
    }
    uint64_t count = mm_object_word(locator, keys, MM_AT_KEYS_NENTRIES);
    uint64_t used = mm_object_word(locator, dict, MM_AT_DICT_USED);
    if (head[0] > 40 || head[1] > 43 || head[1] < head[0] || head[2] > 2 ||
        count > DICT_ENTRIES_MAX || count > (uint64_t)1 << head[0] || used > count) {
        return false;
    }
    ret->entries = keys + at[MM_AT_KEYS_INDICES] + ((uint64_t)1 << head[1]);
    ret->general = head[2] == 0;
    ret->entry_bytes = ret->general ? 24 : 16;
    ret->values = values == 0 ? 0 : values + at[MM_AT_VALUES_FIRST];
    ret->count = count;
    ret->used = used;
    return true;
}

bool mm_dict_entry(mm_locator *locator, const mm_dict_peek *view, uint64_t index, uint64_t *key_ret,
                   uint64_t *value_ret) {
    MM_ASSERT(index < view->count);
    uint64_t words[3] = {0};
    uint64_t place = view->entries + index * view->entry_bytes;
    if (!mm_peek_bytes(locator, place, words, (size_t)view->entry_bytes)) {
        return false;
    }
    *key_ret = words[view->general ? 1 : 0];
    *value_ret = view->values != 0 ? mm_peek_word(locator, view->values + index * 8)
                                   : words[view->general ? 2 : 1];
    return *key_ret != 0 && *value_ret != 0;
}

uint64_t mm_dict_find(mm_locator *locator, uint64_t dict, const char *key) {
    mm_dict_peek view;
    if (!mm_dict_open(locator, dict, &view)) {
        return 0;
    }
    for (uint64_t i = 0; i < view.count && i < DICT_LOOKED_AT; ++i) {
        uint64_t name = 0;
        uint64_t value = 0;
        if (mm_dict_entry(locator, &view, i, &name, &value) && mm_str_is(locator, name, key)) {
            return value;
        }
    }
    return 0;
}

uint64_t mm_module_dict(mm_locator *locator, uint64_t module) {
    if (!mm_object_isinstance(locator, module, locator->module_type)) {
        return 0;
    }
    return mm_object_word(locator, module, MM_AT_MODULE_DICT);
}

uint64_t mm_module_named(mm_locator *locator, const char *name) {
    return mm_module_dict(locator, mm_dict_find(locator, locator->modules, name));
}
