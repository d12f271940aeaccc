// One start-up check per kind: does the layout table agree with objects of the target whose
// contents are known beforehand? Every process has sys, builtins and the frozen importlib; what
// they hold is looked at through the table, and must make sense. A kind that fails is not walked by
// its layout.
//
// Where no object of a kind is sure to exist, the basic size that the type itself states is
// compared with what the table says of the struct: the offsets inside have not moved in a minor
// version without it.
#include <string.h>

#include "locate/locator.h"

enum {
    FRAMES_LOOKED_AT = 64,
    THREADS_LOOKED_AT = 64,
    SET_SLOTS_MAX = 1 << 16,
    ITEMS_LOOKED_AT = 16,
    MODULES_MAX = 1 << 24  ///< a program may file there whatever it makes
};

/// What the checks share.
typedef struct check_state {
    mm_locator *locator;
    const uint64_t *type_of;
    uint64_t sys;  ///< dicts
    uint64_t builtins;
    uint64_t importlib;
    uint64_t spec;  ///< the class ModuleSpec
    uint64_t spec_dict;
    uint64_t importer_dict;  ///< of the class BuiltinImporter
} check_state;

static bool check_is(const check_state *state, uint64_t object, mm_kind kind) {
    return mm_object_isinstance(state->locator, object, state->type_of[kind]);
}

static bool check_size(const check_state *state, mm_kind kind) {
    const mm_version_table *table = state->locator->table;
    MM_ASSERT(kind < MM_KIND_COUNT);
    MM_ASSERT(state->type_of[kind] != 0);
    uint64_t basic = mm_object_word(state->locator, state->type_of[kind], MM_AT_TYPE_BASICSIZE);
    for (size_t i = 0; i < table->size_count; ++i) {
        if (table->sizes[i].kind == kind) {
            return table->sizes[i].size_bytes == basic;
        }
    }
    return true;
}

/// The word that the field table calls `name`.
static uint64_t check_field(const check_state *state, uint64_t object, mm_kind kind,
                            const char *name) {
    const mm_version_table *table = state->locator->table;
    for (size_t i = 0; i < table->field_count; ++i) {
        if (table->fields[i].kind == kind && strcmp(table->fields[i].name, name) == 0) {
            return mm_peek_word(state->locator, object + table->fields[i].offset);
        }
    }
    return 0;
}

static bool check_dict(const check_state *state) {
    mm_dict_peek view;
    if (!mm_dict_open(state->locator, state->locator->modules, &view) || view.count > MODULES_MAX) {
        return false;
    }
    uint64_t used = 0;
    for (uint64_t i = 0; i < view.count; ++i) {
        uint64_t key = 0;
        uint64_t value = 0;
        used += mm_dict_entry(state->locator, &view, i, &key, &value);
    }
    return used == view.used && state->sys != 0;
}

static bool check_items(const check_state *state, uint64_t items, uint64_t count) {
    for (uint64_t i = 0; i < count && i < ITEMS_LOOKED_AT; ++i) {
        if (!mm_object_is(state->locator, mm_peek_word(state->locator, items + i * 8))) {
            return false;
        }
    }
    return true;
}

static bool check_list(const check_state *state) {
    mm_locator *locator = state->locator;
    static const char names[][12] = {"meta_path", "path_hooks", "path"};
    bool seen = false;
    for (size_t i = 0; i < MM_COUNTOF(names); ++i) {
        uint64_t list = mm_dict_find(locator, state->sys, names[i]);
        if (!check_is(state, list, MM_KIND_LIST)) {
            continue;
        }
        uint64_t count = mm_object_word(locator, list, MM_AT_OB_SIZE);
        uint64_t items = mm_object_word(locator, list, MM_AT_LIST_ITEMS);
        if (count > mm_object_word(locator, list, MM_AT_LIST_ALLOCATED) ||
            !check_items(state, items, count)) {
            return false;
        }
        seen = seen || count > 0;
    }
    return seen;
}

static bool check_tuple(const check_state *state) {
    mm_locator *locator = state->locator;
    uint64_t mro = mm_object_word(locator, locator->type_type, MM_AT_TYPE_MRO);
    uint64_t items = mro + locator->layout.at[MM_AT_TUPLE_ITEMS];
    return check_is(state, mro, MM_KIND_TUPLE) &&
           mm_object_word(locator, mro, MM_AT_OB_SIZE) == 2 &&
           mm_peek_word(locator, items) == locator->type_type &&
           mm_peek_word(locator, items + 8) == locator->object_type;
}

