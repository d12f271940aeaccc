// How many entries a container takes at most, where it says so: a deque's maxlen behind its blocks,
// and the attribute, slot or class constant by which a cache that is written in Python says it. A
// cache that is still filling looks like a leak in everything else.
//
// Names come in two strengths. `maxsize` is a bound whatever the class does with it; `n`, `size`,
// `limit` or `max_rows` are one only where a method of the class names them beside `len` or beside
// something that evicts: a leaking list beside an attribute `timeout` or `size` is not excused. A
// size in bytes is one only where the method takes something out as well. The first are written as
// MM_FACT_BOUND, the others as MM_FACT_LIMIT. Both are believed only as long as there are no more
// entries than that, and the second only of a container that the class measures: see
// mm_growing_is_bounded(). What functions say beside their containers is in limits.c.
//
// A type of C that is not listed here says nothing: how its struct counts nobody knows.
#include "capture/walker.h"

enum {
    NAME_BYTES = MM_BOUND_NAME_BYTES,
    KEYS_LOOKED_AT = 64,
    CLASS_KEYS_MAX = 1 << 12,
    BASES_LOOKED_AT = 8,
    BOUND_MOST = 1 << 27,      ///< nobody keeps so many entries: it is a time, or sys.maxsize
    NUMBERS_MAX = 8,           ///< of a class
    SAID_MAX = 1 << 16,        ///< a class of many instances is no cache
    OWN_DICTS_ASKED = 1 << 10  ///< whose class is read once more for each of them
};

// Where the objects of a type of C have it; 0 = they do not. A deque's maxlen lies behind its
// blocks, indices and state.
static uint64_t offset_of(mm_walker *walker, const mm_type_info *info) {
    static const char deque[] = "collections.deque";
    enum { MAXLEN = 64 };
    char name[sizeof deque + 1];
    (void)c_text_copy(walker, load_word(info->solid + AT(walker, TYPE_NAME)), name, sizeof name);
    bool has_one = mm_text_same(name, deque, sizeof deque) && info->basic_bytes >= MAXLEN + 8;
    return has_one ? (uint64_t)MAXLEN : 0;
}

// What methods say of a name ---------------------------------------------------------------------

// Does a method of the class measure or evict by this attribute? Decorated ones included.
static bool class_measures(mm_walker *walker, const mm_type_info *info, const char *name) {
    uint64_t type = info->address;
    for (unsigned i = 0; i < BASES_LOOKED_AT && type != 0 && type != info->solid; i++) {
        mm_dict_view view;
        uint64_t dict = load_word(type + AT(walker, TYPE_DICT));
        bool sound = dict != 0 && is_aligned(dict) && dict_view(walker, dict, &view);
        for (uint64_t at = 0; sound && at < view.count && at < CLASS_KEYS_MAX; at++) {
            if (function_measures(walker, dict_value(&view, at), name)) {
                return true;
            }
        }
        type = type_base(walker, type);
    }
    return false;
}

// Numbers of a class, and their names ------------------------------------------------------------

typedef struct number_list {
    mm_bound_number items[NUMBERS_MAX];
    uint32_t count;
} number_list;

static void number_add(number_list *list, const char *name, size_t length, uint16_t slot,
                       uint64_t constant) {
    mm_bound_strength strength = bound_word(name, length);
    if (strength == MM_BOUND_NOT || list->count >= NUMBERS_MAX) {
        return;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (mm_text_same(list->items[i].name, name, NAME_BYTES)) {
            return;
        }
    }
    mm_bound_number *number = &list->items[list->count++];
    mm_copy(number->name, name, length);
    number->name[length] = '\0';
    number->slot = slot;
    number->constant = constant;
    number->strength = strength;
}

static void shared_keys_add(mm_walker *walker, const mm_type_info *info, number_list *list) {
    mm_dict_view view;
    char name[NAME_BYTES];
    if (!info->managed_dict || info->keys == 0 || !keys_view(walker, info->keys, &view)) {
        return;
    }
    for (uint64_t i = 0; i < view.count && i < KEYS_LOOKED_AT; i++) {
        size_t length = str_copy(walker, dict_key(&view, i), name, sizeof name);
        number_add(list, name, length, 0, 0);
    }
}

