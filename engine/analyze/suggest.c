// The distance is that of Damerau and Levenshtein without overlaps (one wrong, missing, further or
// two swapped characters cost 2), on lower case; another case alone costs 1. How much is still near
// depends on the length. Among equals the program's own names win, then the smaller text.
#include "analyze/suggest.h"

#include <string.h>

#include "analyze/classes.h"

enum { NAME_BYTES = 64, SHOWN_BYTES = 512, NAMES_MAX = 20000, BASES_MAX = 64 };

typedef struct suggestion {
    const mm_graph *graph;
    const char *wanted;
    size_t wanted_length;
    uint32_t limit;  ///< farther is not near
    uint32_t names;  ///< looked at so far
    uint32_t best;   ///< distance of `shown`
    mm_class_rank rank;
    char shown[SHOWN_BYTES];
} suggestion;

static unsigned char byte_lower(char c) {
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

// REQUIRES: both are shorter than NAME_BYTES.
static uint32_t name_distance(const char *a, size_t a_length, const char *b, size_t b_length) {
    uint32_t rows[3][NAME_BYTES + 1];
    MM_ASSERT(a_length < NAME_BYTES && b_length < NAME_BYTES);
    for (uint32_t j = 0; j <= b_length; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        uint32_t *row = rows[i % 3];
        const uint32_t *above = rows[(i + 2) % 3];
        const uint32_t *two_above = rows[(i + 1) % 3];
        row[0] = (uint32_t)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned char x = byte_lower(a[i - 1]);
            unsigned char y = byte_lower(b[j - 1]);
            uint32_t cost = least(above[j], row[j - 1]) + 1;
            cost = least(cost, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == byte_lower(b[j - 2]) && y == byte_lower(a[i - 2])) {
                cost = least(cost, two_above[j - 2] + 1);
            }
            row[j] = cost;
        }
    }
    return rows[a_length % 3][b_length];
}

static size_t text_join(char *out, size_t used, const char *text) {
    size_t length = strlen(text);
    length = least((uint32_t)length, (uint32_t)(SHOWN_BYTES - 1 - used));
    memcpy(out + used, text, length);
    out[used + length] = '\0';
    return used + length;
}

// Hold a name against the wanted one; `before` and `name` are what to ask for.
static void name_try(suggestion *s, const char *name, const char *before, mm_class_rank rank) {
    size_t length = strlen(name);
    size_t apart =
        length > s->wanted_length ? length - s->wanted_length : s->wanted_length - length;
    if (s->names >= NAMES_MAX || length == 0 || length >= NAME_BYTES || 2 * apart > s->limit) {
        return;
    }
    s->names++;
    uint32_t distance = 2 * name_distance(s->wanted, s->wanted_length, name, length);
    distance += distance == 0 && strcmp(name, s->wanted) != 0;
    // Of the library's many names something is always near.
    uint32_t limit = rank == MM_CLASS_STDLIB ? least(s->limit, 2) : s->limit;
    if (distance > limit || distance > s->best || (distance == s->best && rank > s->rank)) {
        return;
    }
    char shown[SHOWN_BYTES];
    (void)text_join(shown, text_join(shown, 0, before), name);
    if (distance == s->best && rank == s->rank && strcmp(shown, s->shown) >= 0) {
        return;
    }
    s->best = distance;
    s->rank = rank;
    memcpy(s->shown, shown, sizeof(shown));
}

// All names that a node has of its own.
static void names_try(suggestion *s, uint32_t node, const char *before, mm_class_rank rank) {
    const mm_file *file = s->graph->file;
    uint32_t from[2] = {node, MM_NONE};
    uint32_t at = mm_graph_edge_with_role(s->graph, node, MM_ROLE_DICT);
    from[1] = at == MM_NONE ? MM_NONE : file->reference_target[at];
    for (size_t i = 0; i < MM_COUNTOF(from) && from[i] != MM_NONE; i++) {
        for (uint32_t edge = file->reference_start[from[i]];
             edge < file->reference_start[from[i] + 1] && s->names < NAMES_MAX; edge++) {
            unsigned naming = mm_file_naming(file, edge);
            // Entries are names in a namespace only, whatever the object itself is.
            const char *name = (naming == MM_NAME_VALUE) == (i == 1)
                                   ? mm_graph_edge_name(s->graph, from[i], edge)
                                   : NULL;
            if (name != NULL) {
                name_try(s, name, before, rank);
            }
        }
    }
}

