// A table of the interpreter's state is right for one micro release. Its neighbours insert a field
// here and drop one there, so what stands between two insertions moves as a block. Some fields can
// be told by what they hold, wherever they are: these are the anchors. A field of the table is
// believed to be where the anchors on both sides of it say, if they say the same.
//
//   table   garbage  callbacks ... modules ... builtins_copy ......... ExceptionGroup ... interned
//   found    +0        +0            +0           +0       (disagree)      +16             +16
#include <string.h>

#include "base/free/bytes.h"
#include "locate/roots.h"

enum {
    DRIFT_BYTES = 2048,   ///< an anchor is looked for this far from where it is expected
    BEYOND_BYTES = 4096,  ///< a field with an anchor on one side only must be this near to it
    INTERNED_MIN = 100
};

/// What anchors of one interpreter are compared with.
typedef struct anchor_facts {
    uint64_t modules;
    uint64_t sys;
    uint64_t builtins;
    uint64_t importlib;
    uint64_t import;
    uint64_t len;
} anchor_facts;

typedef enum anchor_sort {
    ANCHOR_GARBAGE,
    ANCHOR_MODULES,
    ANCHOR_SYS,
    ANCHOR_BUILTINS,
    ANCHOR_IMPORTLIB,
    ANCHOR_IMPORT,
    ANCHOR_ERROR_REGISTRY,
    ANCHOR_BUILTINS_COPY,
    ANCHOR_DEFAULT_ACTION,
    ANCHOR_EXCEPTION_GROUP,
    ANCHOR_LEN,
    ANCHOR_INTERNED
} anchor_sort;

static const struct {
    const char *name;
    anchor_sort sort;
} anchor_names[] = {
    {"gc.garbage", ANCHOR_GARBAGE},
    {"modules", ANCHOR_MODULES},
    {"sysdict", ANCHOR_SYS},
    {"builtins", ANCHOR_BUILTINS},
    {"importlib", ANCHOR_IMPORTLIB},
    {"import_func", ANCHOR_IMPORT},
    {"codec_error_registry", ANCHOR_ERROR_REGISTRY},
    {"builtins_copy", ANCHOR_BUILTINS_COPY},
    {"warnings.default_action", ANCHOR_DEFAULT_ACTION},
    {"exc_state.PyExc_ExceptionGroup", ANCHOR_EXCEPTION_GROUP},
    {"callable_cache.len", ANCHOR_LEN},
    {"interned", ANCHOR_INTERNED},
};

bool mm_dict_is_interned(mm_locator *locator, uint64_t object) {
    mm_dict_peek view;
    uint64_t key = 0;
    uint64_t value = 0;
    if (!mm_dict_open(locator, object, &view) || view.used < INTERNED_MIN) {
        return false;
    }
    uint64_t same = 0;
    for (uint64_t i = 0; i < view.count && i < INTERNED_MIN; ++i) {
        if (mm_dict_entry(locator, &view, i, &key, &value)) {
            if (key != value) {
                return false;
            }
            ++same;
        }
    }
    return same > 0;
}

static bool anchor_is_exception_group(mm_locator *locator, uint64_t object) {
    char name[16];
    return mm_object_is_type(locator, object) &&
           mm_peek_text(locator, mm_object_word(locator, object, MM_AT_TYPE_NAME), name,
                        sizeof name) &&
           strcmp(name, "ExceptionGroup") == 0;
}

static bool anchor_holds(mm_locator *locator, const anchor_facts *facts, anchor_sort sort,
                         uint64_t object) {
    switch (sort) {
        case ANCHOR_MODULES:
            return object == facts->modules;
        case ANCHOR_SYS:
            return object == facts->sys;
        case ANCHOR_BUILTINS:
            return object == facts->builtins;
        case ANCHOR_IMPORTLIB:
            return object == facts->importlib;
        case ANCHOR_IMPORT:
            return object == facts->import;
        case ANCHOR_LEN:
            return object == facts->len;
        case ANCHOR_ERROR_REGISTRY:
            return mm_dict_find(locator, object, "strict") != 0;
        case ANCHOR_BUILTINS_COPY:
            return object != facts->builtins && mm_dict_find(locator, object, "__import__") != 0;
        case ANCHOR_DEFAULT_ACTION:
            return mm_str_is(locator, object, "default");
        case ANCHOR_EXCEPTION_GROUP:
            return anchor_is_exception_group(locator, object);
        case ANCHOR_INTERNED:
            return mm_dict_is_interned(locator, object);
        case ANCHOR_GARBAGE:
        default:
            return false;  // where it is has been found with the collector's lists
    }
}

static uint64_t anchor_word(const mm_state_copy *state, uint64_t offset) {
    uint64_t word = 0;
    if (offset % 8 == 0 && offset <= state->count && state->count - offset >= 8) {
        memcpy(&word, state->bytes + offset, sizeof word);
    }
    return word;
}

