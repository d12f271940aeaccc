// What a path is called, so that paths of different snapshots can be held against each other: each
// step by its name without numbers, data keys or addresses, each object by its type, modules by
// their names, classes and functions only as such. Steps from one entry of a container of data to
// an entry of it are one step, however many there are: a tree's depth says nothing.
#include "analyze/growing.h"

#include <string.h>

#include "base/free/sort.h"

enum { CLIMB_MAX = 1 << 20, STEP_BYTES = 256, STEPS_MAX = 64 };

static const uint64_t HASH_START = 0xcbf29ce484222325u;
static const uint64_t HASH_PRIME = 0x100000001b3u;

static uint64_t hash_text(uint64_t hash, const char *text) {
    for (const char *at = text; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * HASH_PRIME;
    }
    return (hash ^ 0x1f) * HASH_PRIME;
}

static bool is_namespace(const mm_graph *graph, uint32_t node) {
    return (graph->node_flags[node] & MM_NODE_NAMESPACE) != 0;
}

// Name of an entry of a namespace by its VALUE, of which the KEY is the one before.
static uint32_t value_of_name(const mm_graph *graph, uint32_t source, uint32_t edge) {
    const mm_file *file = graph->file;
    bool key = mm_file_naming(file, edge) == MM_NAME_KEY && is_namespace(graph, source) &&
               edge + 1 < file->reference_start[source + 1] &&
               mm_file_naming(file, edge + 1) == MM_NAME_VALUE;
    return key ? edge + 1 : edge;
}

// The step of a reference without what tells one entry from another; "[*]" for all of data.
static void generic_step(const mm_graph *graph, uint32_t source, uint32_t edge, char *out,
                         size_t out_bytes) {
    edge = value_of_name(graph, source, edge);
    bool folded = (graph->node_flags[source] & MM_NODE_FOLDED) != 0;
    bool data = false;
    switch (mm_file_naming(graph->file, edge)) {
        case MM_NAME_KEY:
        case MM_NAME_MEMBER:
            data = true;
            break;
        case MM_NAME_INDEX:
            data = !folded;
            break;
        case MM_NAME_VALUE:
            data = !is_namespace(graph, source);
            break;
        default:
            break;
    }
    if (data) {
        strncpy(out, "[*]", out_bytes - 1);
        out[out_bytes - 1] = '\0';
        return;
    }
    (void)mm_graph_edge_text(graph, edge, out, out_bytes);
}

uint64_t mm_growing_key(const mm_graph *graph, uint32_t source, uint32_t edge) {
    char text[STEP_BYTES];
    generic_step(graph, source, edge, text, sizeof(text));
    return hash_text(HASH_START, text);
}

bool mm_growing_key_is_data(uint64_t key) {
    return key == hash_text(HASH_START, "[*]");
}

uint64_t mm_growing_root_key(const mm_graph *graph, uint32_t root) {
    char text[STEP_BYTES];
    const mm_file_root *r = &graph->file->roots[root];
    uint64_t hash = (HASH_START ^ r->kind) * HASH_PRIME;
    if (r->frame != MM_NONE && graph->file->frames[r->frame].code != MM_NONE) {
        (void)mm_graph_name_text(graph, graph->file->frames[r->frame].code, text, sizeof(text));
        hash = hash_text(hash, text);
    }
    (void)mm_graph_root_edge_text(graph, root, text, sizeof(text));
    // Callbacks in a list of the interpreter are numbered: whichever it is.
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if (r->kind == MM_ROOT_FRAME || *from < '0' || *from > '9') {
            *to++ = *from;
        }
    }
    *to = '\0';
    return hash_text(hash, text);
}

static const char *node_label(const mm_graph *graph, uint32_t node) {
    switch (mm_graph_kind(graph, node)) {
        case MM_KIND_TYPE:
            return "class";
        case MM_KIND_FUNCTION:
            return "function";
        default:
            return mm_graph_type_short(graph, node);
    }
}

