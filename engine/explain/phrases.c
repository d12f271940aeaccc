// Words and numbers as findings say them.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "explain/explain.h"

enum { INSIDE_STEPS_MAX = 4, INSIDE_HOLDERS_MAX = 64 };

void mm_phrase_text(mm_phrase *phrase, const char *text) {
    size_t room = sizeof(phrase->text) - 1 - phrase->used;
    size_t length = strlen(text);
    length = length < room ? length : room;
    // No character is cut in two.
    while (length > 0 && length == room && ((unsigned char)text[length] & 0xc0u) == 0x80u) {
        length--;
    }
    memcpy(phrase->text + phrase->used, text, length);
    phrase->used += length;
    phrase->text[phrase->used] = '\0';
}

void mm_phrase_number(mm_phrase *phrase, uint64_t number) {
    char digits[24];
    char out[32];
    int count = snprintf(digits, sizeof(digits), "%" PRIu64, number);
    size_t used = 0;
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            out[used++] = ',';
        }
        out[used++] = digits[i];
    }
    out[used] = '\0';
    mm_phrase_text(phrase, out);
}

void mm_phrase_bytes(mm_phrase *phrase, uint64_t bytes) {
    static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
    uint64_t scale = 1;
    size_t unit = 0;
    // The next unit when rounding would otherwise write 1024.0.
    while (unit + 1 < MM_COUNTOF(units) &&
           bytes / scale >= 1024 - (bytes % scale * 20 >= 19 * scale)) {
        scale *= 1024;
        unit++;
    }
    if (unit == 0) {
        mm_phrase_number(phrase, bytes);
    } else {
        uint64_t part = scale / 10;
        uint64_t tenths = bytes / scale * 10 + (bytes % scale + part / 2) / part;
        mm_phrase_number(phrase, tenths / 10);
        mm_phrase_text(phrase, ".");
        mm_phrase_number(phrase, tenths % 10);
    }
    mm_phrase_text(phrase, units[unit]);
}

const char *mm_phrase_keep(const mm_phrase *phrase, mm_arena *arena) {
    return mm_why_text_keep(arena, phrase->text);
}

void mm_explain_edge_text(const mm_graph *graph, uint32_t edge, char *out, size_t out_bytes) {
    (void)mm_graph_edge_text(graph, edge, out, out_bytes);
    mm_graph_step_general(out);
    if (out[0] == '[' && strcmp(out, "[key]") != 0 && out_bytes > 3) {
        memcpy(out, "[*]", 4);
    }
}

// A container that only a generator's or frame's variable names: "local buffer of stream".
static bool variable_text(const mm_graph *graph, uint32_t node, char *out, size_t out_bytes) {
    for (uint32_t i = graph->reverse_start[node]; i < graph->reverse_start[node + 1]; i++) {
        uint32_t source = mm_graph_reverse_source(graph, i);
        uint32_t edge = graph->reverse_edge[i];
        const char *name = mm_graph_edge_name(graph, source, edge);
        char whose[256];
        if (mm_file_naming(graph->file, edge) != MM_NAME_LOCAL || name == NULL ||
            !mm_graph_edge_owns(graph, edge)) {
            continue;
        }
        (void)mm_graph_name_text(graph, source, whose, sizeof(whose));
        (void)snprintf(out, out_bytes, "local %s of %s", name, whose);
        return whose[0] != '\0';
    }
    return false;
}

// Of what stands in a thread's dict of a threading.local: the node of that local; else MM_NONE.
static uint32_t thread_local_of(const mm_graph *graph, uint32_t names) {
    for (uint32_t i = graph->reverse_start[names]; i < graph->reverse_start[names + 1]; i++) {
        uint32_t table = mm_graph_reverse_source(graph, i);
        uint32_t key = graph->file->reference_argument[graph->reverse_edge[i]];
        if (mm_file_naming(graph->file, graph->reverse_edge[i]) != MM_NAME_VALUE ||
            key == MM_NONE ||
            (mm_graph_kind(graph, key) != MM_KIND_WEAKREF &&
             strcmp(mm_graph_type_short(graph, key), "_localdummy") != 0)) {
            continue;
        }
        for (uint32_t j = graph->reverse_start[table]; j < graph->reverse_start[table + 1]; j++) {
            if (mm_graph_edge_owns(graph, graph->reverse_edge[j])) {
                return mm_graph_reverse_source(graph, j);
            }
        }
    }
    return MM_NONE;
}

