// What functions say of the size of a container: a number that a function holds beside `len`, in a
// closure variable, a default, a constant of its module or in its own code:
//
//     def remember(key, value):
//         cache[key] = value
//         if len(cache) > MAX_ENTRIES:        or `maxsize` of a closure, or 10_000
//             cache.popitem()
//
// Nothing is decoded: what a function does is told by the names in its code alone. One that names
// `len` measures something; one that names `popitem` takes something out; a number in its code
// counts only where it does both. That it is this container, which grows, is for the reader to find
// out, who sees what else the function names: MM_FACT_LIMIT is half of the evidence. The largest
// number is taken: `popitem()` ten times where there are more than 1,000. A variable that is called
// `maxsize` needs no `len`, which its function may have bound to another name.
#include "capture/walker.h"

enum {
    NAME_BYTES = MM_BOUND_NAME_BYTES,
    WORD_BYTES = 16,
    NAMES_LOOKED_AT = 256,
    MEASURING_MAX = 1 << 16,  ///< functions that measure: of so many, most are made in a loop
    LEAST = 8,                ///< smaller numbers in code are indices, steps, counts of arguments
    CELL_CONTENTS = OBJECT_HEAD_BYTES
};

// A list of words, as no pointers may stand in the blob: see blob.c.
typedef struct word_list {
    const char (*words)[WORD_BYTES];
    size_t count;
} word_list;

/// Names that end so, in lower case and without underscores, are bounds of containers.
static const char sure_endings[][WORD_BYTES] = {
    "maxsize",  "maxlen",     "maxlength",  "maxentries",  "maxitems", "maxkeys",
    "maxcount", "maxobjects", "sizelimit",  "threshold",   "capacity", "maximumsize",
    "listsize", "cachesize",  "cachelimit", "maxelements", "ringsize", "historysize",
};
/// These may be bounds of anything: somebody must measure by them.
static const char weak_endings[][WORD_BYTES] = {"max", "limit", "size", "bound", "cap"};
static const char weak_beginnings[][WORD_BYTES] = {"max"};
static const char weak_words[][WORD_BYTES] = {"n", "keep", "window", "length", "quota"};
/// Bounds of something else than entries end so.
static const char other_endings[][WORD_BYTES] = {
    "time",    "timeout",  "age",       "delay", "wait",   "seconds", "secs",
    "retries", "attempts", "redirects", "width", "height", "port",    "value",
    "speed",   "rate",     "level",     "int",   "float",  "depth",
};
static const char bytes_endings[][WORD_BYTES] = {"bytes"};
/// What takes entries out; `next` goes with `iter`, the way to the first key of a dict.
static const char removers[][WORD_BYTES] = {
    "pop",     "popitem", "popleft",     "clear",       "remove",
    "discard", "heappop", "heapreplace", "heappushpop", "next",
};
static const char evictors[][WORD_BYTES] = {"evict", "expire", "trim", "prune",
                                            "purge", "shrink", "cull"};

enum { AT_BEGINNING = 1, AT_END = 2 };

static bool is_among(const char *name, size_t length, word_list list, unsigned where) {
    for (size_t i = 0; i < list.count; i++) {
        const char *word = list.words[i];
        size_t count = mm_text_length(word, WORD_BYTES);
        bool fits = where == (AT_BEGINNING | AT_END) ? length == count : length >= count;
        const char *from = where == AT_END && fits ? name + length - count : name;
        if (fits && mm_same(from, word, count)) {
            return true;
        }
    }
    return false;
}
#define AMONG(name, length, list, where) \
    is_among((name), (length), (word_list){(list), MM_COUNTOF(list)}, (where))

// In lower case and without underscores.
static size_t name_plain(const char *name, size_t length, char plain[NAME_BYTES]) {
    size_t count = 0;
    for (size_t i = 0; i < length && count < NAME_BYTES; i++) {
        if (name[i] != '_') {
            plain[count++] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
        }
    }
    return count;
}