static void slot_add(mm_walker *walker, void *context, uint64_t offset, uint64_t member) {
    char name[NAME_BYTES];
    size_t length = c_text_copy(walker, member, name, sizeof name);
    number_add(context, name, length, (uint16_t)offset, 0);
}

// Ints in the namespaces of a class and its bases: what an instance does not have of its own.
static void constants_add(mm_walker *walker, uint64_t type, number_list *list) {
    mm_dict_view view;
    char name[NAME_BYTES];
    uint64_t dict = load_word(type + AT(walker, TYPE_DICT));
    if (dict == 0 || !is_aligned(dict) || !dict_view(walker, dict, &view)) {
        return;
    }
    for (uint64_t i = 0; i < view.count && i < CLASS_KEYS_MAX; i++) {
        uint64_t value = dict_value(&view, i);
        if (is_object_of(walker, value, MM_KIND_INT)) {
            size_t length = str_copy(walker, dict_key(&view, i), name, sizeof name);
            number_add(list, name, length, 0, value);
        }
    }
}

// The weak ones that no method asks for go; the strong ones come first.
static void numbers_keep(mm_walker *walker, mm_type_info *info, const number_list *list) {
    mm_bound_number *kept = MM_ARENA_NEW(&walker->arena, mm_bound_number, list->count);
    if (kept == NULL) {
        walker_fail(walker, MM_E_NOMEM);
        return;
    }
    info->numbers = kept;
    for (unsigned strength = MM_BOUND_SURE; strength > MM_BOUND_NOT; strength--) {
        for (uint32_t i = 0; i < list->count; i++) {
            const mm_bound_number *number = &list->items[i];
            if (number->strength == strength &&
                (strength == MM_BOUND_SURE || class_measures(walker, info, number->name))) {
                kept[info->number_count++] = *number;
            }
        }
    }
}

static void numbers_resolve(mm_walker *walker, mm_type_info *info) {
    number_list list;
    list.count = 0;  // an initialiser would call memset
    shared_keys_add(walker, info, &list);
    uint64_t type = info->address;
    for (unsigned i = 0; i < BASES_LOOKED_AT && type != 0 && type != info->solid; i++) {
        type_members_each(walker, type, slot_add, &list);
        constants_add(walker, type, &list);
        type = type_base(walker, type);
    }
    if (list.count > 0) {
        numbers_keep(walker, info, &list);
    }
}

// An OrderedDict's subclass has its attributes in a dict of the object's own.
static bool has_own_dict(const mm_type_info *info) {
    return info->python_class && info->kind == MM_KIND_ORDERED_DICT && !info->managed_dict;
}

void bound_resolve(mm_walker *walker, mm_type_info *info) {
    info->bound_offset = info->kind == MM_KIND_FOREIGN ? offset_of(walker, info) : 0;
    if (info->python_class) {
        numbers_resolve(walker, info);
    }
    if (info->kind == MM_KIND_FUNCTION) {
        info->bound_offset = limit_defaults(walker, info);
    }
    info->has_bound = info->bound_offset != 0 || info->number_count > 0 || has_own_dict(info) ||
                      info->kind == MM_KIND_FUNCTION || info->metatype;
}

// Values -----------------------------------------------------------------------------------------

// That of an unbounded deque is negative.
static bool word_bound(mm_walker *walker, const mm_type_info *type, uint64_t address,
                       uint64_t *ret) {
    if (!is_readable(walker, address, type->bound_offset + 8)) {
        return false;
    }
    *ret = load_word(address + type->bound_offset);
    return load_word(address + OBJECT_HEAD_BYTES) <= *ret;
}

bool bound_value(mm_walker *walker, uint64_t value, uint64_t *ret) {
    return is_object_of(walker, value, MM_KIND_INT) && int_value(walker, value, ret) && *ret != 0 &&
           *ret <= BOUND_MOST;
}

