// A cursor over the text of WHAT and a node that it has led to so far. Names are looked up as the
// file has them: a class attribute is found on the class and its bases, an instance's on the
// instance first. Descriptors, properties and __getattr__ do not exist here.
#include "analyze/select.h"

#include <string.h>

enum { PART_BYTES = 256 };

typedef struct what_cursor {
    const mm_graph *graph;
    const char *at;
    uint32_t node;
    mm_error *err;
} what_cursor;

static MM_STATUS select_one(uint32_t node, mm_arena *arena, mm_selection *ret, mm_error *err) {
    uint32_t *nodes = MM_ARENA_NEW(arena, uint32_t, 1);
    if (nodes == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory to select objects", 0);
    }
    nodes[0] = node;
    ret->nodes = nodes;
    ret->node_count = 1;
    ret->type = MM_NONE;
    return MM_OK;
}

static MM_STATUS select_address(const mm_graph *graph, const char *what, mm_arena *arena,
                                mm_selection *ret, mm_error *err) {
    uint64_t address = 0;
    const char *at = what + 2;
    for (; *at != '\0'; at++) {
        const char *digits = "0123456789abcdef";
        char low = (*at >= 'A' && *at <= 'F') ? (char)(*at - 'A' + 'a') : *at;
        const char *digit = strchr(digits, low);
        if (digit == NULL || address >> 60 != 0) {
            return mm_fail(err, MM_E_ARGUMENT, "not an address", 0);
        }
        address = address << 4 | (uint64_t)(digit - digits);
    }
    uint32_t node = at == what + 2 ? MM_NONE : mm_file_find(graph->file, address);
    if (node == MM_NONE) {
        return mm_fail(err, MM_E_NOT_FOUND, "no object at this address", address);
    }
    return select_one(node, arena, ret, err);
}

static bool type_is_named(const mm_graph *graph, uint32_t type, const char *what) {
    const char *name = graph->file->types[type].name;
    if (strcmp(name, what) == 0) {
        return true;
    }
    const char *dot = strrchr(name, '.');
    if (dot != NULL && strcmp(dot + 1, what) == 0) {
        return true;
    }
    char text[PART_BYTES];
    if (mm_graph_type_text(graph, type, text, sizeof(text)) >= sizeof(text)) {
        return false;
    }
    if (strcmp(text, what) == 0) {
        return true;
    }
    // "Outer.Inner" without its module.
    size_t length = strlen(text);
    size_t wanted = strlen(what);
    return wanted < length && text[length - wanted - 1] == '.' &&
           strcmp(text + length - wanted, what) == 0;
}

// All objects whose type is named so. Several types of one name are asked about together.
static MM_STATUS select_type(const mm_graph *graph, const char *what, mm_arena *arena,
                             mm_selection *ret, bool *ret_known, mm_error *err) {
    const mm_file *file = graph->file;
    uint8_t *named = MM_ARENA_NEW(arena, uint8_t, (size_t)file->type_count + 1);
    if (named == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory to select objects", 0);
    }
    mm_selection selection = {NULL, 0, MM_NONE};
    uint64_t total = 0;
    for (uint32_t type = 0; type < file->type_count; type++) {
        if (type_is_named(graph, type, what)) {
            named[type] = 1;
            *ret_known = true;
            total += graph->instance_count[type];
            if (selection.type == MM_NONE || graph->instance_count[type] > 0) {
                selection.type = type;
            }
        }
    }
    selection.nodes = MM_ARENA_NEW(arena, uint32_t, (size_t)total + 1);
    if (selection.nodes == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory to select objects", 0);
    }
    for (uint32_t node = 0; total > 0 && node < file->object_count; node++) {
        if (named[file->type[node]] != 0 && (graph->node_flags[node] & MM_NODE_OWN) == 0) {
            MM_ASSERT(selection.node_count < total);
            selection.nodes[selection.node_count++] = node;
        }
    }
    *ret = selection;
    return MM_OK;
}

static uint32_t module_named(const mm_graph *graph, const char *name, size_t length) {
    uint32_t found = MM_NONE;
    for (uint32_t node = 0; node < graph->root_node; node++) {
        if (mm_graph_kind(graph, node) != MM_KIND_MODULE) {
            continue;
        }
        const char *have = mm_graph_module_name(graph, node);
        if (have != NULL && strncmp(have, name, length) == 0 && have[length] == '\0') {
            found = node;
        }
    }
    return found;
}