static void start(suggestion *s, const mm_graph *graph, const char *wanted, size_t length) {
    s->graph = graph;
    s->wanted = wanted;
    s->wanted_length = length;
    s->limit = length <= 2 ? 1 : length <= 5 ? 2 : length <= 9 ? 4 : 6;
    s->names = 0;
    s->best = UINT32_MAX;
    s->rank = MM_CLASS_STDLIB;
    s->shown[0] = '\0';
}

// Modules and, of the program's own, what they have. `globals_of_main`: by themselves.
static void modules_try(suggestion *s, const mm_classes *classes, bool dotted) {
    char before[SHOWN_BYTES];
    for (uint32_t i = 0; i < classes->module_count; i++) {
        uint32_t module = classes->modules[i];
        const char *name = mm_graph_module_name(s->graph, module);
        mm_class_rank rank = mm_module_rank(s->graph, module);
        if (name == NULL || (s->graph->node_flags[module] & MM_NODE_OWN) != 0) {
            continue;
        }
        name_try(s, name, "", rank);
        if (rank <= MM_CLASS_PROGRAM && !dotted) {
            (void)text_join(before, text_join(before, 0, name), ":");
            names_try(s, module, rank == MM_CLASS_MAIN ? "" : before, rank);
        }
    }
}

static void classes_try(suggestion *s, const mm_classes *classes, bool dotted) {
    for (uint32_t i = 0; i < classes->count; i++) {
        const mm_class *item = &classes->items[i];
        const char *dot = strrchr(item->text, '.');
        const char *name = dotted || dot == NULL ? item->text : dot + 1;
        bool stdlib =
            item->node == MM_NONE || (s->graph->node_flags[item->node] & MM_NODE_STDLIB) != 0;
        name_try(s, name, "", stdlib ? MM_CLASS_STDLIB : MM_CLASS_PROGRAM);
    }
}

static void attributes_try(suggestion *s, uint32_t node, const char *before) {
    const mm_file *file = s->graph->file;
    uint32_t type = file->type[node];
    names_try(s, node, before, MM_CLASS_MAIN);
    for (uint32_t steps = 0; type != MM_NONE && steps < BASES_MAX; steps++) {
        if (file->types[type].object != MM_NONE && mm_graph_kind(s->graph, node) != MM_KIND_TYPE) {
            names_try(s, file->types[type].object, before, MM_CLASS_PROGRAM);
        }
        type = file->types[type].base;
    }
}

MM_STATUS mm_suggest(const mm_graph *graph, const char *what, const mm_refused *refused,
                     mm_arena *arena, const char **ret, mm_error *err) {
    mm_classes classes;
    suggestion s;
    char before[SHOWN_BYTES];
    MM_ASSERT(refused->at + refused->count <= strlen(what));
    *ret = NULL;
    if (refused->count == 0 || refused->count >= NAME_BYTES || refused->at >= SHOWN_BYTES) {
        return MM_OK;
    }
    char wanted[NAME_BYTES];
    memcpy(wanted, what + refused->at, refused->count);
    wanted[refused->count] = '\0';
    memcpy(before, what, refused->at);
    before[refused->at] = '\0';
    start(&s, graph, wanted, refused->count);
    if (refused->why == MM_REFUSED_ATTRIBUTE && refused->node != MM_NONE) {
        attributes_try(&s, refused->node, before);
    } else if (refused->why == MM_REFUSED_NAME || refused->why == MM_REFUSED_MODULE) {
        bool dotted = strchr(wanted, '.') != NULL;
        MM_TRY(mm_classes_list(graph, arena, &classes, err));
        modules_try(&s, &classes, dotted || refused->why == MM_REFUSED_MODULE);
        if (refused->why == MM_REFUSED_NAME) {
            classes_try(&s, &classes, dotted);
        }
    }
    if (s.best == UINT32_MAX) {
        return MM_OK;
    }
    char *kept = MM_ARENA_NEW(arena, char, strlen(s.shown) + 1);
    if (kept == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory to look for a name", 0);
    }
    memcpy(kept, s.shown, strlen(s.shown) + 1);
    *ret = kept;
    return MM_OK;
}