/// Look around `expected`, nearest first.
static bool anchor_search(mm_locator *locator, const mm_state_copy *state,
                          const anchor_facts *facts, anchor_sort sort, uint64_t expected,
                          uint64_t *ret) {
    expected &= ~(uint64_t)7;
    for (uint64_t drift = 0; drift <= DRIFT_BYTES; drift += 8) {
        uint64_t places[2] = {expected + drift, expected - drift};
        for (size_t i = 0; i < 2; ++i) {
            uint64_t word = anchor_word(state, places[i]);
            if (word != 0 && anchor_holds(locator, facts, sort, word)) {
                *ret = places[i];
                return true;
            }
        }
    }
    return false;
}

static anchor_facts anchor_facts_of(mm_locator *locator, uint64_t modules) {
    anchor_facts facts = {.modules = modules};
    facts.sys = mm_module_dict(locator, mm_dict_find(locator, modules, "sys"));
    facts.builtins = mm_module_dict(locator, mm_dict_find(locator, modules, "builtins"));
    facts.importlib = mm_dict_find(locator, modules, "_frozen_importlib");
    facts.import = mm_dict_find(locator, facts.builtins, "__import__");
    facts.len = mm_dict_find(locator, facts.builtins, "len");
    return facts;
}

static void anchor_add(mm_anchors *anchors, uint64_t table_offset, uint64_t actual_offset) {
    // The table's rows come by rising offset.
    MM_ASSERT(anchors->count == 0 ||
              anchors->found[anchors->count - 1].table_offset < table_offset);
    if (anchors->count < ANCHORS_MAX) {
        anchors->found[anchors->count++] = (mm_anchor){table_offset, actual_offset};
    }
}

/// sys.modules of another interpreter: near where the main one has it.
static uint64_t modules_of(mm_locator *locator, size_t index) {
    const mm_state_copy *state = &locator->states[index];
    for (uint64_t at = 0; at < state->count && at < 16384; at += 8) {
        uint64_t word = anchor_word(state, at);
        if (word != 0 && mm_object_isinstance(locator, word, locator->dict_type)) {
            uint64_t sys = mm_dict_find(locator, word, "sys");
            if (sys != 0 && mm_module_dict(locator, sys) != 0 &&
                mm_dict_find(locator, word, "builtins") != 0) {
                return word;
            }
        }
    }
    return 0;
}

void mm_locate_modules(mm_locator *locator) {
    if (locator->layout.minor != 0) {
        locator->modules = modules_of(locator, 0);
    }
}

void mm_anchors_find(mm_locator *locator, size_t index, mm_anchors *ret) {
    MM_ASSERT(locator->table != NULL);
    MM_ASSERT(index < locator->interpreter_count);
    const mm_words *words = &locator->table->interpreter;
    const mm_state_copy *state = &locator->states[index];
    uint64_t modules = index == 0 ? locator->modules : modules_of(locator, index);
    anchor_facts facts = anchor_facts_of(locator, modules);
    uint64_t drift = 0;  // modulo 2^64: may stand for a negative number
    ret->count = 0;
    for (size_t i = 0; i < words->count; ++i) {
        const mm_word_row *row = &words->rows[i];
        for (size_t j = 0; j < MM_COUNTOF(anchor_names); ++j) {
            if (strcmp(row->name, anchor_names[j].name) != 0) {
                continue;
            }
            uint64_t actual = locator->garbage[index] - state->address;
            bool found = anchor_names[j].sort == ANCHOR_GARBAGE
                             ? locator->garbage[index] != 0
                             : anchor_search(locator, state, &facts, anchor_names[j].sort,
                                             row->offset + drift, &actual);
            if (found) {
                anchor_add(ret, row->offset, actual);
                drift = actual - row->offset;
            }
        }
    }
}

bool mm_anchors_place(const mm_anchors *anchors, uint64_t table_offset, uint64_t *ret) {
    const mm_anchor *before = NULL;
    const mm_anchor *after = NULL;
    MM_ASSERT(anchors->count <= ANCHORS_MAX);
    for (size_t i = 0; i < anchors->count; ++i) {
        const mm_anchor *anchor = &anchors->found[i];
        if (anchor->table_offset <= table_offset) {
            before = anchor;
        }
        if (anchor->table_offset >= table_offset && after == NULL) {
            after = anchor;
        }
    }
    const mm_anchor *near = before != NULL ? before : after;
    if (near == NULL) {
        return false;
    }
    uint64_t drift = near->actual_offset - near->table_offset;
    if (before != NULL && after != NULL) {
        if (after->actual_offset - after->table_offset != drift) {
            return false;
        }
    } else {
        uint64_t distance = before != NULL ? table_offset - before->table_offset
                                           : after->table_offset - table_offset;
        if (distance > BEYOND_BYTES) {
            return false;
        }
    }
    *ret = table_offset + drift;
    return true;
}