// "local.buffers": what a threading.local has for some thread; "local", where its name is no text.
static bool thread_local_text(const mm_graph *graph, uint32_t node, char *out, size_t out_bytes) {
    for (uint32_t i = graph->reverse_start[node]; i < graph->reverse_start[node + 1]; i++) {
        uint32_t names = mm_graph_reverse_source(graph, i);
        const char *name = mm_graph_edge_name(graph, names, graph->reverse_edge[i]);
        uint32_t local = (graph->node_flags[names] & MM_NODE_NAMESPACE) == 0 ||
                                 mm_graph_owner(graph, names, NULL) != MM_NONE
                             ? MM_NONE
                             : thread_local_of(graph, names);
        char whose[256];
        if (local != MM_NONE) {
            (void)mm_graph_holder_text(graph, local, true, whose, sizeof(whose));
            (void)snprintf(out, out_bytes, "%s%s%s", whose, name != NULL ? "." : "",
                           name != NULL ? name : "");
            return true;
        }
    }
    return false;
}

// A container of C has no name in a graph but that of its type: "cache.items", "App.queue".
static bool attribute_text(const mm_graph *graph, uint32_t node, char *out, size_t out_bytes) {
    for (uint32_t i = graph->reverse_start[node]; i < graph->reverse_start[node + 1]; i++) {
        uint32_t source = mm_graph_reverse_source(graph, i);
        uint32_t edge = graph->reverse_edge[i];
        uint32_t owner = mm_graph_owner(graph, source, NULL);
        owner = owner == MM_NONE ? source : owner;
        const char *name = mm_graph_edge_name(graph, source, edge);
        uint32_t kind = mm_graph_kind(graph, owner);
        bool instance = (graph->file->types[graph->file->type[owner]].flags & MM_TYPE_CLASS) != 0;
        char whose[256];
        if (name == NULL || !mm_graph_edge_owns(graph, edge) ||
            (!instance && kind != MM_KIND_MODULE && kind != MM_KIND_TYPE)) {
            continue;
        }
        (void)mm_graph_holder_text(graph, owner, true, whose, sizeof(whose));
        bool in_main = strcmp(whose, "__main__") == 0;
        (void)snprintf(out, out_bytes, "%s%s%s", in_main ? "" : whose, in_main ? "" : ".", name);
        return true;
    }
    return false;
}

// What the interpreter itself refers to: "the interpreter's codec_search_path".
static bool root_holder_text(const mm_graph *graph, uint32_t node, char *out, size_t out_bytes) {
    static const char begins[] = "interpreter: ";
    uint32_t first = 0;
    uint32_t end = mm_graph_roots_of(graph, node, &first);
    for (uint32_t i = first; i < end; i++) {
        uint32_t root = (uint32_t)graph->root_index[i];
        const mm_file_root *r = &graph->file->roots[root];
        char text[256];
        if (r->kind == MM_ROOT_FRAME || r->kind == MM_ROOT_HELD ||
            !mm_file_root_owns(graph->file, root)) {
            continue;
        }
        (void)mm_graph_root_text(graph, root, text, sizeof(text));
        bool own = strncmp(text, begins, sizeof(begins) - 1) == 0;
        (void)snprintf(out, out_bytes, "%s%s", own ? "the interpreter's " : "",
                       own ? text + sizeof(begins) - 1 : text);
        return true;
    }
    return false;
}

// An object that nothing but objects of C has, the nearest of which that has a name is named:
// "Element inside of parser._parser".
static bool inside_text(const mm_graph *graph, uint32_t node, char *out, size_t out_bytes) {
    uint32_t at = node;
    for (uint32_t steps = 0; steps < INSIDE_STEPS_MAX; steps++) {
        uint32_t above = MM_NONE;
        uint32_t first = graph->reverse_start[at];
        uint32_t end = graph->reverse_start[at + 1];
        for (uint32_t i = first; i < end && i < first + INSIDE_HOLDERS_MAX; i++) {
            uint32_t source = mm_graph_reverse_source(graph, i);
            char whose[256];
            if (!mm_graph_edge_owns(graph, graph->reverse_edge[i]) || source == at ||
                mm_graph_kind(graph, source) != MM_KIND_FOREIGN ||
                (graph->node_flags[source] & MM_NODE_OWN) != 0) {
                continue;
            }
            above = above == MM_NONE ? source : above;
            (void)mm_graph_holder_text(graph, source, true, whose, sizeof(whose));
            if (strcmp(whose, mm_graph_type_short(graph, source)) != 0 ||
                attribute_text(graph, source, whose, sizeof(whose))) {
                (void)snprintf(out, out_bytes, "%s inside of %s", mm_graph_type_short(graph, node),
                               whose);
                return true;
            }
        }
        if (above == MM_NONE) {
            return false;
        }
        at = above;
    }
    return false;
}

