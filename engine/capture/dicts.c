// The containers that make up most of a heap. A dict is a key table (entries in order of insertion)
// and, when it is split, an array of values beside a table that many dicts share:
//
//   ma_keys   ─▶ | refcnt | log2_size .. kind | usable | nentries | indices .. | entry 0 | ..
//   ma_values ─▶ | value 0 | value 1 | ..          (split: the entries hold keys only)
//
// entry: {key, value} where all keys are str, else {hash, key, value}. tp_traverse passes over the
// keys of the first sort: its record carries MM_OBJECT_HIDDEN_KEYS, set by size_object().
#include "capture/walker.h"

enum {
    KEYS_GENERAL = 0,
    LOG2_MAX = 40,  ///< of a key table: no real one comes near
    ENTRY_BYTES_UNICODE = 16,
    ENTRY_BYTES_GENERAL = 24
};

bool keys_view(mm_walker *walker, uint64_t keys, mm_dict_view *ret) {
    uint64_t header = AT(walker, KEYS_INDICES);
    if (!is_aligned(keys) || !is_readable(walker, keys, header)) {
        return false;
    }
    uint8_t log2_index = load_byte(keys + AT(walker, KEYS_LOG2_INDEX_BYTES));
    uint64_t count = load_word(keys + AT(walker, KEYS_NENTRIES));
    if (log2_index > LOG2_MAX || count > (uint64_t)1 << LOG2_MAX) {
        return false;
    }
    ret->unicode = load_byte(keys + AT(walker, KEYS_KIND)) != KEYS_GENERAL;
    ret->entries = keys + header + ((uint64_t)1 << log2_index);
    ret->entry_bytes = ret->unicode ? ENTRY_BYTES_UNICODE : ENTRY_BYTES_GENERAL;
    ret->key_offset = ret->unicode ? 0 : 8;
    ret->values = 0;
    ret->count = count;
    ret->keys = keys;
    ret->embedded = false;
    return is_readable(walker, ret->entries, count * ret->entry_bytes);
}

bool dict_view(mm_walker *walker, uint64_t dict, mm_dict_view *ret) {
    unsigned last = AT(walker, DICT_KEYS) > AT(walker, DICT_VALUES) ? AT(walker, DICT_KEYS)
                                                                    : AT(walker, DICT_VALUES);
    if (!is_readable(walker, dict, last + 8u) ||
        !keys_view(walker, load_word(dict + AT(walker, DICT_KEYS)), ret)) {
        return false;
    }
    uint64_t values = load_word(dict + AT(walker, DICT_VALUES));
    if (values == 0) {
        return true;
    }
    if (HAS(walker, VALUES_EMBEDDED)) {
        if (!is_readable(walker, values, 8)) {
            return false;
        }
        ret->embedded = load_byte(values + AT(walker, VALUES_EMBEDDED)) != 0;
        uint8_t capacity = load_byte(values + AT(walker, VALUES_CAPACITY));
        ret->count = ret->count < capacity ? ret->count : capacity;
    }
    ret->values = values + AT(walker, VALUES_FIRST);
    return is_readable(walker, ret->values, ret->count * 8);
}

uint64_t keys_bytes(const mm_walker *walker, uint64_t keys) {
    bool unicode = load_byte(keys + AT(walker, KEYS_KIND)) != KEYS_GENERAL;
    uint64_t entry = unicode ? ENTRY_BYTES_UNICODE : ENTRY_BYTES_GENERAL;
    uint64_t size = (uint64_t)1 << (load_byte(keys + AT(walker, KEYS_LOG2_SIZE)) & 63);
    uint64_t index = (uint64_t)1 << (load_byte(keys + AT(walker, KEYS_LOG2_INDEX_BYTES)) & 63);
    return AT(walker, KEYS_INDICES) + index + (size << 1) / 3 * entry;
}

uint64_t dict_get(mm_walker *walker, uint64_t dict, const char *key) {
    mm_dict_view view;
    if (!is_aligned(dict) || !dict_view(walker, dict, &view)) {
        return 0;
    }
    for (uint64_t i = 0; i < view.count; i++) {
        uint64_t at = dict_key(&view, i);
        if (at != 0 && is_readable(walker, at, OBJECT_HEAD_BYTES) && str_is(walker, at, key)) {
            return dict_value(&view, i);
        }
    }
    return 0;
}

// Values in a module's or class's namespace that are names themselves.
static void want_program_texts(mm_walker *walker, uint64_t key, uint64_t value) {
    if (!str_begins(walker, key, "_") || value == 0 ||
        !is_readable(walker, value, OBJECT_HEAD_BYTES)) {
        return;
    }
    if (str_is(walker, key, "__module__") || str_is(walker, key, "__file__") ||
        str_is(walker, key, "__name__") || str_is(walker, key, "__qualname__")) {
        want_text(walker, value);
    } else if (str_is(walker, key, "_fields")) {
        want_texts(walker, value);
    }
}

