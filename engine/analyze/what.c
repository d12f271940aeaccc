// A cursor over the text of WHAT and a node that it has led to so far. Names are looked up as the
// file has them: a class attribute is found on the class and its bases, an instance's on the
// instance first. Descriptors, properties and __getattr__ do not exist here.
#include "analyze/what.h"

#include <string.h>

enum { PART_BYTES = 256 };

typedef struct what_cursor {
    const mm_graph *graph;
    const mm_classes *classes;
    const char *what;
    const char *at;
    uint32_t node;
    mm_refused *refused;
} what_cursor;

// Refuse the part of WHAT between `from` and `to`.
static bool what_refuse(what_cursor *cursor, mm_refusal why, const char *from, const char *to) {
    MM_ASSERT(from >= cursor->what);
    MM_ASSERT(to >= from);
    cursor->refused->why = why;
    cursor->refused->at = (size_t)(from - cursor->what);
    cursor->refused->count = (size_t)(to - from);
    cursor->refused->node = cursor->node;
    return false;
}

// An attribute of the object itself, else of its class and that one's bases.
static uint32_t attribute_of(const mm_graph *graph, uint32_t node, const char *name) {
    const mm_file *file = graph->file;
    uint32_t edge = mm_graph_attribute(graph, node, name);
    uint32_t type = mm_graph_kind(graph, node) == MM_KIND_TYPE ? mm_graph_type_of_class(graph, node)
                                                               : file->type[node];
    for (uint32_t steps = 0; edge == MM_NONE && type != MM_NONE && steps < 64; steps++) {
        if (file->types[type].object != MM_NONE) {
            edge = mm_graph_attribute(graph, file->types[type].object, name);
        }
        type = file->types[type].base;
    }
    return edge == MM_NONE ? MM_NONE : file->reference_target[edge];
}

static bool byte_is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           ((unsigned char)c & 0x80) != 0;
}

static bool what_name(what_cursor *cursor) {
    char name[PART_BYTES];
    size_t length = 0;
    while (byte_is_name(cursor->at[length])) {
        length++;
    }
    if (length == 0) {
        return what_refuse(cursor, MM_REFUSED_AFTER_DOT, cursor->at, cursor->at);
    }
    uint32_t node = MM_NONE;
    if (length < sizeof(name)) {
        memcpy(name, cursor->at, length);
        name[length] = '\0';
        node = attribute_of(cursor->graph, cursor->node, name);
    }
    if (node == MM_NONE) {
        return what_refuse(cursor, MM_REFUSED_ATTRIBUTE, cursor->at, cursor->at + length);
    }
    cursor->node = node;
    cursor->at += length;
    return true;
}

static bool what_index(what_cursor *cursor) {
    const mm_file *file = cursor->graph->file;
    const char *from = cursor->at;
    bool negative = cursor->at[0] == '-';
    uint64_t index = 0;
    uint64_t count = 0;
    for (cursor->at += negative; *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++) {
        index = index < MM_NONE ? index * 10 + (uint64_t)(*cursor->at - '0') : index;
    }
    uint32_t node = cursor->node;
    uint32_t kind = mm_graph_kind(cursor->graph, node);
    if (kind == MM_KIND_DICT || kind == MM_KIND_ORDERED_DICT) {
        return what_refuse(cursor, MM_REFUSED_NUMBER_KEY, from, cursor->at);
    }
    if (negative && (!mm_graph_entries(cursor->graph, node, &count) || index > count)) {
        return what_refuse(cursor, MM_REFUSED_ITEM, from, cursor->at);
    }
    index = negative ? count - index : index;
    for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
         edge++) {
        if (mm_file_naming(file, edge) == MM_NAME_INDEX &&
            file->reference_argument[edge] == index) {
            cursor->node = file->reference_target[edge];
            return true;
        }
    }
    return what_refuse(cursor, MM_REFUSED_ITEM, from, cursor->at);
}

// The string that begins at the cursor, without its quotes and backslashes.
static bool what_string(what_cursor *cursor, char key[PART_BYTES]) {
    const char *from = cursor->at;
    size_t length = 0;
    char quote = *cursor->at++;
    while (*cursor->at != quote) {
        cursor->at += *cursor->at == '\\';
        if (*cursor->at == '\0' || length + 1 >= PART_BYTES) {
            return what_refuse(cursor, MM_REFUSED_SUBSCRIPT, from, from + strlen(from));
        }
        key[length++] = *cursor->at++;
    }
    cursor->at++;
    key[length] = '\0';
    return true;
}

static bool what_key(what_cursor *cursor) {
    const mm_graph *graph = cursor->graph;
    const mm_file *file = graph->file;
    const char *from = cursor->at;
    char key[PART_BYTES];
    uint32_t node = cursor->node;
    if (!what_string(cursor, key)) {
        return false;
    }
    if (!graph->keys && (graph->node_flags[node] & MM_NODE_NAMESPACE) == 0) {
        return what_refuse(cursor, MM_REFUSED_KEYS, from, cursor->at);
    }
    for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
         edge++) {
        if (mm_file_naming(file, edge) == MM_NAME_VALUE) {
            const char *have = mm_file_text_of(file, file->reference_argument[edge]);
            if (have != NULL && strcmp(have, key) == 0) {
                cursor->node = file->reference_target[edge];
                return true;
            }
        }
    }
    return what_refuse(cursor, MM_REFUSED_KEY, from, cursor->at);
}

