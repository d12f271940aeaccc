// References from outside the heap, by name where the name is certain. A word counts as a reference
// only if a live object is there; what stands on free lists has no count left and drops out.
#include "locate/roots.h"

#include <string.h>

#include "base/free/bytes.h"

enum {
    NAME_ROOM = 160,
    ATEXIT_MAX = 10240,        ///< of three roots each: some must be left for threads
    ATEXIT_NUMBERED_MAX = 64,  ///< those after them have one name, for names fill the pool
    GAP_BYTES_MAX = 8192,      ///< stretch between disagreeing anchors that is scanned word by word
    BLIND_BYTES_MAX = 16384,   ///< of a state without a table
    PREFIX_ROOM = 4096,
    SCAN_WORDS = PEEK_PAGE_BYTES / 8
};

/// A name under construction.
typedef struct name_text {
    char text[NAME_ROOM];
    size_t count;
} name_text;

static void name_add(name_text *name, const char *text, size_t limit) {
    MM_ASSERT(name->count < NAME_ROOM);
    size_t count = mm_text_length(text, limit);
    if (count >= NAME_ROOM - name->count) {
        count = NAME_ROOM - 1 - name->count;
    }
    memcpy(name->text + name->count, text, count);
    name->count += count;
    name->text[name->count] = '\0';
}

static void name_add_number(name_text *name, uint64_t number, unsigned base) {
    char digits[24];
    size_t at = sizeof digits;
    digits[--at] = '\0';
    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number != 0 && at > 0);
    name_add(name, digits + at, sizeof digits);
}

/// The row's name, with the index between its brackets.
static uint32_t row_name(mm_locator *locator, const mm_word_row *row, size_t index) {
    name_text name = {.count = 0};
    const char *bracket = strstr(row->name, "[]");
    if (bracket == NULL) {
        return mm_locator_text(locator, row->name);
    }
    name_add(&name, row->name, (size_t)(bracket - row->name) + 1);
    name_add_number(&name, index, 10);
    name_add(&name, bracket + 1, NAME_ROOM);
    return mm_locator_text(locator, name.text);
}

/// `root` but for its name.
static void root_take(mm_locator *locator, mm_root root, uint32_t name) {
    MM_ASSERT(root.object != 0);
    MM_ASSERT(name < locator->text_bytes);
    if (locator->root_count == ROOTS_MAX) {
        locator->roots_dropped++;
        return;
    }
    root.name = name;
    locator->roots[locator->root_count++] = root;
}

void mm_root_add(mm_locator *locator, mm_root_kind kind, uint16_t owner, const char *name,
                 uint64_t object) {
    if (object != 0) {
        mm_root root = {.kind = (uint8_t)kind, .owner = owner, .object = object};
        root_take(locator, root, mm_locator_text(locator, name));
    }
}

void mm_root_add_type(mm_locator *locator, uint64_t type) {
    char name[NAME_ROOM];
    bool named =
        mm_peek_text(locator, mm_object_word(locator, type, MM_AT_TYPE_NAME), name, sizeof name);
    mm_root_add(locator, MM_ROOT_STATIC_TYPE, 0, named ? name : "", type);
}

static uint8_t root_kind_of(const char *name) {
    if (strcmp(name, "modules") == 0) {
        return MM_ROOT_MODULES;
    }
    if (strcmp(name, "builtins") == 0) {
        return MM_ROOT_BUILTINS;
    }
    return strcmp(name, "interned") == 0 ? MM_ROOT_INTERNED : MM_ROOT_INTERPRETER;
}

/// The words of one row, which stands at `address`.
static void roots_row(mm_locator *locator, const mm_word_row *row, uint64_t address, uint8_t kind,
                      uint16_t owner) {
    for (size_t i = 0; i < row->count; ++i) {
        uint64_t object = mm_peek_word(locator, address + i * row->stride);
        if (object != 0 && mm_object_is(locator, object)) {
            mm_root root = {.kind = kind, .flags = row->flags, .owner = owner, .object = object};
            root_take(locator, root, row_name(locator, row, i));
        }
    }
}

static void root_unnamed(mm_locator *locator, size_t index, uint64_t offset) {
    uint64_t object = mm_peek_word(locator, locator->states[index].address + offset);
    if (object == 0 || !mm_object_is(locator, object)) {
        return;
    }
    name_text name = {.count = 0};
    name_add(&name, "interpreter+0x", NAME_ROOM);
    name_add_number(&name, offset, 16);
    mm_root_add(locator, MM_ROOT_INTERPRETER, (uint16_t)index, name.text, object);
}