static bool check_set(const check_state *state) {
    mm_locator *locator = state->locator;
    uint64_t set = mm_dict_find(locator, state->sys, "stdlib_module_names");
    uint64_t used = mm_object_word(locator, set, MM_AT_SET_USED);
    uint64_t mask = mm_object_word(locator, set, MM_AT_SET_MASK);
    uint64_t table = mm_object_word(locator, set, MM_AT_SET_TABLE);
    if (set == 0) {
        return check_size(state, MM_KIND_SET);
    }
    if (used == 0 || mask >= SET_SLOTS_MAX || (mask & (mask + 1)) != 0 || used > mask ||
        mm_object_word(locator, set, MM_AT_SET_FILL) < used) {
        return false;
    }
    uint64_t found = 0;
    for (uint64_t i = 0; i <= mask; ++i) {
        uint64_t key = mm_peek_word(locator, table + i * 16);
        found += key != 0;
        if (key != 0 && found < ITEMS_LOOKED_AT && !check_is(state, key, MM_KIND_STR)) {
            return false;
        }
    }
    return found == used;
}

static bool check_code_of(const check_state *state, uint64_t code, const char *name) {
    mm_locator *locator = state->locator;
    uint64_t names = mm_object_word(locator, code, MM_AT_CODE_LOCALSPLUSNAMES);
    uint32_t line = mm_peek_int(locator, code + locator->layout.at[MM_AT_CODE_FIRSTLINENO]);
    uint32_t locals = mm_peek_int(locator, code + locator->layout.at[MM_AT_CODE_NLOCALSPLUS]);
    return check_is(state, code, MM_KIND_CODE) && line > 0 && line < 100000 &&
           check_is(state, names, MM_KIND_TUPLE) &&
           mm_object_word(locator, names, MM_AT_OB_SIZE) == locals &&
           check_is(state, mm_object_word(locator, code, MM_AT_CODE_CONSTS), MM_KIND_TUPLE) &&
           check_is(state, mm_object_word(locator, code, MM_AT_CODE_NAMES), MM_KIND_TUPLE) &&
           check_is(state, mm_object_word(locator, code, MM_AT_CODE_FILENAME), MM_KIND_STR) &&
           mm_str_is(locator, mm_object_word(locator, code, MM_AT_CODE_NAME), name) &&
           mm_str_is(locator, mm_object_word(locator, code, MM_AT_CODE_QUALNAME), name);
}

/// A function of the frozen importlib that nobody has replaced; 0 when there is none.
static uint64_t check_a_function(const check_state *state, const char **name_ret) {
    static const char names[][24] = {"_find_spec", "_find_and_load", "_handle_fromlist"};
    for (size_t i = 0; i < MM_COUNTOF(names); ++i) {
        uint64_t function = mm_dict_find(state->locator, state->importlib, names[i]);
        if (check_is(state, function, MM_KIND_FUNCTION) &&
            mm_object_word(state->locator, function, MM_AT_FUNCTION_GLOBALS) == state->importlib) {
            *name_ret = names[i];
            return function;
        }
    }
    return 0;
}

static bool check_function(const check_state *state) {
    mm_locator *locator = state->locator;
    const char *name = "";
    uint64_t function = check_a_function(state, &name);
    return check_size(state, MM_KIND_FUNCTION) && function != 0 &&
           mm_str_is(locator, mm_object_word(locator, function, MM_AT_FUNCTION_NAME), name) &&
           check_is(state, mm_object_word(locator, function, MM_AT_FUNCTION_CODE), MM_KIND_CODE);
}

static bool check_code(const check_state *state) {
    const char *name = "";
    uint64_t function = check_a_function(state, &name);
    uint64_t code = mm_object_word(state->locator, function, MM_AT_FUNCTION_CODE);
    return function != 0 && check_code_of(state, code, name);
}

/// BuiltinImporter.get_code is a classmethod around a function that a decorator made.
static bool check_classmethod(const check_state *state) {
    uint64_t method = mm_dict_find(state->locator, state->importer_dict, "get_code");
    return check_size(state, MM_KIND_CLASSMETHOD) && check_is(state, method, MM_KIND_CLASSMETHOD) &&
           check_is(state, check_field(state, method, MM_KIND_CLASSMETHOD, "__func__"),
                    MM_KIND_FUNCTION);
}

