// How many entries a container takes at most, where it says so: a deque's maxlen behind its blocks,
// and the attribute by which a cache that is written in Python says it. A cache that is still
// filling looks like a leak in everything else.
//
// The attribute is known by its name alone, so that it is believed for what it says only as long as
// there are no more entries than that: see mm_growing_is_bounded(). A leaking list beside an
// attribute `max_retries` is not excused by it.
#include "capture/walker.h"

enum {
    NAME_BYTES = 48,
    ENDING_BYTES = 12,
    KEYS_LOOKED_AT = 64,
    SAID_MAX = 1 << 16  ///< a class of many instances is no cache
};

/// What the name ends with, in lower case and without underscores. No pointers: see blob.c.
static const char endings[][ENDING_BYTES] = {
    "maxsize",  "maxlen",     "maxlength", "maxentries", "maxitems", "maxkeys",
    "maxcount", "maxobjects", "sizelimit", "threshold",  "capacity",
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

static bool names_bound(const char *name, size_t length) {
    char plain[NAME_BYTES];
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        if (name[i] != '_') {
            plain[count++] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
        }
    }
    for (size_t i = 0; i < MM_COUNTOF(endings); i++) {
        size_t ending = mm_text_length(endings[i], NAME_BYTES);
        if (count >= ending && mm_same(plain + count - ending, endings[i], ending)) {
            return true;
        }
    }
    return false;
}

// The first key that names a bound; false where there is none.
static bool bound_key(mm_walker *walker, const mm_dict_view *view, char name[NAME_BYTES]) {
    for (uint64_t i = 0; i < view->count && i < KEYS_LOOKED_AT; i++) {
        size_t length = str_copy(walker, dict_key(view, i), name, NAME_BYTES);
        if (length > 0 && names_bound(name, length)) {
            return true;
        }
    }
    return false;
}

// Name of the attribute by which the instances of a class say it, or NULL.
static const char *bound_attribute(mm_walker *walker, const mm_type_info *info) {
    mm_dict_view view;
    char name[NAME_BYTES];
    if (!info->managed_dict || info->keys == 0 || !keys_view(walker, info->keys, &view) ||
        !bound_key(walker, &view, name)) {
        return NULL;
    }
    char *copy = MM_ARENA_NEW(&walker->arena, char, sizeof name);
    if (copy != NULL) {
        mm_copy(copy, name, sizeof name);
    }
    return copy;
}

// An OrderedDict's subclass has its attributes in a dict of the object's own.
static bool has_own_dict(const mm_type_info *info) {
    return info->python_class && info->kind == MM_KIND_ORDERED_DICT && !info->managed_dict;
}

static uint64_t own_dict_value(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    mm_dict_view view;
    char name[NAME_BYTES];
    uint64_t at = address + load_word(type->address + AT(walker, TYPE_DICTOFFSET));
    uint64_t dict = is_readable(walker, at, 8) ? load_word(at) : 0;
    bool laid_open = dict != 0 && is_aligned(dict) &&
                     is_readable(walker, dict, OBJECT_HEAD_BYTES) &&
                     is_kind(walker, dict, MM_KIND_DICT) && dict_view(walker, dict, &view);
    return laid_open && bound_key(walker, &view, name) ? dict_get(walker, dict, name) : 0;
}

void bound_resolve(mm_walker *walker, mm_type_info *info) {
    info->bound_offset = info->kind == MM_KIND_FOREIGN ? offset_of(walker, info) : 0;
    info->bound_name = info->python_class ? bound_attribute(walker, info) : NULL;
    info->has_bound = info->bound_offset != 0 || info->bound_name != NULL || has_own_dict(info);
}

// That of an unbounded deque is negative.
static bool word_bound(mm_walker *walker, const mm_type_info *type, uint64_t address,
                       uint64_t *ret) {
    if (!is_readable(walker, address, type->bound_offset + 8)) {
        return false;
    }
    *ret = load_word(address + type->bound_offset);
    return load_word(address + OBJECT_HEAD_BYTES) <= *ret;
}

static bool attribute_bound(mm_walker *walker, const mm_type_info *type, uint64_t address,
                            uint64_t *ret) {
    if (walker->bounds_said >= SAID_MAX) {
        return false;
    }
    walker->bounds_said++;
    uint64_t value = type->bound_name != NULL
                         ? attribute_get(walker, type, address, type->bound_name)
                         : own_dict_value(walker, type, address);
    return value != 0 && is_aligned(value) && is_readable(walker, value, OBJECT_HEAD_BYTES) &&
           int_value(walker, value, ret) && *ret != 0;
}

void bound_say(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    uint64_t bound = 0;
    MM_ASSERT(type->has_bound);
    bool found = type->bound_offset != 0 ? word_bound(walker, type, address, &bound)
                                         : attribute_bound(walker, type, address, &bound);
    if (found && bound <= INT64_MAX) {
        mm_writer_fact(walker->writer, find_found(walker, address), MM_FACT_BOUND, bound);
    }
}
