// Objects with a fixed shape: the words of their struct, named by the target's field table, and
// what a class statement adds to any of them: slots, and attributes that are kept in front of the
// object, behind it, or in a dict.
//
//   3.11   [-4] values   [-3] dict   [-2] [-1] collector | object
//   3.12   [-3] dict, or values with the low bit set      | object
//   3.13   [-3] dict                                      | object | capacity .. valid | values
//
// [-n]: n words in front of the object. 3.12 and 3.13 have the collector's two words at [-2], too.
#include "base/free/search.h"
#include "capture/walker.h"

enum {
    FIRST_OBJECT_ADDRESS = 1 << 16,  ///< below are small numbers that some words hold instead
    CODE_CACHED_MAX = 8
};

// One word by its field. `of_program`: a dict there is a module's or a class's.
static inline void field_refer(mm_walker *walker, const mm_field *field, uint64_t address,
                               uint8_t hidden, bool of_program) {
    uint64_t target = load_word(address + field->offset);
    if (target < FIRST_OBJECT_ADDRESS) {
        return;
    }
    uint8_t flags = ref_flags(field->flags) | hidden;
    if (flags == 0) {
        refer_word(walker, field->offset, target);
    } else {
        refer_flagged(walker, MM_NAME_WORD, flags, field->offset / 8, target);
    }
    if ((field->flags & MM_FIELD_TEXT) != 0) {
        want_text(walker, target);
    }
    if ((field->flags & MM_FIELD_DICT) != 0) {
        dict_is_namespace(walker, target, of_program, 0);
    }
}

void walk_fields(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    const mm_field *field = MM_TARGET_AT(walker->target, fields, mm_field) + type->field_start;
    const mm_field *end = field + type->field_count;
    MM_ASSERT(type->field_start + type->field_count <= walker->target->fields.count);
    for (; field < end; field++) {
        MM_ASSERT(field->kind == type->kind);
        if (field->offset + 8u <= type->basic_bytes) {
            field_refer(walker, field, address, 0, type->kind == MM_KIND_MODULE);
        }
    }
}

// Values stored by the type's shared keys.
static void walk_values(mm_walker *walker, const mm_type_info *type, uint64_t values,
                        uint64_t capacity) {
    mm_dict_view view;
    if (type->keys == 0 || !keys_view(walker, type->keys, &view)) {
        return;
    }
    uint64_t count = view.count < capacity ? view.count : capacity;
    if (!is_readable(walker, values, count * 8)) {
        return;
    }
    for (uint64_t i = 0; i < count; i++) {
        uint64_t value = load_word(values + i * 8);
        if (value != 0) {
            refer_at(walker, MM_NAME_INLINE, i, value);
        }
    }
}

// The word may lie in front of the object, so that it has a name and no number.
static void refer_attribute_dict(mm_walker *walker, const mm_type_info *type, uint8_t flags,
                                 uint64_t dict) {
    if (dict == 0) {
        return;
    }
    refer_flagged(walker, MM_NAME_NAMED, flags, walker->name_dict, dict);
    dict_is_namespace(walker, dict, false, type->keys);
}

static void walk_managed(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    if (!is_readable(walker, address - MANAGED_VALUES_BEFORE, MANAGED_VALUES_BEFORE)) {
        return;
    }
    uint64_t storage = load_word(address - MANAGED_DICT_BEFORE);
    if (walker->minor == 11) {
        uint64_t values = load_word(address - MANAGED_VALUES_BEFORE);
        if (values != 0) {
            walk_values(walker, type, values, UINT8_MAX);
        }
    } else if (walker->minor == 12) {
        if ((storage & MANAGED_VALUES_TAG) != 0) {
            // The pointer is one less than the address of the values.
            walk_values(walker, type, storage + 1, UINT8_MAX);
            return;
        }
    } else if (type->inline_values) {
        uint64_t values = address + type->basic_bytes;
        bool valid =
            is_readable(walker, values, 8) && load_byte(values + AT(walker, VALUES_VALID)) != 0;
        if (valid && dict_reports_values(walker, storage)) {
            refer_attribute_dict(walker, type, 0, storage);
            return;
        }
        if (valid) {
            walk_values(walker, type, values + AT(walker, VALUES_FIRST),
                        load_byte(values + AT(walker, VALUES_CAPACITY)));
            // tp_traverse stops at the values: it does not say that a dict exists.
            refer_attribute_dict(walker, type, MM_REF_HIDDEN, storage);
            return;
        }
    }
    refer_attribute_dict(walker, type, 0, storage);
}

// Address of the word with the attribute dict. A negative offset counts from the end of the items.
static uint64_t dict_word(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    if (type->dict_offset > 0) {
        return address + (uint64_t)type->dict_offset;
    }
    uint64_t end = type->basic_bytes + item_count(walker, type, address) * type->item_bytes;
    return address + ((end + 7) & ~(uint64_t)7) + (uint64_t)type->dict_offset;
}

void walk_class_part(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    MM_ASSERT(type->python_class);
    for (uint32_t i = 0; i < type->slot_count; i++) {
        if (type->slots[i] + 8u <= type->basic_bytes) {
            refer_word(walker, type->slots[i], load_word(address + type->slots[i]));
        }
    }
    if (type->managed_dict) {
        walk_managed(walker, type, address);
    } else if (type->dict_offset != 0 && type->basic_bytes >= AT(walker, OB_SIZE) + 8u) {
        uint64_t at = dict_word(walker, type, address);
        if (is_readable(walker, at, 8)) {
            refer_attribute_dict(walker, type, 0, load_word(at));
        }
    }
}

// Types -----------------------------------------------------------------------------------------