static bool check_cell(const check_state *state) {
    mm_locator *locator = state->locator;
    uint64_t method = mm_dict_find(locator, state->importer_dict, "get_code");
    uint64_t function = check_field(state, method, MM_KIND_CLASSMETHOD, "__func__");
    uint64_t closure = mm_object_word(locator, function, MM_AT_FUNCTION_CLOSURE);
    if (!check_is(state, closure, MM_KIND_TUPLE)) {
        return check_size(state, MM_KIND_CELL);
    }
    uint64_t cell = mm_peek_word(locator, closure + locator->layout.at[MM_AT_TUPLE_ITEMS]);
    return check_size(state, MM_KIND_CELL) && check_is(state, cell, MM_KIND_CELL) &&
           mm_object_is(locator, check_field(state, cell, MM_KIND_CELL, "cell_contents"));
}

static bool check_property(const check_state *state) {
    uint64_t property = mm_dict_find(state->locator, state->spec_dict, "parent");
    return check_size(state, MM_KIND_PROPERTY) && check_is(state, property, MM_KIND_PROPERTY) &&
           check_is(state, check_field(state, property, MM_KIND_PROPERTY, "fget"),
                    MM_KIND_FUNCTION);
}

static bool check_descriptor(const check_state *state) {
    uint64_t descriptor = mm_dict_find(state->locator, state->spec_dict, "__dict__");
    uint64_t name = check_field(state, descriptor, MM_KIND_DESCRIPTOR, "__name__");
    return check_is(state, descriptor, MM_KIND_DESCRIPTOR) &&
           check_field(state, descriptor, MM_KIND_DESCRIPTOR, "__objclass__") == state->spec &&
           mm_str_is(state->locator, name, "__dict__");
}

static bool check_module(const check_state *state) {
    mm_locator *locator = state->locator;
    uint64_t module = mm_dict_find(locator, locator->modules, "sys");
    return check_size(state, MM_KIND_MODULE) && check_is(state, module, MM_KIND_MODULE) &&
           mm_str_is(locator, mm_object_word(locator, module, MM_AT_MODULE_NAME), "sys");
}

static bool check_type(const check_state *state) {
    mm_locator *locator = state->locator;
    return check_size(state, MM_KIND_TYPE) && state->spec_dict != 0 &&
           mm_str_is(locator, mm_object_word(locator, state->spec, MM_AT_HEAPTYPE_NAME),
                     "ModuleSpec") &&
           mm_str_is(locator, mm_object_word(locator, state->spec, MM_AT_HEAPTYPE_QUALNAME),
                     "ModuleSpec") &&
           check_is(state, mm_object_word(locator, state->spec, MM_AT_TYPE_MRO), MM_KIND_TUPLE) &&
           check_is(state, mm_object_word(locator, state->spec, MM_AT_TYPE_BASES), MM_KIND_TUPLE);
}

static bool check_builtin(const check_state *state) {
    static const char names[][16] = {"len", "id", "__build_class__"};
    mm_locator *locator = state->locator;
    uint64_t module = mm_dict_find(locator, locator->modules, "builtins");
    bool found = false;
    for (size_t i = 0; i < MM_COUNTOF(names) && !found; ++i) {
        uint64_t function = mm_dict_find(locator, state->builtins, names[i]);
        found = check_is(state, function, MM_KIND_BUILTIN) &&
                check_field(state, function, MM_KIND_BUILTIN, "__self__") == module;
    }
    return check_size(state, MM_KIND_BUILTIN) && found;
}

static bool check_int(const check_state *state) {
    mm_locator *locator = state->locator;
    uint64_t number = mm_dict_find(locator, state->sys, "maxunicode");
    uint16_t tag = locator->layout.at[MM_AT_LONG_TAG];
    MM_ASSERT(locator->layout.at[MM_AT_LONG_DIGITS] != MM_AT_NONE);
    bool one_digit = tag == MM_AT_NONE ? mm_object_word(locator, number, MM_AT_OB_SIZE) == 1
                                       : mm_peek_word(locator, number + tag) == 1 << 3;
    return check_is(state, number, MM_KIND_INT) && one_digit &&
           mm_peek_int(locator, number + locator->layout.at[MM_AT_LONG_DIGITS]) == 0x10ffff;
}