void dict_is_namespace(mm_walker *walker, uint64_t dict, bool of_program, uint64_t shared_keys) {
    mm_dict_view view;
    if (dict == 0 || !is_aligned(dict) || !is_readable(walker, dict, OBJECT_HEAD_BYTES) ||
        !is_kind(walker, dict, MM_KIND_DICT) || !dict_view(walker, dict, &view)) {
        return;
    }
    if (view.values != 0 && view.keys == shared_keys) {
        return;
    }
    for (uint64_t i = 0; i < view.count; i++) {
        uint64_t key = dict_key(&view, i);
        if (key == 0 || !is_readable(walker, key, OBJECT_HEAD_BYTES)) {
            continue;
        }
        want_text(walker, key);
        if (of_program) {
            want_program_texts(walker, key, dict_value(&view, i));
        }
    }
}

// The keys belong to the shared table: they are named, but not held.
static void walk_split(mm_walker *walker, const mm_dict_view *view) {
    MM_ASSERT(view->values != 0);
    for (uint64_t i = 0; i < view->count; i++) {
        uint64_t value = dict_value(view, i);
        if (value != 0) {
            refer_flagged(walker, MM_NAME_KEY, MM_REF_BORROWED, 0, dict_key(view, i));
            refer(walker, MM_NAME_VALUE, value);
        }
    }
}

// CPython takes the two references of the table of interned strings out of their counts, so that
// the table does not keep them alive.
static void walk_interned(mm_walker *walker, const mm_dict_view *view) {
    for (uint64_t i = 0; i < view->count; i++) {
        refer_flagged(walker, MM_NAME_KEY, MM_REF_BORROWED, 0, dict_key(view, i));
        refer_flagged(walker, MM_NAME_VALUE, MM_REF_BORROWED, 0, dict_value(view, i));
    }
}

void walk_dict(mm_walker *walker, uint64_t address) {
    mm_dict_view view;
    if (!dict_view(walker, address, &view) ||
        (view.embedded && !dict_reports_values(walker, address))) {
        return;
    }
    if (address == walker->interned) {
        walk_interned(walker, &view);
        return;
    }
    if (view.values != 0) {
        walk_split(walker, &view);
        return;
    }
    MM_ASSERT(view.entry_bytes == view.key_offset + 16);
    uint64_t entry = view.entries + view.key_offset;
    for (uint64_t i = 0; i < view.count; i++, entry += view.entry_bytes) {
        uint64_t value = load_word(entry + 8);
        if (value != 0) {
            refer(walker, MM_NAME_KEY, load_word(entry));
            if (MM_UNLIKELY(walker->options->keys)) {
                want_key(walker, load_word(entry));
            }
            refer(walker, MM_NAME_VALUE, value);
        }
    }
}

// Each node of the order list holds its key once more. There are no more nodes than entries: that
// bounds a list that goes round.
void walk_ordered_dict(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    walk_dict(walker, address);
    walk_fields(walker, type, address);
    uint64_t node_bytes = AT(walker, ODICT_NODE_SIZEOF);
    uint64_t node = load_word(address + AT(walker, ODICT_FIRST));
    mm_dict_view view;
    uint64_t left = dict_view(walker, address, &view) ? view.count : 0;
    for (; node != 0 && left > 0 && is_readable(walker, node, node_bytes); left--) {
        refer_flagged(walker, MM_NAME_KEY, 0, 0, load_word(node + AT(walker, ODICT_NODE_KEY)));
        node = load_word(node + AT(walker, ODICT_NODE_NEXT));
    }
}

void walk_set(mm_walker *walker, uint64_t address) {
    uint64_t table = load_word(address + AT(walker, SET_TABLE));
    uint64_t count = load_word(address + AT(walker, SET_MASK)) + 1;
    if (count > (uint64_t)1 << LOG2_MAX || !is_readable(walker, table, count * SET_ENTRY_BYTES)) {
        return;
    }
    for (uint64_t i = 0; i < count; i++) {
        uint64_t key = load_word(table + i * SET_ENTRY_BYTES);
        // A deleted entry holds the dummy, whose hash is -1 as no real entry's is.
        if (key != 0 && load_word(table + i * SET_ENTRY_BYTES + 8) != UINT64_MAX) {
            refer(walker, MM_NAME_MEMBER, key);
        }
    }
}

static void walk_items(mm_walker *walker, uint64_t items, uint64_t count) {
    if (count > (uint64_t)1 << LOG2_MAX || !is_readable(walker, items, count * 8)) {
        return;
    }
    for (uint64_t i = 0; i < count; i++) {
        refer_item(walker, load_word(items + i * 8));
    }
}

void walk_list(mm_walker *walker, uint64_t address) {
    uint64_t count = load_word(address + AT(walker, OB_SIZE));
    if (count != 0) {
        walk_items(walker, load_word(address + AT(walker, LIST_ITEMS)), count);
    }
}

void walk_tuple(mm_walker *walker, uint64_t address) {
    walk_items(walker, address + AT(walker, TUPLE_ITEMS), load_word(address + AT(walker, OB_SIZE)));
}
