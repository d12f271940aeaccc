// From 3.12 on static types keep what differs between interpreters in an array of the interpreter's
// state:
//
//   type object: tp_subclasses = index + 1     interp->types: [index] {type, dict, subclasses, ..}
//
// The array is found by that circle: an element whose `type` holds the element's own number. So it
// does not matter where a micro release has put it; only the element's own shape comes from the
// table.
#include <string.h>

#include "base/free/sort.h"
#include "locate/locator.h"

enum { STATIC_TYPES_MAX = 512 };

/// Shape of an element, and one interpreter's state.
typedef struct static_array {
    const mm_state_copy *state;
    uint32_t element_bytes;
    uint32_t type;
    uint32_t dict;
    uint32_t subclasses;
} static_array;

static uint64_t static_word(const static_array *array, uint64_t offset) {
    uint64_t word = 0;
    if (offset <= array->state->count && array->state->count - offset >= 8) {
        memcpy(&word, array->state->bytes + offset, sizeof word);
    }
    return word;
}

/// Is element `index` of the array at `offset` in use, by a type that knows its number?
static bool static_fits(mm_locator *locator, const static_array *array, uint64_t offset,
                        uint64_t index) {
    uint64_t type = static_word(array, offset + index * array->element_bytes + array->type);
    return mm_object_is_type(locator, type) &&
           mm_object_word(locator, type, MM_AT_TYPE_SUBCLASSES) == index + 1;
}

/// Where the array that has `type` in it begins; SIZE_MAX when nowhere.
static uint64_t static_search(mm_locator *locator, const static_array *array, uint64_t type) {
    uint64_t index = mm_object_word(locator, type, MM_AT_TYPE_SUBCLASSES) - 1;
    if (index >= STATIC_TYPES_MAX) {
        return SIZE_MAX;
    }
    uint64_t skip = index * array->element_bytes + array->type;
    for (uint64_t at = skip; at + 8 <= array->state->count; at += 8) {
        if (static_word(array, at) == type && static_fits(locator, array, at - skip, 0) &&
            static_fits(locator, array, at - skip, index)) {
            return at - skip;
        }
    }
    return SIZE_MAX;
}

static void static_take(mm_locator *locator, const static_array *array, uint64_t offset,
                        uint32_t count, uint32_t interpreter) {
    for (uint64_t i = 0; i < count; ++i) {
        uint64_t at = offset + i * array->element_bytes;
        uint64_t dict = static_word(array, at + array->dict);
        uint64_t subclasses = static_word(array, at + array->subclasses);
        if (!static_fits(locator, array, offset, i) ||
            locator->static_dict_count == STATIC_DICTS_MAX) {
            continue;
        }
        mm_static_dict *one = &locator->static_dicts[locator->static_dict_count++];
        one->type = static_word(array, at + array->type);
        one->dict = mm_object_is(locator, dict) ? dict : 0;
        one->subclasses = mm_object_is(locator, subclasses) ? subclasses : 0;
        one->interpreter = interpreter;
        if (interpreter == 0) {
            mm_root_add_type(locator, one->type);
        }
    }
}

static void static_of(mm_locator *locator, uint32_t interpreter) {
    MM_ASSERT(locator->table != NULL);
    MM_ASSERT(interpreter < locator->interpreter_count);
    const uint32_t *place = locator->table->place;
    static_array array = {
        .state = &locator->states[interpreter],
        .element_bytes = place[MM_PLACE_STATIC_SIZEOF],
        .type = place[MM_PLACE_STATIC_TYPE],
        .dict = place[MM_PLACE_STATIC_DICT],
        .subclasses = place[MM_PLACE_STATIC_SUBCLASSES],
    };
    uint64_t builtins = place[MM_PLACE_STATIC_BUILTINS];
    uint64_t extensions = place[MM_PLACE_STATIC_EXTENSIONS];
    uint64_t distance = extensions - builtins;
    uint32_t builtin_count = place[MM_PLACE_STATIC_BUILTINS_COUNT];
    if (!static_fits(locator, &array, builtins, 0) || !static_fits(locator, &array, builtins, 1)) {
        builtins = static_search(locator, &array, locator->object_type);
        if (builtins == SIZE_MAX) {
            return;
        }
    }
    static_take(locator, &array, builtins, builtin_count, interpreter);
    if (place[MM_PLACE_STATIC_EXTENSIONS] != MM_PLACE_NONE) {
        // The second array follows the first at a distance that has not changed; if it had, no
        // element would fit.
        static_take(locator, &array, builtins + distance, place[MM_PLACE_STATIC_EXTENSIONS_COUNT],
                    interpreter);
    }
}

static bool static_before(const void *a, const void *b, const void *context) {
    const mm_static_dict *left = a;
    const mm_static_dict *right = b;
    (void)context;
    return left->type != right->type ? left->type < right->type
                                     : left->interpreter < right->interpreter;
}

void mm_locate_static_dicts(mm_locator *locator) {
    if (mm_place_of(locator, MM_PLACE_STATIC_SIZEOF) == MM_PLACE_NONE) {
        return;
    }
    for (size_t i = 0; i < locator->interpreter_count; ++i) {
        if (!locator->interpreters[i].own_lock) {
            static_of(locator, (uint32_t)i);
        }
    }
    mm_static_dict *buffer =
        MM_ARENA_NEW(locator->arena, mm_static_dict, locator->static_dict_count);
    if (buffer == NULL) {
        locator->static_dict_count = 0;  // unsorted they could not be found
        return;
    }
    mm_sort(locator->static_dicts, buffer, locator->static_dict_count, sizeof *buffer,
            static_before, NULL);
}