mm_bound_strength bound_word(const char *name, size_t length) {
    char plain[NAME_BYTES];
    size_t count = name_plain(name, length, plain);
    if (AMONG(plain, count, sure_endings, AT_END)) {
        return MM_BOUND_SURE;
    }
    if (AMONG(plain, count, other_endings, AT_END)) {
        return MM_BOUND_NOT;
    }
    bool weak = AMONG(plain, count, weak_endings, AT_END) ||
                AMONG(plain, count, weak_beginnings, AT_BEGINNING) ||
                AMONG(plain, count, weak_words, AT_BEGINNING | AT_END);
    if (!weak) {
        return MM_BOUND_NOT;
    }
    return AMONG(plain, count, bytes_endings, AT_END) ? MM_BOUND_BYTES : MM_BOUND_MAYBE;
}

// Functions --------------------------------------------------------------------------------------

/// Items of a tuple, laid open.
typedef struct tuple_view {
    uint64_t items;
    uint64_t count;
} tuple_view;

static bool tuple_open(mm_walker *walker, uint64_t tuple, tuple_view *ret) {
    if (tuple == 0 || !is_aligned(tuple) || !is_readable(walker, tuple, AT(walker, OB_SIZE) + 8u) ||
        !is_kind(walker, tuple, MM_KIND_TUPLE)) {
        return false;
    }
    ret->items = tuple + AT(walker, TUPLE_ITEMS);
    ret->count = load_word(tuple + AT(walker, OB_SIZE));
    ret->count = ret->count < NAMES_LOOKED_AT ? ret->count : NAMES_LOOKED_AT;
    return is_readable(walker, ret->items, ret->count * 8);
}

static uint64_t tuple_at(const tuple_view *view, uint64_t i) {
    MM_ASSERT(i < view->count);
    return load_word(view->items + i * 8);
}

// Code of a function, with all of its fixed words readable; or 0.
static uint64_t function_code(mm_walker *walker, uint64_t function) {
    uint64_t at = function + AT(walker, FUNCTION_CODE);
    uint64_t code = is_readable(walker, at, 8) ? load_word(at) : 0;
    return is_object_of(walker, code, MM_KIND_CODE) &&
                   is_readable(walker, code, AT(walker, CODE_ADAPTIVE))
               ? code
               : 0;
}

// Names in code are interned: there is one `len`, and it is found by its address.
static bool names_length(mm_walker *walker, const tuple_view *names) {
    for (uint64_t i = 0; i < names->count; i++) {
        uint64_t name = tuple_at(names, i);
        if (walker->length_name == 0 && name != 0 && str_is(walker, name, "len")) {
            walker->length_name = name;
        }
        if (name == walker->length_name && name != 0) {
            return true;
        }
    }
    return false;
}

static bool names_evictor(mm_walker *walker, const tuple_view *names) {
    char name[NAME_BYTES];
    char plain[NAME_BYTES];
    for (uint64_t i = 0; i < names->count; i++) {
        size_t length = str_copy(walker, tuple_at(names, i), name, sizeof name);
        if (AMONG(plain, name_plain(name, length, plain), evictors, AT_BEGINNING)) {
            return true;
        }
    }
    return false;
}

static bool names_remover(mm_walker *walker, const tuple_view *names) {
    char name[NAME_BYTES];
    for (uint64_t i = 0; i < names->count; i++) {
        size_t length = str_copy(walker, tuple_at(names, i), name, sizeof name);
        if (AMONG(name, length, removers, AT_BEGINNING | AT_END)) {
            return true;
        }
    }
    return names_evictor(walker, names);
}

static bool names_this(mm_walker *walker, const tuple_view *names, const char *name) {
    for (uint64_t i = 0; i < names->count; i++) {
        if (tuple_at(names, i) != 0 && str_is(walker, tuple_at(names, i), name)) {
            return true;
        }
    }
    return false;
}