/// What stands between anchors that disagree has no certain name.
static void roots_gaps(mm_locator *locator, size_t index, const mm_anchors *anchors) {
    for (size_t i = 1; i < anchors->count; ++i) {
        const mm_anchor *low = &anchors->found[i - 1];
        const mm_anchor *high = &anchors->found[i];
        if (low->actual_offset - low->table_offset == high->actual_offset - high->table_offset ||
            high->actual_offset - low->actual_offset > GAP_BYTES_MAX) {
            continue;
        }
        for (uint64_t at = low->actual_offset + 8; at < high->actual_offset; at += 8) {
            root_unnamed(locator, index, at);
        }
    }
}

/// Functions registered with atexit stand in a C array up to 3.13.
static void roots_atexit(mm_locator *locator, size_t index, const mm_anchors *anchors) {
    static const struct {
        enum mm_place place;
        char name[8];
    } parts[] = {
        {MM_PLACE_ATEXIT_FUNC, "func"},
        {MM_PLACE_ATEXIT_ARGS, "args"},
        {MM_PLACE_ATEXIT_KWARGS, "kwargs"},
    };
    const uint32_t *place = locator->table->place;
    uint64_t base = locator->states[index].address;
    uint64_t array_at = 0;
    uint64_t count_at = 0;
    if (place[MM_PLACE_ATEXIT_FUNC] == MM_PLACE_NONE ||
        !mm_anchors_place(anchors, place[MM_PLACE_ATEXIT_CALLBACKS], &array_at) ||
        !mm_anchors_place(anchors, place[MM_PLACE_ATEXIT_COUNT], &count_at)) {
        return;
    }
    uint64_t array = mm_peek_word(locator, base + array_at);
    uint32_t count = mm_peek_int(locator, base + count_at);
    uint32_t common[MM_COUNTOF(parts)] = {0};
    for (uint64_t i = 0; i < count && i < ATEXIT_MAX; ++i) {
        uint64_t one = mm_peek_word(locator, array + i * 8);
        for (size_t j = 0; one != 0 && j < MM_COUNTOF(parts); ++j) {
            uint64_t object = mm_peek_word(locator, one + place[parts[j].place]);
            if (object == 0 || !mm_object_is(locator, object)) {
                continue;
            }
            bool numbered = i < ATEXIT_NUMBERED_MAX;
            if (numbered || common[j] == 0) {
                name_text name = {.count = 0};
                name_add(&name, numbered ? "atexit callback " : "atexit callback", NAME_ROOM);
                if (numbered) {
                    name_add_number(&name, i, 10);
                }
                name_add(&name, ": ", NAME_ROOM);
                name_add(&name, parts[j].name, sizeof parts[j].name);
                common[j] = mm_locator_text(locator, name.text);
            }
            mm_root root = {
                .kind = MM_ROOT_INTERPRETER, .owner = (uint16_t)index, .object = object};
            root_take(locator, root, common[j]);
            common[j] = numbered ? 0 : common[j];
        }
    }
}

static void roots_interpreter(mm_locator *locator, size_t index) {
    MM_ASSERT(locator->table != NULL);
    MM_ASSERT(index < locator->interpreter_count);
    const mm_words *words = &locator->table->interpreter;
    mm_anchors anchors;
    mm_anchors_find(locator, index, &anchors);
    bool named_modules = false;
    for (size_t i = 0; i < words->count; ++i) {
        const mm_word_row *row = &words->rows[i];
        uint64_t offset = 0;
        if (mm_anchors_place(&anchors, row->offset, &offset)) {
            uint8_t kind = root_kind_of(row->name);
            named_modules = named_modules || kind == MM_ROOT_MODULES;
            roots_row(locator, row, locator->states[index].address + offset, kind, (uint16_t)index);
        }
    }
    if (!named_modules && index == 0 && locator->modules != 0) {
        mm_root_add(locator, MM_ROOT_MODULES, 0, "modules", locator->modules);
    }
    roots_gaps(locator, index, &anchors);
    roots_atexit(locator, index, &anchors);
}