static uint32_t type_of_class(const mm_graph *graph, uint32_t node) {
    for (uint32_t type = 0; type < graph->file->type_count; type++) {
        if (graph->file->types[type].object == node) {
            return type;
        }
    }
    return MM_NONE;
}

// An attribute of the object itself, else of its class and that one's bases.
static uint32_t attribute_of(const mm_graph *graph, uint32_t node, const char *name) {
    const mm_file *file = graph->file;
    uint32_t edge = mm_graph_attribute(graph, node, name);
    uint32_t type =
        mm_graph_kind(graph, node) == MM_KIND_TYPE ? type_of_class(graph, node) : file->type[node];
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

static MM_STATUS what_name(what_cursor *cursor) {
    char name[PART_BYTES];
    size_t length = 0;
    while (byte_is_name(cursor->at[length])) {
        length++;
    }
    if (length == 0 || length >= sizeof(name)) {
        return mm_fail(cursor->err, MM_E_ARGUMENT, "a name was expected after the dot", 0);
    }
    memcpy(name, cursor->at, length);
    name[length] = '\0';
    uint32_t node = attribute_of(cursor->graph, cursor->node, name);
    if (node == MM_NONE) {
        return mm_fail(cursor->err, MM_E_NOT_FOUND, "there is no attribute of this name", 0);
    }
    cursor->node = node;
    cursor->at += length;
    return MM_OK;
}

static MM_STATUS what_index(what_cursor *cursor) {
    const mm_file *file = cursor->graph->file;
    bool negative = cursor->at[0] == '-';
    uint64_t index = 0;
    uint64_t count = 0;
    for (cursor->at += negative; *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++) {
        index = index * 10 + (uint64_t)(*cursor->at - '0');
        if (index >= MM_NONE) {
            return mm_fail(cursor->err, MM_E_ARGUMENT, "this index is too large", 0);
        }
    }
    uint32_t kind = mm_graph_kind(cursor->graph, cursor->node);
    if (kind == MM_KIND_DICT || kind == MM_KIND_ORDERED_DICT) {
        return mm_fail(cursor->err, MM_E_UNSUPPORTED,
                       "numbers as keys cannot be resolved: a snapshot holds no values", 0);
    }
    if (negative && (!mm_graph_entries(cursor->graph, cursor->node, &count) || index > count)) {
        return mm_fail(cursor->err, MM_E_NOT_FOUND, "there is no item of this index", 0);
    }
    index = negative ? count - index : index;
    uint32_t node = cursor->node;
    for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
         edge++) {
        if (mm_file_naming(file, edge) == MM_NAME_INDEX &&
            file->reference_argument[edge] == index) {
            cursor->node = file->reference_target[edge];
            return MM_OK;
        }
    }
    return mm_fail(cursor->err, MM_E_NOT_FOUND, "there is no item of this index", 0);
}

static MM_STATUS what_key(what_cursor *cursor) {
    const mm_graph *graph = cursor->graph;
    const mm_file *file = graph->file;
    char key[PART_BYTES];
    size_t length = 0;
    char quote = *cursor->at++;
    while (*cursor->at != quote) {
        cursor->at += *cursor->at == '\\';
        if (*cursor->at == '\0' || length + 1 >= sizeof(key)) {
            return mm_fail(cursor->err, MM_E_ARGUMENT, "the string in the subscript does not end",
                           0);
        }
        key[length++] = *cursor->at++;
    }
    cursor->at++;
    key[length] = '\0';
    uint32_t node = cursor->node;
    if (!graph->keys && (graph->node_flags[node] & MM_NODE_NAMESPACE) == 0) {
        return mm_fail(cursor->err, MM_E_UNSUPPORTED,
                       "keys of data are not in this file: it was made without --keys", 0);
    }
    for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
         edge++) {
        if (mm_file_naming(file, edge) == MM_NAME_VALUE) {
            const char *have = mm_file_text_of(file, file->reference_argument[edge]);
            if (have != NULL && strcmp(have, key) == 0) {
                cursor->node = file->reference_target[edge];
                return MM_OK;
            }
        }
    }
    return mm_fail(cursor->err, MM_E_NOT_FOUND, "there is no entry of this key", 0);
}

