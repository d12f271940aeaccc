// Sizes by formula: what sys.getsizeof would answer, without running a __sizeof__, and beside it
// the storage that belongs to the object alone and that sys.getsizeof leaves out. Formulas: the
// __sizeof__ methods of CPython 3.11 to 3.13. For a foreign C type the formula of object.__sizeof__
// stands in, and the record says that it is an estimate.
#include "capture/walker.h"

enum { COUNT_MAX_LOG2 = 40, DIGIT_BYTES = 4 };

uint64_t item_count(const mm_walker *walker, const mm_type_info *type, uint64_t address) {
    int64_t count = (int64_t)load_word(address + AT(walker, OB_SIZE));
    if (type->kind == MM_KIND_INT && HAS(walker, LONG_TAG)) {
        count = (int64_t)(load_word(address + AT(walker, LONG_TAG)) >> LONG_TAG_SHIFT);
    }
    uint64_t items = count < 0 ? 0 - (uint64_t)count : (uint64_t)count;
    return items >> COUNT_MAX_LOG2 == 0 ? items : 0;
}

static uint64_t size_str(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    if (!HAS(walker, STR_STATE)) {
        return type->basic_bytes;
    }
    mm_str_head head = str_head(walker, address);
    uint64_t size = head.header_bytes + (head.length + 1) * head.character_bytes;
    if (head.compact && head.ascii) {
        return size;
    }
    if (!is_readable(walker, address, head.header_bytes)) {
        return type->basic_bytes;
    }
    uint64_t utf8 = load_word(address + AT(walker, STR_UTF8));
    bool shared = !head.compact && utf8 == load_word(address + AT(walker, STR_DATA));
    if (utf8 != 0 && !shared) {
        size += load_word(address + AT(walker, STR_UTF8_LENGTH)) + 1;
    }
    return size;
}

// Slots of the values array beside a shared key table.
static uint64_t shared_slots(const mm_walker *walker, uint64_t keys) {
    return load_word(keys + AT(walker, KEYS_USABLE)) + load_word(keys + AT(walker, KEYS_NENTRIES));
}

// A key table that nobody shares, and split values, belong to the dict. 3.11 counts only the slots
// that are in use.
static uint64_t size_dict(mm_walker *walker, const mm_type_info *type, uint64_t address,
                          mm_object_record *record) {
    mm_dict_view view;
    uint64_t size = type->basic_bytes;
    if (!dict_view(walker, address, &view)) {
        return size;
    }
    if (view.unicode) {
        record->flags |= MM_OBJECT_HIDDEN_KEYS;
    }
    if (view.values != 0) {
        uint64_t slots = shared_slots(walker, view.keys);
        size += slots >> COUNT_MAX_LOG2 == 0 ? slots * 8 : 0;
    }
    if (load_word(view.keys + AT(walker, KEYS_REFCNT)) == 1) {
        size += keys_bytes(walker, view.keys);
    }
    return size;
}

static uint64_t size_set(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    uint64_t size = type->basic_bytes;
    uint64_t table = load_word(address + AT(walker, SET_TABLE));
    if (table != address + AT(walker, SET_SMALLTABLE)) {
        size += (load_word(address + AT(walker, SET_MASK)) + 1) * SET_ENTRY_BYTES;
    }
    return size;
}

static uint64_t size_type(mm_walker *walker, uint64_t address) {
    if (!type_is_heap(walker, address)) {
        return AT(walker, TYPE_SIZEOF);
    }
    uint64_t size = AT(walker, HEAPTYPE_SIZEOF);
    if (!is_readable(walker, address, size)) {
        return size;
    }
    uint64_t keys = load_word(address + AT(walker, HEAPTYPE_CACHED_KEYS));
    mm_dict_view view;
    if (keys != 0 && keys_view(walker, keys, &view)) {
        size += keys_bytes(walker, keys);
    }
    return size;
}

// Variables and stack of the frame inside, whose code says how many.
static uint64_t size_of_frame(mm_walker *walker, uint64_t iframe, uint64_t fixed) {
    if (iframe == 0 || !is_readable(walker, iframe, AT(walker, IFRAME_LOCALSPLUS))) {
        return fixed;
    }
    uint64_t code = iframe_code(walker, iframe);
    if (code == 0) {
        return fixed;
    }
    uint64_t slots = code_count(walker, code, MM_AT_CODE_NLOCALSPLUS) +
                     code_count(walker, code, MM_AT_CODE_STACKSIZE);
    return fixed + slots * 8;
}