static void roots_threads(mm_locator *locator) {
    const mm_words *words = &locator->table->thread;
    for (size_t i = 0; i < locator->thread_count && i <= UINT16_MAX; ++i) {
        MM_ASSERT(locator->threads[i].interpreter < locator->interpreter_count);
        if (locator->interpreters[locator->threads[i].interpreter].own_lock) {
            continue;
        }
        for (size_t j = 0; j < words->count; ++j) {
            roots_row(locator, &words->rows[j], locator->threads[i].address + words->rows[j].offset,
                      MM_ROOT_THREAD, (uint16_t)i);
        }
    }
}

/// The runtime's own words are named only if what comes behind them has not moved.
static void roots_runtime(mm_locator *locator) {
    const mm_words *words = &locator->table->runtime;
    uint64_t place = locator->table->place[MM_PLACE_RUNTIME_INTERPRETER];
    if (locator->main_interpreter - locator->runtime != place) {
        return;
    }
    for (size_t i = 0; i < words->count; ++i) {
        roots_row(locator, &words->rows[i], locator->runtime + words->rows[i].offset,
                  MM_ROOT_RUNTIME, 0);
    }
}

/// A dict of interned strings that a word of these leads to; 0 when there is none.
static uint64_t find_interned(mm_locator *locator, const uint64_t *words, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        uint64_t object = words[i];
        if (object > PEEK_PAGE_BYTES && object % 8 == 0 &&
            (object < locator->python.start || object >= locator->python.end) &&
            mm_object_word(locator, object, MM_AT_OB_TYPE) == locator->dict_type &&
            mm_dict_is_interned(locator, object)) {
            return object;
        }
    }
    return 0;
}

/// Up to 3.11 the table is a variable without a name in the interpreter's .bss.
static void roots_interned(mm_locator *locator) {
    uint64_t words[SCAN_WORDS];
    uint64_t end = locator->layout.minor == 11 ? locator->python.end & ~(uint64_t)7 : 0;
    for (uint64_t at = (locator->python.zeroed + 7) & ~(uint64_t)7; at < end; at += sizeof words) {
        uint64_t left = end - at;
        size_t bytes = left < sizeof words ? (size_t)left : sizeof words;
        if (!mm_peek_bytes(locator, at, words, bytes)) {
            continue;
        }
        uint64_t object = find_interned(locator, words, bytes / 8);
        if (object != 0) {
            mm_root_add(locator, MM_ROOT_INTERNED, 0, "interned", object);
            return;
        }
    }
}

static bool ends_with(const char *text, const char *end) {
    size_t count = strlen(text);
    size_t tail = strlen(end);
    return count >= tail && strcmp(text + count - tail, end) == 0;
}

static void find_prefixes(mm_locator *locator) {
    char path[PREFIX_ROOM];
    uint64_t sys = mm_module_named(locator, "sys");
    if (mm_str_copy(locator, mm_dict_find(locator, sys, "_stdlib_dir"), path, sizeof path)) {
        locator->stdlib_prefix = mm_locator_text(locator, path);
    }
    uint64_t list = mm_dict_find(locator, sys, "path");
    if (!mm_object_isinstance(locator, list, locator->list_type)) {
        return;
    }
    uint64_t count = mm_object_word(locator, list, MM_AT_OB_SIZE);
    uint64_t items = mm_object_word(locator, list, MM_AT_LIST_ITEMS);
    for (uint64_t i = 0; i < count && i < 256 && locator->site_prefix == 0; ++i) {
        if (mm_str_copy(locator, mm_peek_word(locator, items + i * 8), path, sizeof path) &&
            (ends_with(path, "/site-packages") || ends_with(path, "/dist-packages"))) {
            locator->site_prefix = mm_locator_text(locator, path);
        }
    }
}

void mm_locate_roots(mm_locator *locator) {
    if (locator->table == NULL) {
        for (uint64_t at = 0; at < locator->states[0].count && at < BLIND_BYTES_MAX; at += 8) {
            root_unnamed(locator, 0, at);
        }
        return;
    }
    // First: the names of thousands of roots may fill the pool of texts.
    find_prefixes(locator);
    for (size_t i = 0; i < locator->interpreter_count; ++i) {
        if (!locator->interpreters[i].own_lock) {
            roots_interpreter(locator, i);
        }
    }
    roots_threads(locator);
    roots_runtime(locator);
    roots_interned(locator);
}