static MM_STATUS what_subscript(what_cursor *cursor) {
    cursor->at++;
    if (*cursor->at == '"' || *cursor->at == '\'') {
        MM_TRY(what_key(cursor));
    } else if ((*cursor->at >= '0' && *cursor->at <= '9') ||
               (*cursor->at == '-' && cursor->at[1] >= '1' && cursor->at[1] <= '9')) {
        MM_TRY(what_index(cursor));
    } else {
        return mm_fail(cursor->err, MM_E_ARGUMENT, "a subscript is a number or a string in quotes",
                       0);
    }
    if (*cursor->at != ']') {
        return mm_fail(cursor->err, MM_E_ARGUMENT, "a subscript ends with ]", 0);
    }
    cursor->at++;
    return MM_OK;
}

static MM_STATUS what_rest(what_cursor *cursor, bool name_first) {
    if (name_first && *cursor->at != '\0') {
        MM_TRY(what_name(cursor));
    }
    while (*cursor->at != '\0') {
        if (*cursor->at == '[') {
            MM_TRY(what_subscript(cursor));
        } else if (*cursor->at == '.') {
            cursor->at++;
            MM_TRY(what_name(cursor));
        } else {
            return mm_fail(cursor->err, MM_E_ARGUMENT,
                           "neither an address, nor a type, nor a dotted name", 0);
        }
    }
    return MM_OK;
}

// The longest leading part that is a module, else __main__.
static MM_STATUS what_start(what_cursor *cursor, const char *what, bool *ret_name_first) {
    const char *colon = strchr(what, ':');
    const char *bracket = strchr(what, '[');
    if (colon != NULL && (bracket == NULL || colon < bracket)) {
        cursor->node = module_named(cursor->graph, what, (size_t)(colon - what));
        cursor->at = colon + 1;
        *ret_name_first = true;
        return cursor->node != MM_NONE
                   ? MM_OK
                   : mm_fail(cursor->err, MM_E_NOT_FOUND, "there is no module of this name", 0);
    }
    size_t end = bracket != NULL ? (size_t)(bracket - what) : strlen(what);
    size_t longest = 0;
    for (size_t i = 1; i <= end; i++) {
        if (what[i] != '.' && i != end) {
            continue;
        }
        uint32_t node = module_named(cursor->graph, what, i);
        if (node != MM_NONE) {
            cursor->node = node;
            longest = i;
        }
    }
    cursor->at = what + longest;
    *ret_name_first = longest == 0;
    if (longest == 0) {
        cursor->node = module_named(cursor->graph, "__main__", 8);
    }
    return cursor->node != MM_NONE
               ? MM_OK
               : mm_fail(cursor->err, MM_E_NOT_FOUND, "there is no type or module of this name", 0);
}

MM_STATUS mm_select(const mm_graph *graph, const char *what, mm_arena *arena, mm_selection *ret,
                    mm_error *err) {
    MM_ASSERT(graph != NULL);
    MM_ASSERT(what != NULL);
    if (what[0] == '0' && (what[1] == 'x' || what[1] == 'X')) {
        return select_address(graph, what, arena, ret, err);
    }
    if (what[0] == '\0') {
        return mm_fail(err, MM_E_ARGUMENT, "neither an address, nor a type, nor a dotted name", 0);
    }
    bool known = false;
    if (strpbrk(what, ":[") == NULL) {
        mm_selection selection = {NULL, 0, MM_NONE};
        MM_TRY(select_type(graph, what, arena, &selection, &known, err));
        if (selection.node_count > 0) {
            *ret = selection;
            return MM_OK;
        }
    }
    bool name_first = false;
    what_cursor cursor = {graph, what, MM_NONE, err};
    mm_status status = what_start(&cursor, what, &name_first);
    if (status == MM_OK) {
        status = what_rest(&cursor, name_first);
    }
    if (status != MM_OK) {
        return known ? mm_fail(err, MM_E_NOT_FOUND, "no object of this type is alive", 0) : status;
    }
    return select_one(cursor.node, arena, ret, err);
}