static bool what_subscript(what_cursor *cursor) {
    const char *from = cursor->at++;
    bool good = false;
    if (*cursor->at == '"' || *cursor->at == '\'') {
        good = true;
        if (!what_key(cursor)) {
            return false;
        }
    } else if ((*cursor->at >= '0' && *cursor->at <= '9') ||
               (*cursor->at == '-' && cursor->at[1] >= '1' && cursor->at[1] <= '9')) {
        good = true;
        if (!what_index(cursor)) {
            return false;
        }
    }
    if (!good || *cursor->at != ']') {
        return what_refuse(cursor, MM_REFUSED_SUBSCRIPT, from, from + strlen(from));
    }
    cursor->at++;
    return true;
}

static bool what_rest(what_cursor *cursor, bool name_first) {
    if (name_first && *cursor->at != '\0' && !what_name(cursor)) {
        return false;
    }
    while (*cursor->at != '\0') {
        char first = *cursor->at;
        cursor->at += first == '.';
        if (first != '.' && first != '[') {
            return what_refuse(cursor, MM_REFUSED_FORM, cursor->at,
                               cursor->at + strlen(cursor->at));
        }
        if (!(first == '.' ? what_name(cursor) : what_subscript(cursor))) {
            return false;
        }
    }
    return true;
}

// Is this the name that the program's own file would have as a module?
static bool name_is_main(const what_cursor *cursor, const char *name, size_t length) {
    const char *path = NULL;
    uint32_t line = 0;
    uint32_t node = mm_classes_module(cursor->graph, cursor->classes, "__main__", 8);
    if (node == MM_NONE || !mm_graph_place(cursor->graph, node, &path, &line)) {
        return false;
    }
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    return strncmp(base, name, length) == 0 &&
           (base[length] == '\0' || strcmp(base + length, ".py") == 0);
}

// A module in front of a colon.
static bool start_at_colon(what_cursor *cursor, const char *colon) {
    size_t length = (size_t)(colon - cursor->what);
    uint32_t module = mm_classes_module(cursor->graph, cursor->classes, cursor->what, length);
    cursor->at = colon + 1;
    if (module == MM_NONE) {
        bool main_asked = length > 0 && name_is_main(cursor, cursor->what, length);
        return what_refuse(cursor, main_asked ? MM_REFUSED_MAIN : MM_REFUSED_MODULE, cursor->what,
                           colon);
    }
    cursor->node = module;
    return what_rest(cursor, true);
}

// What does not begin with a module begins with a name of __main__.
static bool start_in_main(what_cursor *cursor) {
    const char *what = cursor->what;
    size_t first = 0;
    while (byte_is_name(what[first])) {
        first++;
    }
    if (first == 0) {
        return what_refuse(cursor, MM_REFUSED_FORM, what, what + strlen(what));
    }
    cursor->node = mm_classes_module(cursor->graph, cursor->classes, "__main__", 8);
    if (cursor->node != MM_NONE && what_name(cursor)) {
        return what_rest(cursor, false);
    }
    cursor->node = MM_NONE;
    bool main_asked = what[first] == '.' && name_is_main(cursor, what, first);
    size_t whole = strcspn(what, "[");
    for (size_t i = 0; i < whole; i++) {
        if (!byte_is_name(what[i]) && what[i] != '.' && what[i] != '<' && what[i] != '>') {
            return what_refuse(cursor, MM_REFUSED_FORM, what, what + strlen(what));
        }
    }
    return what_refuse(cursor, main_asked ? MM_REFUSED_MAIN : MM_REFUSED_NAME, what,
                       what + (main_asked ? first : whole));
}

bool mm_what_follow(const mm_graph *graph, const mm_classes *classes, const char *what,
                    uint32_t *ret, mm_refused *refused) {
    const char *colon = strchr(what, ':');
    const char *bracket = strchr(what, '[');
    what_cursor cursor = {graph, classes, what, what, MM_NONE, refused};
    bool found = false;
    if (colon != NULL && (bracket == NULL || colon < bracket)) {
        found = start_at_colon(&cursor, colon);
    } else {
        // The longest leading part that is a module.
        size_t end = bracket != NULL ? (size_t)(bracket - what) : strlen(what);
        size_t longest = 0;
        for (size_t i = 1; i <= end; i++) {
            uint32_t module =
                what[i] == '.' || i == end ? mm_classes_module(graph, classes, what, i) : MM_NONE;
            if (module != MM_NONE) {
                cursor.node = module;
                longest = i;
            }
        }
        cursor.at = what + longest;
        found = longest > 0 ? what_rest(&cursor, false) : start_in_main(&cursor);
    }
    if (found) {
        *ret = cursor.node;
        *refused = (mm_refused){MM_REFUSED_NOT, 0, 0, cursor.node};
    }
    return found;
}