static void walk_shared_keys(mm_walker *walker, uint64_t address) {
    mm_dict_view view;
    uint64_t keys = load_word(address + AT(walker, HEAPTYPE_CACHED_KEYS));
    if (keys == 0 || !keys_view(walker, keys, &view)) {
        return;
    }
    for (uint64_t i = 0; i < view.count; i++) {
        refer_flagged(walker, MM_NAME_NAMED, MM_REF_HIDDEN, walker->name_shared_key,
                      dict_key(&view, i));
        want_text(walker, dict_key(&view, i));
    }
}

// What a static type of the interpreter owns stands in the interpreter state from 3.12 on.
static void walk_static_dicts(mm_walker *walker, uint64_t address) {
    const mm_static_dict *dicts = MM_TARGET_AT(walker->target, static_dicts, mm_static_dict);
    uint32_t count = walker->target->static_dicts.count;
    size_t i = mm_lower_bound_u64(&dicts->type, sizeof *dicts, count, address);
    for (; i < count && dicts[i].type == address; i++) {
        refer_flagged(walker, MM_NAME_WORD, MM_REF_HIDDEN, AT(walker, TYPE_DICT) / 8u,
                      dicts[i].dict);
        refer_flagged(walker, MM_NAME_WORD, MM_REF_HIDDEN, AT(walker, TYPE_SUBCLASSES) / 8u,
                      dicts[i].subclasses);
        dict_is_namespace(walker, dicts[i].dict, true, 0);
    }
}

// From 3.13 on a class knows the line that it begins at.
static void class_line(mm_walker *walker, uint64_t address) {
    uint64_t dict = load_word(address + AT(walker, TYPE_DICT));
    uint64_t line = walker->minor < 13 || dict == 0 ? 0 : dict_get(walker, dict, "__firstlineno__");
    uint64_t digits = line + AT(walker, LONG_DIGITS);
    if (line == 0 || !is_readable(walker, line, AT(walker, LONG_DIGITS) + 4u) ||
        !is_kind(walker, line, MM_KIND_INT) ||
        load_word(line + AT(walker, LONG_TAG)) >> LONG_TAG_SHIFT != 1) {
        return;
    }
    mm_writer_fact(walker->writer, find_found(walker, address), MM_FACT_FIRST_LINE,
                   load_u32(digits));
}

void walk_type(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    const mm_field *field = MM_TARGET_AT(walker->target, fields, mm_field) + type->field_start;
    const mm_field *end = field + type->field_count;
    bool heap = type_is_heap(walker, address);
    uint8_t hidden = heap ? 0 : MM_REF_HIDDEN;  // tp_traverse refuses static types
    uint64_t known_bytes = heap ? AT(walker, HEAPTYPE_SIZEOF) : AT(walker, TYPE_SIZEOF);
    if (!is_readable(walker, address, known_bytes)) {
        return;
    }
    for (; field < end; field++) {
        if (field->offset < known_bytes) {
            field_refer(walker, field, address, hidden, true);
        }
    }
    if (heap) {
        walk_shared_keys(walker, address);
        class_line(walker, address);
    } else {
        // A static type has no name but in its record, and C keeps it for ever.
        (void)type_of(walker, address);
        root_static_type(walker, address);
        walk_static_dicts(walker, address);
    }
}

// Code ------------------------------------------------------------------------------------------

static void code_facts(mm_walker *walker, uint64_t address, uint64_t id) {
    MM_ASSERT(id != NO_ID);
    static const struct {
        uint16_t at;
        uint8_t fact;
    } facts[] = {
        {MM_AT_CODE_FIRSTLINENO, MM_FACT_FIRST_LINE},
        {MM_AT_CODE_ARGCOUNT, MM_FACT_ARGUMENTS},
        {MM_AT_CODE_KWONLYARGCOUNT, MM_FACT_KEYWORD_ARGUMENTS},
        {MM_AT_CODE_NLOCALSPLUS, MM_FACT_VARIABLES},
        {MM_AT_CODE_NFREEVARS, MM_FACT_FREE_VARIABLES},
        {MM_AT_CODE_FLAGS, MM_FACT_CODE_FLAGS},
    };
    for (size_t i = 0; i < MM_COUNTOF(facts); i++) {
        int32_t value = load_i32(address + walker->at[facts[i].at]);
        if (value > 0) {
            mm_writer_fact(walker->writer, id, (mm_fact)facts[i].fact, (uint64_t)value);
        }
    }
}

void walk_code(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    walk_fields(walker, type, address);
    want_texts(walker, load_word(address + AT(walker, CODE_LOCALSPLUSNAMES)));
    if (HAS(walker, CODE_CACHED) && HAS(walker, CODE_CACHED_SIZEOF)) {
        uint64_t cached = load_word(address + AT(walker, CODE_CACHED));
        uint64_t count = AT(walker, CODE_CACHED_SIZEOF) / 8;
        if (cached != 0 && count <= CODE_CACHED_MAX && is_readable(walker, cached, count * 8)) {
            for (uint64_t i = 0; i < count; i++) {
                refer_flagged(walker, MM_NAME_WORD, MM_REF_HIDDEN, AT(walker, CODE_CACHED) / 8u,
                              load_word(cached + i * 8));
            }
        }
    }
    code_facts(walker, address, find_found(walker, address));
}

void walk_module(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    walk_fields(walker, type, address);
    uint64_t definition = load_word(address + AT(walker, MODULE_DEF));
    if (definition != 0 && HAS(walker, MODULEDEF_TRAVERSE) &&
        is_readable(walker, definition, AT(walker, MODULEDEF_TRAVERSE) + 8u) &&
        load_word(definition + AT(walker, MODULEDEF_TRAVERSE)) != 0) {
        walk_module_state(walker, type, address);
    }
}