/// Frames of one thread lead to NULL, or at least do not go wrong for a while.
static bool check_frames_of(const check_state *state, uint64_t thread) {
    mm_locator *locator = state->locator;
    const uint16_t *at = locator->layout.at;
    uint64_t frame = 0;
    MM_ASSERT(thread != 0);
    if (at[MM_AT_THREAD_CURRENT_FRAME] != MM_AT_NONE) {
        frame = mm_object_word(locator, thread, MM_AT_THREAD_CURRENT_FRAME);
    } else {
        uint64_t holder = mm_object_word(locator, thread, MM_AT_THREAD_CFRAME);
        frame = mm_object_word(locator, holder, MM_AT_CFRAME_CURRENT_FRAME);
    }
    for (size_t i = 0; i < FRAMES_LOOKED_AT && frame != 0; ++i) {
        uint8_t owner = 0xff;
        uint64_t code = mm_object_word(locator, frame, MM_AT_IFRAME_CODE) & ~(uint64_t)3;
        if (frame % 8 != 0 || !mm_peek_bytes(locator, frame + at[MM_AT_IFRAME_OWNER], &owner, 1) ||
            owner > 4 || (owner < 3 && !check_is(state, code, MM_KIND_CODE))) {
            return false;
        }
        frame = mm_object_word(locator, frame, MM_AT_IFRAME_PREVIOUS);
    }
    return true;
}

static bool check_frame(const check_state *state) {
    for (size_t i = 0; i < state->locator->thread_count && i < THREADS_LOOKED_AT; ++i) {
        const mm_thread *thread = &state->locator->threads[i];
        if (!state->locator->interpreters[thread->interpreter].own_lock &&
            !check_frames_of(state, thread->address)) {
            return false;
        }
    }
    return true;
}

/// Generators end with a frame: their basic size says where its locals begin.
static bool check_generator(const check_state *state, mm_kind kind) {
    const uint16_t *at = state->locator->layout.at;
    uint64_t basic = mm_object_word(state->locator, state->type_of[kind], MM_AT_TYPE_BASICSIZE);
    return basic == (uint64_t)at[MM_AT_GEN_IFRAME] + at[MM_AT_IFRAME_LOCALSPLUS] &&
           check_frame(state);
}

static bool check_exception(const check_state *state) {
    mm_locator *locator = state->locator;
    uint64_t type = state->type_of[MM_KIND_EXCEPTION];
    return check_size(state, MM_KIND_EXCEPTION) &&
           mm_object_word(locator, type, MM_AT_TYPE_DICTOFFSET) ==
               locator->layout.at[MM_AT_EXCEPTION_DICT];
}

static bool check_kind(const check_state *state, mm_kind kind) {
    switch (kind) {
        case MM_KIND_DICT:
            return check_size(state, kind) && check_dict(state);
        case MM_KIND_LIST:
            return check_size(state, kind) && check_list(state);
        case MM_KIND_TUPLE:
            return check_tuple(state);
        case MM_KIND_SET:
            return check_size(state, kind) && check_set(state);
        case MM_KIND_FUNCTION:
            return check_function(state);
        case MM_KIND_CODE:
            return check_code(state);
        case MM_KIND_CELL:
            return check_cell(state);
        case MM_KIND_MODULE:
            return check_module(state);
        case MM_KIND_TYPE:
            return check_type(state);
        case MM_KIND_FRAME:
            return check_frame(state);
        case MM_KIND_GENERATOR:
        case MM_KIND_COROUTINE:
        case MM_KIND_ASYNC_GENERATOR:
            return check_generator(state, kind);
        case MM_KIND_EXCEPTION:
            return check_exception(state);
        case MM_KIND_BUILTIN:
            return check_builtin(state);
        case MM_KIND_PROPERTY:
            return check_property(state);
        case MM_KIND_CLASSMETHOD:
            return check_classmethod(state);
        case MM_KIND_DESCRIPTOR:
            return check_descriptor(state);
        case MM_KIND_INT:
            return check_int(state);
        default:
            return check_size(state, kind);
    }
}

uint32_t mm_check_kinds(mm_locator *locator, const uint64_t type_of[MM_KIND_COUNT]) {
    MM_ASSERT(locator->table != NULL);
    check_state state = {.locator = locator, .type_of = type_of};
    state.sys = mm_module_named(locator, "sys");
    state.builtins = mm_module_named(locator, "builtins");
    state.importlib = mm_module_named(locator, "_frozen_importlib");
    state.spec = mm_dict_find(locator, state.importlib, "ModuleSpec");
    if (mm_object_is_type(locator, state.spec)) {
        state.spec_dict = mm_object_word(locator, state.spec, MM_AT_TYPE_DICT);
    }
    uint64_t importer = mm_dict_find(locator, state.importlib, "BuiltinImporter");
    if (mm_object_is_type(locator, importer)) {
        state.importer_dict = mm_object_word(locator, importer, MM_AT_TYPE_DICT);
    }
    uint32_t passed = 0;
    for (unsigned kind = 1; kind < MM_KIND_COUNT; ++kind) {
        if (type_of[kind] != 0 && check_kind(&state, (mm_kind)kind)) {
            passed |= (uint32_t)1 << kind;
        }
    }
    return passed;
}