// The hash of the path to `node` out of the one to its parent. The lowest bit says that the path
// ends in an entry of data.
static uint64_t shape_step(const mm_growing_side *side, uint32_t node, uint64_t above) {
    const mm_graph *graph = side->graph;
    const mm_paths *paths = &side->paths;
    char text[STEP_BYTES];
    switch (paths->via[node]) {
        case MM_VIA_ROOT:
            return hash_text(mm_growing_root_key(graph, paths->link[node]), node_label(graph, node))
                   << 1;
        case MM_VIA_MODULE:
            (void)mm_graph_node_text(graph, node, text, sizeof(text));
            return hash_text(HASH_START, text) << 1;
        case MM_VIA_EDGE:
            break;
        case MM_VIA_TYPE:
            return hash_text(above, "type") << 1;
        case MM_VIA_EPHEMERON:
            return hash_text(above, "[*]") << 1 | 1;
        default:
            return hash_text(HASH_START, node_label(graph, node)) << 1;
    }
    uint32_t source = mm_graph_edge_source(graph, paths->link[node]);
    if (mm_graph_edge_folds(graph, source, paths->link[node])) {
        return above;
    }
    generic_step(graph, source, paths->link[node], text, sizeof(text));
    bool data = strcmp(text, "[*]") == 0;
    if (data && (above & 1) != 0) {
        return above;
    }
    return hash_text(hash_text(above, text), node_label(graph, node)) << 1 | (data ? 1 : 0);
}

uint64_t mm_growing_shape(mm_growing *work, mm_growing_side *side, uint32_t node) {
    if (node == side->graph->root_node) {
        return HASH_START;
    }
    // Up to the nearest ancestor whose shape is known, and back down.
    uint32_t count = 0;
    uint32_t at = node;
    while (at != MM_NONE && side->shapes[at] == 0) {
        work->queue[count++] = at;
        at = mm_paths_parent(side->graph, &side->paths, at);
    }
    while (count-- > 0) {
        uint32_t below = work->queue[count];
        uint64_t above = at == MM_NONE ? HASH_START : side->shapes[at];
        uint64_t shape = shape_step(side, below, above);
        side->shapes[below] = shape != 0 ? shape : 2;
        at = below;
    }
    return side->shapes[node];
}