static bool code_measures(mm_walker *walker, uint64_t code, const char *name) {
    tuple_view names;
    if (code == 0 || !tuple_open(walker, load_word(code + AT(walker, CODE_NAMES)), &names) ||
        !names_this(walker, &names, name)) {
        return false;
    }
    if (bound_word(name, mm_text_length(name, NAME_BYTES)) == MM_BOUND_BYTES &&
        !names_remover(walker, &names)) {
        return false;
    }
    return names_length(walker, &names) || names_evictor(walker, &names);
}

static uint64_t closure_of(mm_walker *walker, uint64_t function, tuple_view *ret) {
    uint64_t at = function + AT(walker, FUNCTION_CLOSURE);
    bool open = is_readable(walker, at, 8) && tuple_open(walker, load_word(at), ret);
    return open ? ret->count : 0;
}

static uint64_t cell_content(mm_walker *walker, uint64_t cell) {
    return is_readable(walker, cell, CELL_CONTENTS + 8) && is_object_of(walker, cell, MM_KIND_CELL)
               ? load_word(cell + CELL_CONTENTS)
               : 0;
}

// The function in a class's namespace: a staticmethod, classmethod or property begins with it.
static uint64_t function_inside(mm_walker *walker, uint64_t object) {
    bool wraps = is_object_of(walker, object, MM_KIND_CLASSMETHOD) ||
                 is_object_of(walker, object, MM_KIND_STATICMETHOD) ||
                 is_object_of(walker, object, MM_KIND_PROPERTY);
    bool open = wraps && is_readable(walker, object, OBJECT_HEAD_BYTES + 8);
    return open ? load_word(object + OBJECT_HEAD_BYTES) : object;
}

bool function_measures(mm_walker *walker, uint64_t object, const char *name) {
    tuple_view cells;
    object = function_inside(walker, object);
    if (!is_object_of(walker, object, MM_KIND_FUNCTION)) {
        return false;
    }
    if (code_measures(walker, function_code(walker, object), name)) {
        return true;
    }
    uint64_t count = closure_of(walker, object, &cells);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t inner = cell_content(walker, tuple_at(&cells, i));
        if (is_object_of(walker, inner, MM_KIND_FUNCTION) &&
            code_measures(walker, function_code(walker, inner), name)) {
            return true;
        }
    }
    return false;
}

// Numbers ----------------------------------------------------------------------------------------

/// The best number so far: named ones before those of the code, of equals the largest.
typedef struct limit_number {
    mm_bound_strength strength;
    uint64_t value;
} limit_number;

static void number_take(mm_walker *walker, mm_bound_strength strength, uint64_t object,
                        limit_number *best) {
    uint64_t value = 0;
    if (!bound_value(walker, object, &value) || value < LEAST) {
        return;
    }
    if (strength > best->strength || (strength == best->strength && value > best->value)) {
        *best = (limit_number){strength, value};
    }
}

// A variable's value, if that is a number and the variable's name a bound's.
static void variable_take(mm_walker *walker, uint64_t text, uint64_t object, limit_number *best) {
    char name[NAME_BYTES];
    if (is_object_of(walker, object, MM_KIND_INT)) {
        mm_bound_strength strength = bound_word(name, str_copy(walker, text, name, sizeof name));
        if (strength != MM_BOUND_NOT) {
            number_take(walker, strength, object, best);
        }
    }
}

// Variables of a code object, of which the last are those that a closure brings.
static bool variables_open(mm_walker *walker, uint64_t code, tuple_view *ret) {
    return tuple_open(walker, load_word(code + AT(walker, CODE_LOCALSPLUSNAMES)), ret);
}

static void closure_take(mm_walker *walker, uint64_t function, uint64_t code, limit_number *best) {
    tuple_view variables;
    tuple_view cells;
    uint64_t count = closure_of(walker, function, &cells);
    if (count == 0 || !variables_open(walker, code, &variables) || variables.count < count) {
        return;
    }
    uint64_t first = variables.count - count;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t content = cell_content(walker, tuple_at(&cells, i));
        variable_take(walker, tuple_at(&variables, first + i), content, best);
    }
}