// Attribute storage that sys.getsizeof of an instance does not count.
static uint64_t storage_of(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    if (!type->managed_dict ||
        !is_readable(walker, address - MANAGED_VALUES_BEFORE, MANAGED_VALUES_BEFORE)) {
        return 0;
    }
    if (walker->minor >= 13) {
        uint64_t values = address + type->basic_bytes;
        if (!type->inline_values || !is_readable(walker, values, 8)) {
            return 0;
        }
        return AT(walker, VALUES_FIRST) +
               8 * (uint64_t)load_byte(values + AT(walker, VALUES_CAPACITY));
    }
    bool old = walker->minor == 11;
    uint64_t word = load_word(address - (old ? MANAGED_VALUES_BEFORE : MANAGED_DICT_BEFORE));
    bool values = old ? word != 0 : (word & MANAGED_VALUES_TAG) != 0;
    if (!values || type->keys == 0 || !is_readable(walker, type->keys, AT(walker, KEYS_INDICES))) {
        return 0;
    }
    uint64_t usable = shared_slots(walker, type->keys) & UINT8_MAX;
    // One byte for each value says in which order they came; the block begins with their count.
    uint64_t prefix = (usable + 2 + 7) & ~(uint64_t)7;
    return prefix + usable * 8;
}

static uint64_t size_by_kind(mm_walker *walker, const mm_type_info *type, uint64_t address,
                             mm_object_record *record) {
    switch (type->kind) {
        case MM_KIND_STR:
            return size_str(walker, type, address);
        case MM_KIND_DICT:
            return size_dict(walker, type, address, record);
        case MM_KIND_ORDERED_DICT:
            return size_dict(walker, type, address, record) +
                   load_word(address + AT(walker, DICT_USED)) * AT(walker, ODICT_NODE_SIZEOF) +
                   load_word(address + AT(walker, ODICT_NODES_SIZE)) * 8;
        case MM_KIND_LIST:
            return type->basic_bytes + load_word(address + AT(walker, LIST_ALLOCATED)) * 8;
        case MM_KIND_SET:
            return size_set(walker, type, address);
        case MM_KIND_TYPE:
            return size_type(walker, address);
        case MM_KIND_FRAME:
            return size_of_frame(
                walker, load_word(address + AT(walker, FRAME_IFRAME)),
                AT(walker, FRAME_INLINE) + (uint64_t)AT(walker, IFRAME_LOCALSPLUS));
        case MM_KIND_GENERATOR:
        case MM_KIND_COROUTINE:
        case MM_KIND_ASYNC_GENERATOR:
            return size_of_frame(walker, address + AT(walker, GEN_IFRAME),
                                 AT(walker, GEN_IFRAME) + (uint64_t)AT(walker, IFRAME_LOCALSPLUS));
        case MM_KIND_INT: {
            uint64_t digits = item_count(walker, type, address);
            return AT(walker, LONG_DIGITS) + (digits == 0 ? 1 : digits) * DIGIT_BYTES;
        }
        case MM_KIND_BYTEARRAY:
            return type->basic_bytes + load_word(address + AT(walker, BYTEARRAY_ALLOC));
        case MM_KIND_CODE:
            return (type->basic_bytes + item_count(walker, type, address) * type->item_bytes + 7) &
                   ~(uint64_t)7;
        default:
            break;
    }
    return type->basic_bytes +
           (type->variable ? item_count(walker, type, address) * type->item_bytes : 0);
}

void size_object(mm_walker *walker, const mm_type_info *type, uint64_t address,
                 mm_object_record *record) {
    MM_ASSERT(type->index != 0);
    MM_ASSERT(record->size_bytes == 0);
    uint64_t size = size_by_kind(walker, type, address, record) + type->prefix_bytes;
    if (type->kind == MM_KIND_TYPE && walker->minor >= 13 && !type_is_heap(walker, address)) {
        MM_ASSERT(size >= type->prefix_bytes);
        size -= type->prefix_bytes;  // static types have no header in front
    }
    uint64_t storage = storage_of(walker, type, address);
    storage += type->buffer != 0 ? buffer_bytes(walker, type, address) : walker->owned_now;
    if (size != type->basic_bytes + type->prefix_bytes) {
        record->flags |= MM_OBJECT_SIZE;
        record->size_bytes = size;
    }
    if (storage != 0) {
        record->flags |= MM_OBJECT_STORAGE;
        record->storage_bytes = storage;
    }
    if (type->kind == MM_KIND_FOREIGN || type->tail_offset != 0) {
        record->flags |= MM_OBJECT_ESTIMATED;
    }
}