static bool field_is_low(const char *text) {
    static const char *const low[] = {
        ".__subclasses__", ".tp_subclasses", ".__mro__",    ".tp_mro",      ".__bases__",
        ".tp_bases",       ".__base__",      ".tp_base",    ".__globals__", ".__builtins__",
        ".f_globals",      ".f_builtins",    ".f_back",     ".__code__",    ".f_code",
        ".gi_code",        ".cr_code",       ".subclasses", ".tp_cache",    ".ht_cached_keys"};
    for (size_t i = 0; i < MM_COUNTOF(low); i++) {
        if (strcmp(text, low[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool edge_is_low(const mm_graph *graph, uint32_t edge) {
    unsigned naming = mm_file_naming(graph->file, edge);
    char text[STEP_BYTES];
    if (naming != MM_NAME_WORD && naming != MM_NAME_NAMED) {
        return false;
    }
    (void)mm_graph_edge_text(graph, edge, text, sizeof(text));
    return field_is_low(text);
}

bool mm_growing_edge_is_low(const mm_graph *graph, uint32_t source, uint32_t edge) {
    return source != graph->root_node && edge_is_low(graph, edge);
}

bool mm_growing_is_link(const mm_graph *graph, uint32_t node) {
    return mm_graph_kind(graph, node) == MM_KIND_FOREIGN &&
           strcmp(mm_graph_type_short(graph, node), "_lru_list_elem") == 0;
}

static uint8_t tier_of_level(uint8_t level) {
    switch (level) {
        case MM_LEVEL_MODULE:
            return MM_TIER_PROGRAM;
        case MM_LEVEL_STDLIB:
            return MM_TIER_STDLIB;
        case MM_LEVEL_FRAME:
            return MM_TIER_FRAME;
        case MM_LEVEL_ROOT:
            return MM_TIER_ROOT;
        default:
            return MM_TIER_C;
    }
}

uint8_t mm_growing_tier(const mm_growing_side *side, uint32_t node) {
    const mm_graph *graph = side->graph;
    const mm_paths *paths = &side->paths;
    if (node == graph->root_node || paths->via[node] == MM_VIA_NOTHING) {
        return node == graph->root_node ? MM_TIER_FRAME : MM_TIER_C;
    }
    uint8_t tier = tier_of_level(paths->level[node]);
    bool low = false;
    bool thread = false;
    for (uint32_t steps = 0; node != MM_NONE && steps < CLIMB_MAX; steps++) {
        uint8_t via = paths->via[node];
        low = low || via == MM_VIA_TYPE ||
              (via == MM_VIA_EDGE && edge_is_low(graph, paths->link[node]));
        thread = via == MM_VIA_ROOT && graph->file->roots[paths->link[node]].kind == MM_ROOT_THREAD;
        node = mm_paths_parent(graph, paths, node);
    }
    tier = tier == MM_TIER_ROOT && thread ? MM_TIER_FRAME : tier;
    return low && tier < MM_TIER_LOW ? MM_TIER_LOW : tier;
}

uint32_t mm_growing_depth(const mm_growing_side *side, uint32_t node) {
    return node == side->graph->root_node ? 0 : side->paths.depth[node] + 1;
}

// Put a text in front of what stands at `*at`.
static bool text_prepend(char *out, size_t *at, const char *text) {
    size_t length = strlen(text);
    if (length > *at) {
        return false;
    }
    *at -= length;
    memcpy(out + *at, text, length);
    return true;
}

void mm_growing_path_text(const mm_growing_side *side, uint32_t source, uint32_t edge, char *out) {
    const mm_graph *graph = side->graph;
    const mm_paths *paths = &side->paths;
    char text[STEP_BYTES];
    if (source == graph->root_node) {
        (void)mm_graph_root_text(graph, edge, out, MM_GROWING_TEXT_BYTES);
        return;
    }
    size_t at = MM_GROWING_TEXT_BYTES - 1;
    out[at] = '\0';
    generic_step(graph, source, edge, text, sizeof(text));
    bool room = text_prepend(out, &at, text);
    uint32_t node = source;
    for (uint32_t steps = 0; room && steps < STEPS_MAX; steps++) {
        uint8_t via = paths->via[node];
        if (via == MM_VIA_ROOT) {
            (void)mm_graph_root_text(graph, paths->link[node], text, sizeof(text));
        } else if (via == MM_VIA_EDGE) {
            uint32_t from = mm_graph_edge_source(graph, paths->link[node]);
            generic_step(graph, from, paths->link[node], text, sizeof(text));
            if (mm_graph_edge_folds(graph, from, paths->link[node])) {
                text[0] = '\0';
            }
        } else {
            (void)mm_graph_node_text(graph, node, text, sizeof(text));
        }
        room = text_prepend(out, &at, text);
        node = mm_paths_parent(graph, paths, node);
        if (node == MM_NONE) {
            break;
        }
    }
    memmove(out, out + at, MM_GROWING_TEXT_BYTES - at);
}

static bool number_before(const void *a, const void *b, const void *context) {
    (void)context;
    return *(const uint32_t *)a < *(const uint32_t *)b;
}

uint32_t mm_growing_median(const uint32_t *numbers, uint32_t count, uint32_t *ret_least) {
    uint32_t sorted[MM_GROWING_ROUNDS_MAX + 1];
    uint32_t buffer[MM_GROWING_ROUNDS_MAX + 1];
    MM_ASSERT(count > 0);
    MM_ASSERT(count <= MM_GROWING_ROUNDS_MAX);
    memcpy(sorted, numbers, count * sizeof(*sorted));
    mm_sort(sorted, buffer, count, sizeof(*sorted), number_before, NULL);
    *ret_least = sorted[0];
    return sorted[(count - 1) / 2];
}

uint32_t mm_growing_steady(const uint32_t *numbers, uint32_t count) {
    uint32_t least = 0;
    uint32_t median = mm_growing_median(numbers, count, &least);
    return least >= 1 && least >= median / 2 + median % 2 ? median : 0;
}