static void defaults_take(mm_walker *walker, uint64_t defaults_at, uint64_t code,
                          limit_number *best) {
    tuple_view variables;
    tuple_view defaults;
    uint64_t arguments = code_count(walker, code, MM_AT_CODE_ARGCOUNT);
    if (!is_readable(walker, defaults_at, 8) ||
        !tuple_open(walker, load_word(defaults_at), &defaults) ||
        !variables_open(walker, code, &variables) || arguments > variables.count ||
        defaults.count > arguments) {
        return;
    }
    for (uint64_t i = 0; i < defaults.count; i++) {
        uint64_t name = tuple_at(&variables, arguments - defaults.count + i);
        variable_take(walker, name, tuple_at(&defaults, i), best);
    }
}

// Constants of the module that the code names.
static void globals_take(mm_walker *walker, uint64_t function, const tuple_view *names,
                         limit_number *best) {
    uint64_t at = function + AT(walker, FUNCTION_GLOBALS);
    uint64_t globals = is_readable(walker, at, 8) ? load_word(at) : 0;
    char name[NAME_BYTES];
    if (!is_object_of(walker, globals, MM_KIND_DICT)) {
        return;
    }
    for (uint64_t i = 0; i < names->count; i++) {
        size_t length = str_copy(walker, tuple_at(names, i), name, sizeof name);
        mm_bound_strength strength = bound_word(name, length);
        if (strength != MM_BOUND_NOT) {
            strength = strength == MM_BOUND_SURE ? MM_BOUND_MAYBE : strength;
            number_take(walker, strength, dict_get(walker, globals, name), best);
        }
    }
}

static void constants_take(mm_walker *walker, uint64_t code, limit_number *best) {
    tuple_view constants;
    if (!tuple_open(walker, load_word(code + AT(walker, CODE_CONSTS)), &constants)) {
        return;
    }
    for (uint64_t i = 0; i < constants.count; i++) {
        if (is_object_of(walker, tuple_at(&constants, i), MM_KIND_INT)) {
            number_take(walker, MM_BOUND_NOT, tuple_at(&constants, i), best);
        }
    }
}

uint64_t limit_defaults(mm_walker *walker, const mm_type_info *info) {
    const mm_field *fields = MM_TARGET_AT(walker->target, fields, mm_field);
    for (uint32_t i = info->field_start; i < info->field_start + info->field_count; i++) {
        if (mm_text_same(mm_target_text(walker->target, fields[i].name), "__defaults__",
                         NAME_BYTES)) {
            return fields[i].offset;
        }
    }
    return 0;
}

void limit_say(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    tuple_view names;
    limit_number best = {MM_BOUND_NOT, 0};
    uint64_t code = function_code(walker, address);
    if (code == 0 || walker->limits_said >= MEASURING_MAX ||
        !tuple_open(walker, load_word(code + AT(walker, CODE_NAMES)), &names)) {
        return;
    }
    bool measures = names_length(walker, &names);
    closure_take(walker, address, code, &best);
    if (type->bound_offset != 0) {
        defaults_take(walker, address + type->bound_offset, code, &best);
    }
    if (!measures && best.strength != MM_BOUND_SURE) {
        return;
    }
    walker->limits_said++;
    globals_take(walker, address, &names, &best);
    bool removes = best.strength < MM_BOUND_MAYBE && names_remover(walker, &names);
    if (best.strength == MM_BOUND_NOT && removes) {
        constants_take(walker, code, &best);
    }
    bool held = best.strength != MM_BOUND_BYTES || removes;
    mm_writer_fact(walker->writer, find_found(walker, address), MM_FACT_LIMIT,
                   held ? best.value : 0);
}