// The key of an entry in a table of a context. Entries are reported from the last to the first,
// the value and then its key; one that has a table below it has no key.
static uint32_t context_key(const mm_graph *graph, uint32_t table, uint32_t value_edge) {
    const mm_file *file = graph->file;
    uint32_t end = file->reference_start[table + 1];
    for (uint32_t edge = file->reference_start[table]; edge + 1 < end; edge++) {
        uint32_t target = file->reference_target[edge];
        if (strncmp(mm_graph_type_short(graph, target), "hamt_", 5) == 0) {
            continue;
        }
        uint32_t key = file->reference_target[edge + 1];
        if (strcmp(mm_graph_type_short(graph, key), "ContextVar") != 0) {
            return MM_NONE;
        }
        if (edge == value_edge) {
            return key;
        }
        edge++;
    }
    return MM_NONE;
}

uint32_t mm_explain_context_variable(const mm_graph *graph, uint32_t node) {
    for (uint32_t i = graph->reverse_start[node]; i < graph->reverse_start[node + 1]; i++) {
        uint32_t source = mm_graph_reverse_source(graph, i);
        if (strncmp(mm_graph_type_short(graph, source), "hamt_", 5) == 0) {
            uint32_t key = context_key(graph, source, graph->reverse_edge[i]);
            if (key != MM_NONE) {
                return key;
            }
        }
    }
    return MM_NONE;
}

// Where in "f[*] (shop.py:3)" what follows the name begins: the steps into what the variable has.
// Names of functions have no bracket.
static size_t steps_begin(const char *text, size_t length) {
    const char *bracket = memchr(text, '[', length);
    return bracket != NULL ? (size_t)(bracket - text) : length;
}

// "work2 (shop.py:3)" as "work2() (shop.py:3)", without the steps.
static void function_say(const char *text, mm_phrase *phrase) {
    char name[256];
    const char *place = strstr(text, " (");
    size_t length = place != NULL ? (size_t)(place - text) : strlen(text);
    size_t named = steps_begin(text, length);
    if (length >= sizeof(name)) {
        mm_phrase_text(phrase, text);
        return;
    }
    memcpy(name, text, named);
    name[named] = '\0';
    mm_phrase_text(phrase, name);
    mm_phrase_text(phrase, "()");
    mm_phrase_text(phrase, text + length);
}

// "[*]" of "f[*] (shop.py:3)".
static void steps_say(const char *text, mm_phrase *phrase) {
    char steps[256];
    const char *place = strstr(text, " (");
    size_t length = place != NULL ? (size_t)(place - text) : strlen(text);
    size_t named = steps_begin(text, length);
    if (length < sizeof(steps)) {
        memcpy(steps, text + named, length - named);
        steps[length - named] = '\0';
        mm_phrase_text(phrase, steps);
    }
}

void mm_explain_holder_say(const char *holder, bool cached, mm_phrase *phrase) {
    static const struct {
        const char *begins;
        const char *says;
    } kinds[] = {
        {"default of ", "the default value of parameter `"},
        {"closure variable ", "the closure variable `"},
        {"local ", "the variable `"},
    };
    for (size_t i = 0; i < MM_COUNTOF(kinds); i++) {
        size_t length = strlen(kinds[i].begins);
        const char *name = holder + length;
        const char *of =
            strncmp(holder, kinds[i].begins, length) == 0 ? strstr(name, " of ") : NULL;
        char variable[256];
        if (of == NULL || (size_t)(of - name) >= sizeof(variable)) {
            continue;
        }
        memcpy(variable, name, (size_t)(of - name));
        variable[of - name] = '\0';
        mm_phrase_text(phrase, kinds[i].says);
        mm_phrase_text(phrase, variable);
        steps_say(of + 4, phrase);
        mm_phrase_text(phrase, "` of ");
        function_say(of + 4, phrase);
        return;
    }
    mm_phrase_text(phrase, cached ? "the cache of " : "");
    mm_phrase_text(phrase, holder);
    mm_phrase_text(phrase, cached ? "()" : "");
}