static uint64_t own_dict(mm_walker *walker, const mm_type_info *type, uint64_t address,
                         mm_dict_view *view) {
    uint64_t at = address + load_word(type->address + AT(walker, TYPE_DICTOFFSET));
    uint64_t dict = is_readable(walker, at, 8) ? load_word(at) : 0;
    return is_object_of(walker, dict, MM_KIND_DICT) && dict_view(walker, dict, view) ? dict : 0;
}

// The first number in an object's own dict that is a bound, by its name and what methods do.
static mm_bound_strength own_dict_bound(mm_walker *walker, const mm_type_info *type,
                                        uint64_t address, uint64_t *ret) {
    mm_dict_view view;
    char name[NAME_BYTES];
    uint64_t dict = own_dict(walker, type, address, &view);
    mm_bound_strength found = MM_BOUND_NOT;
    for (uint64_t i = 0; dict != 0 && i < view.count && i < KEYS_LOOKED_AT; i++) {
        uint64_t value = 0;
        size_t length = str_copy(walker, dict_key(&view, i), name, sizeof name);
        mm_bound_strength strength = bound_word(name, length);
        if (strength <= found || !bound_value(walker, dict_value(&view, i), &value)) {
            continue;
        }
        if (strength == MM_BOUND_SURE ||
            (walker->bounds_said <= OWN_DICTS_ASKED && class_measures(walker, type, name))) {
            found = strength;
            *ret = value;
        }
    }
    return found;
}

static uint64_t number_object(mm_walker *walker, const mm_type_info *type, uint64_t address,
                              const mm_bound_number *number) {
    if (number->slot != 0) {
        uint64_t at = address + number->slot;
        return is_readable(walker, at, 8) ? load_word(at) : 0;
    }
    uint64_t own = attribute_get(walker, type, address, number->name);
    return own != 0 ? own : number->constant;
}

static mm_bound_strength number_bound(mm_walker *walker, const mm_type_info *type, uint64_t address,
                                      uint64_t *ret) {
    for (uint32_t i = 0; i < type->number_count; i++) {
        uint64_t value = number_object(walker, type, address, &type->numbers[i]);
        if (bound_value(walker, value, ret)) {
            return type->numbers[i].strength;
        }
    }
    return MM_BOUND_NOT;
}

// A table in a class's namespace, and a number there by which a method measures.
static void class_say(mm_walker *walker, uint64_t address) {
    number_list list;
    list.count = 0;  // an initialiser would call memset
    mm_type_info of_class = {.address = address};
    uint64_t bound = 0;
    if (!is_readable(walker, address, AT(walker, HEAPTYPE_SIZEOF)) ||
        !type_is_heap(walker, address)) {
        return;
    }
    constants_add(walker, address, &list);
    for (uint32_t i = 0; i < list.count; i++) {
        if (bound_value(walker, list.items[i].constant, &bound) &&
            class_measures(walker, &of_class, list.items[i].name)) {
            mm_writer_fact(walker->writer, find_found(walker, address), MM_FACT_LIMIT, bound);
            return;
        }
    }
}

void bound_say(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    uint64_t bound = 0;
    MM_ASSERT(type->has_bound);
    if (type->kind == MM_KIND_FUNCTION) {
        limit_say(walker, type, address);
        return;
    }
    if (type->metatype) {
        class_say(walker, address);
        return;
    }
    mm_bound_strength found = MM_BOUND_NOT;
    if (type->bound_offset != 0) {
        bool says = word_bound(walker, type, address, &bound) && bound <= INT64_MAX;
        found = says ? MM_BOUND_SURE : MM_BOUND_NOT;
    } else if (walker->bounds_said < SAID_MAX) {
        walker->bounds_said++;
        found = number_bound(walker, type, address, &bound);
        if (found != MM_BOUND_SURE && has_own_dict(type)) {
            mm_bound_strength own = own_dict_bound(walker, type, address, &bound);
            found = own > found ? own : found;
        }
    }
    if (found != MM_BOUND_NOT) {
        mm_fact fact = found == MM_BOUND_SURE ? MM_FACT_BOUND : MM_FACT_LIMIT;
        mm_writer_fact(walker->writer, find_found(walker, address), fact, bound);
    }
}