// The object of C that the node is an internal of: the one strong reference to it, and so on, is a
// field. Itself where there is none.
uint32_t mm_explain_outer(const mm_graph *graph, uint32_t node) {
    for (uint32_t steps = 0; steps < 4; steps++) {
        uint32_t holder = MM_NONE;
        uint32_t count = 0;
        for (uint32_t i = graph->reverse_start[node]; i < graph->reverse_start[node + 1]; i++) {
            uint32_t edge = graph->reverse_edge[i];
            bool field = mm_file_naming(graph->file, edge) == MM_NAME_WORD ||
                         mm_file_naming(graph->file, edge) == MM_NAME_NAMED;
            if (mm_graph_edge_owns(graph, edge)) {
                holder = field ? mm_graph_reverse_source(graph, i) : MM_NONE;
                count++;
            }
        }
        if (count != 1 || holder == MM_NONE || mm_graph_kind(graph, holder) != MM_KIND_FOREIGN ||
            (graph->file->types[graph->file->type[holder]].flags & MM_TYPE_CLASS) != 0) {
            break;
        }
        node = holder;
    }
    return node;
}

// The code of a function that runs and has the object in a variable of that name, or MM_NONE.
static uint32_t running_code(const mm_graph *graph, uint32_t node, const char *text) {
    uint32_t first = 0;
    uint32_t end = mm_graph_roots_of(graph, node, &first);
    for (uint32_t i = first; i < end; i++) {
        const mm_file_root *root = &graph->file->roots[(uint32_t)graph->root_index[i]];
        if (root->kind == MM_ROOT_FRAME && root->frame != MM_NONE) {
            uint32_t code = graph->file->frames[root->frame].code;
            const char *name = mm_graph_variable(graph, code, root->name);
            if (name != NULL && strcmp(name, text) == 0) {
                return code;
            }
        }
    }
    return MM_NONE;
}

// Is the text the name of a variable in a function that runs, for an object of C? An attribute that
// has it says more: "pool._work_queue", not the worker's "work_queue".
static bool is_running_local(const mm_graph *graph, uint32_t node, const char *text) {
    return mm_graph_kind(graph, node) == MM_KIND_FOREIGN &&
           running_code(graph, node, text) != MM_NONE;
}

bool mm_explain_running_local(const mm_graph *graph, uint32_t node, const char *name, char *out,
                              size_t out_bytes) {
    uint32_t code = running_code(graph, node, name);
    char whose[256];
    if (code == MM_NONE) {
        return false;
    }
    (void)mm_graph_name_text(graph, code, whose, sizeof(whose));
    if (whose[0] == '\0' || whose[0] == '<') {
        return false;
    }
    (void)snprintf(out, out_bytes, "local %s of %s", name, whose);
    return true;
}

void mm_explain_holder_text(const mm_graph *graph, uint32_t node, char *out, size_t out_bytes,
                            bool *ret_cached) {
    uint32_t context = mm_explain_context_variable(graph, node);
    uint32_t outer = context != MM_NONE ? context : mm_explain_outer(graph, node);
    if (ret_cached != NULL) {
        *ret_cached = mm_explain_is_cache(graph, outer);
    }
    if (thread_local_text(graph, node, out, out_bytes)) {
        return;
    }
    (void)mm_graph_holder_text(graph, outer, true, out, out_bytes);
    bool unnamed = strcmp(out, mm_graph_type_short(graph, outer)) == 0;
    if (context == MM_NONE && (unnamed || is_running_local(graph, outer, out))) {
        (void)((unnamed && variable_text(graph, outer, out, out_bytes)) ||
               attribute_text(graph, outer, out, out_bytes) ||
               (unnamed && outer == node && root_holder_text(graph, node, out, out_bytes)) ||
               (unnamed && outer == node && inside_text(graph, node, out, out_bytes)));
    }
}

void mm_explain_reference_text(const mm_graph *graph, uint32_t source, uint32_t edge,
                               mm_phrase *phrase) {
    static const char main_name[] = "__main__.";
    char step[256];
    char who[256];
    uint32_t owner = source;
    for (uint32_t i = 0; i < 4 && mm_graph_owner(graph, owner, NULL) != MM_NONE; i++) {
        owner = mm_graph_owner(graph, owner, NULL);
    }
    mm_explain_edge_text(graph, edge, step, sizeof(step));
    mm_explain_holder_text(graph, owner, who, sizeof(who), NULL);
    bool plain = strchr(".[ +", step[0]) != NULL;
    if (plain && step[0] == '.' && strcmp(who, "__main__") == 0) {
        mm_phrase_text(phrase, step + 1);
        return;
    }
    mm_phrase_text(phrase, plain ? who : step);
    mm_phrase_text(phrase, plain ? step : " of ");
    mm_phrase_text(phrase, plain ? "" : strncmp(who, main_name, 9) == 0 ? who + 9 : who);
}

uint64_t mm_explain_hash(uint64_t hash, const char *text) {
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    }
    // A separator: "ab", "c" is not "a", "bc".
    return (hash ^ 0xffu) * 0x100000001b3u;
}
