// Reverse references are made by counting sort: one pass counts the references to each node, one
// sums, one places them. Sources are visited in ascending order, so that each list comes out
// ascending.
//
// A reference from an instance to its class would add as many edges as there are objects and make
// every class look like the centre of the heap. They stay implicit: the type column says who refers
// to which type, `instance_count` how many do, and reach and path follow them by rule.
//
// Which references count against a node's refcount is decided here, once: what is neither weak nor
// borrowed, the roots, one for each ephemeron entry, and one for each instance of a heap type.
// Words that a scan only guessed to be references count where a remainder is left, and no more.
#include "graph/graph.h"

#include <string.h>

#include "base/free/search.h"
#include "base/free/sort.h"
#include "graph/inner.h"

// As many references share an entry of source_index: a list of sources next to that of references
// would be half of a graph's memory.
enum { SOURCE_STEP = 64 };

// Memory is asked for so many references before it is needed.
enum { AHEAD = 16 };

static bool flags_own(unsigned naming) {
    return (naming & (MM_REF_WEAK | MM_REF_BORROWED)) == 0;
}

// tp_traverse of a heap type reports ob_type as well; the type column already says that.
static bool edge_is_type_word(const mm_graph *graph, uint32_t edge) {
    const mm_file *file = graph->file;
    return mm_file_naming(file, edge) == MM_NAME_WORD && file->reference_argument[edge] == 1 &&
           mm_graph_kind(graph, file->reference_target[edge]) == MM_KIND_TYPE;
}

bool mm_graph_edge_owns_by_target(const mm_graph *graph, uint32_t edge) {
    MM_ASSERT(edge < graph->file->reference_count);
    MM_ASSERT(flags_own(graph->file->reference_naming[edge]));
    if ((graph->file->reference_naming[edge] & MM_REF_GUESSED) != 0) {
        uint32_t target = graph->file->reference_target[edge];
        return (graph->node_flags[target] & MM_NODE_GUESSED) != 0;
    }
    return !edge_is_type_word(graph, edge);
}

uint32_t mm_graph_unaccounted(const mm_graph *graph, uint32_t node) {
    MM_ASSERT(node < graph->root_node);
    uint32_t count = graph->file->refcount[node];
    uint32_t found = graph->strong_found[node];
    return count == MM_NONE || count <= found ? 0 : count - found;
}

uint32_t mm_graph_root_count(const mm_graph *graph, uint32_t root) {
    MM_ASSERT(root < graph->file->root_count);
    const mm_file_root *r = &graph->file->roots[root];
    return r->kind == MM_ROOT_HELD ? r->owner : 1;
}

bool mm_graph_root_is_atexit(const mm_graph *graph, uint32_t root) {
    static const char begins[] = "atexit callback";
    MM_ASSERT(root < graph->file->root_count);
    const mm_file_root *r = &graph->file->roots[root];
    // The name of a frame's variable is a number in its code, and nobody has looked at that.
    return r->kind == MM_ROOT_INTERPRETER && r->name != MM_NONE &&
           strncmp(graph->file->names[r->name], begins, sizeof(begins) - 1) == 0;
}

uint32_t mm_graph_edge_source(const mm_graph *graph, uint32_t edge) {
    const uint32_t *start = graph->file->reference_start;
    MM_ASSERT(edge < graph->file->reference_count);
    uint32_t low = graph->source_index[edge / SOURCE_STEP];
    uint32_t high = graph->source_index[edge / SOURCE_STEP + 1];
    // The first node whose references begin after this one comes right behind its source.
    uint32_t source =
        low + (uint32_t)mm_lower_bound_u32(&start[low + 1], sizeof(*start), high - low, edge + 1);
    MM_ASSERT(edge >= start[source]);
    MM_ASSERT(edge < start[source + 1]);
    return source;
}

// Count all references to each node in reverse_start, and in strong_found how many of them do not
// own: nearly all do, so that the second count costs next to nothing. True if some are guessed.
static bool references_count(mm_graph *graph) {
    const mm_file *file = graph->file;
    const uint32_t *target = file->reference_target;
    uint32_t *count = graph->reverse_start;
    uint32_t end = file->reference_count;
    bool guessed = false;
    for (uint32_t edge = 0; edge < end; edge++) {
        MM_PREFETCH(&count[target[end - edge > AHEAD ? edge + AHEAD : edge]]);
        count[target[edge]]++;
        unsigned naming = file->reference_naming[edge];
        if (MM_UNLIKELY((naming & MM_REF_GUESSED) != 0)) {
            guessed = true;
            graph->strong_found[target[edge]]++;
        } else if (MM_UNLIKELY(!mm_graph_edge_owns(graph, edge))) {
            graph->strong_found[target[edge]]++;
        }
    }
    return guessed;
}

// Place each reference in its target's list, the last first: each start moves down to its final
// place, and lists ascend. Two waits for memory a reference, both asked for in advance.
static void reverse_place(mm_graph *graph) {
    const mm_file *file = graph->file;
    const uint32_t *target = file->reference_target;
    uint32_t *start = graph->reverse_start;
    for (uint32_t edge = file->reference_count; edge-- > 0;) {
        if (MM_LIKELY(edge >= 2 * AHEAD)) {
            MM_PREFETCH(&start[target[edge - 2 * AHEAD]]);
            MM_PREFETCH(&graph->reverse_edge[start[target[edge - AHEAD]] - 1]);
        }
        graph->reverse_edge[--start[target[edge]]] = edge;
    }
}

// Fill the reverse references, and strong_found with what references alone say of it. True if some
// are guessed: those are not in it yet.
static bool reverse_fill(mm_graph *graph) {
    const mm_file *file = graph->file;
    uint32_t *start = graph->reverse_start;
    bool guessed = references_count(graph);
    uint32_t sum = 0;
    for (uint32_t node = 0; node < file->object_count; node++) {
        graph->strong_found[node] = start[node] - graph->strong_found[node];
        sum += start[node];
        start[node] = sum;
    }
    start[file->object_count] = sum;
    MM_ASSERT(sum == file->reference_count);
    reverse_place(graph);
    return guessed;
}

static void sources_fill(mm_graph *graph) {
    const mm_file *file = graph->file;
    uint32_t next = 0;
    for (uint32_t source = 0; source < file->object_count; source++) {
        for (; (uint64_t)next * SOURCE_STEP < file->reference_start[source + 1]; next++) {
            graph->source_index[next] = source;
        }
    }
    MM_ASSERT((uint64_t)next * SOURCE_STEP >= file->reference_count);
    graph->source_index[next] = file->object_count == 0 ? 0 : file->object_count - 1;
}

static void guessed_count(mm_graph *graph) {
    const mm_file *file = graph->file;
    for (uint32_t edge = 0; edge < file->reference_count; edge++) {
        unsigned naming = file->reference_naming[edge];
        uint32_t target = file->reference_target[edge];
        if ((naming & MM_REF_GUESSED) != 0 && flags_own(naming) &&
            mm_graph_unaccounted(graph, target) > 0) {
            graph->node_flags[target] |= MM_NODE_GUESSED;
        }
    }
    for (uint32_t edge = 0; edge < file->reference_count; edge++) {
        unsigned naming = file->reference_naming[edge];
        uint32_t target = file->reference_target[edge];
        if ((naming & MM_REF_GUESSED) != 0 && flags_own(naming) &&
            mm_graph_unaccounted(graph, target) > 0) {
            graph->strong_found[target]++;
        }
    }
}

// What owns besides references, and what guessed references fill up.
static void strong_count(mm_graph *graph, bool guessed) {
    const mm_file *file = graph->file;
    for (uint32_t root = 0; root < file->root_count; root++) {
        uint32_t object = file->roots[root].object;
        graph->node_flags[object] |= MM_NODE_ROOT;
        if (mm_file_root_owns(file, root)) {
            graph->strong_found[object] += mm_graph_root_count(graph, root);
        }
    }
    // Table and key hold the value together, and have one reference to it.
    for (uint32_t i = 0; i < file->ephemeron_count; i++) {
        graph->strong_found[file->ephemerons[i].value]++;
    }
    for (uint32_t node = 0; node < file->object_count; node++) {
        graph->instance_count[file->type[node]]++;
    }
    for (uint32_t type = 0; type < file->type_count; type++) {
        const mm_file_type *t = &file->types[type];
        if ((t->flags & MM_TYPE_HEAP) != 0 && t->object != MM_NONE) {
            graph->strong_found[t->object] += graph->instance_count[type];
        }
    }
    if (guessed) {
        guessed_count(graph);
    }
}

static uint32_t field_count_of(const mm_file *file) {
    uint32_t count = 0;
    for (uint32_t type = 0; type < file->type_count; type++) {
        uint32_t end = file->types[type].field_start + file->types[type].field_count;
        count = end > count ? end : count;
    }
    return count;
}

static bool index_before(const void *a, const void *b, const void *context) {
    (void)context;
    return *(const uint64_t *)a < *(const uint64_t *)b;
}

// Sort what is looked up by its upper half; `buffer` is as long.
static void index_sort(uint64_t *items, uint64_t *buffer, size_t count) {
    mm_sort(items, buffer, count, sizeof(*items), index_before, NULL);
}

// Fields of a type stand together; each type's are sorted for themselves.
static void indices_fill(mm_graph *graph, uint64_t *buffer) {
    const mm_file *file = graph->file;
    for (uint32_t root = 0; root < file->root_count; root++) {
        graph->root_index[root] = (uint64_t)file->roots[root].object << 32 | root;
    }
    index_sort(graph->root_index, buffer, file->root_count);
    for (uint32_t type = 0; type < file->type_count; type++) {
        graph->class_index[type] = (uint64_t)file->types[type].object << 32 | type;
    }
    index_sort(graph->class_index, buffer, file->type_count);
    for (uint32_t type = 0; type < file->type_count; type++) {
        const mm_file_type *t = &file->types[type];
        for (uint32_t i = t->field_start; i < t->field_start + t->field_count; i++) {
            graph->field_index[i] = (uint64_t)file->fields[i].word << 32 | i;
        }
        index_sort(graph->field_index + t->field_start, buffer, t->field_count);
    }
}

uint32_t mm_graph_roots_of(const mm_graph *graph, uint32_t node, uint32_t *ret_first) {
    MM_ASSERT(node < graph->root_node);
    size_t count = graph->file->root_count;
    const uint64_t *index = graph->root_index;
    *ret_first = (uint32_t)mm_lower_bound_u64(index, sizeof(*index), count, (uint64_t)node << 32);
    return (uint32_t)mm_lower_bound_u64(index, sizeof(*index), count, ((uint64_t)node + 1) << 32);
}

// False when memory is out.
static bool graph_take(mm_graph *graph, uint32_t fields, mm_arena *arena, uint64_t **ret_buffer) {
    const mm_file *file = graph->file;
    size_t nodes = (size_t)file->object_count + 1;
    size_t edges = (size_t)file->reference_count + 1;
    size_t types = (size_t)file->type_count + 1;
    size_t roots = (size_t)file->root_count + 1;
    size_t most = types > roots ? types : roots;
    most = most > fields ? most : (size_t)fields + 1;
    graph->reverse_start = MM_ARENA_NEW(arena, uint32_t, nodes);
    graph->reverse_edge = MM_ARENA_NEW(arena, uint32_t, edges);
    graph->source_index = MM_ARENA_NEW(arena, uint32_t, edges / SOURCE_STEP + 2);
    graph->node_flags = MM_ARENA_NEW(arena, uint8_t, nodes);
    graph->strong_found = MM_ARENA_NEW(arena, uint32_t, nodes);
    graph->owner_edge = MM_ARENA_NEW(arena, uint32_t, nodes);
    graph->instance_count = MM_ARENA_NEW(arena, uint32_t, types);
    graph->root_index = MM_ARENA_NEW(arena, uint64_t, roots);
    graph->class_index = MM_ARENA_NEW(arena, uint64_t, types);
    graph->field_index = MM_ARENA_NEW(arena, uint64_t, (size_t)fields + 1);
    graph->field_role = MM_ARENA_NEW(arena, uint8_t, (size_t)fields + 1);
    graph->name_role = MM_ARENA_NEW(arena, uint8_t, (size_t)file->name_count + 1);
    *ret_buffer = MM_ARENA_NEW(arena, uint64_t, most);
    return graph->reverse_start != NULL && graph->reverse_edge != NULL &&
           graph->source_index != NULL && graph->node_flags != NULL &&
           graph->strong_found != NULL && graph->owner_edge != NULL &&
           graph->instance_count != NULL && graph->root_index != NULL &&
           graph->class_index != NULL && graph->field_index != NULL && graph->field_role != NULL &&
           graph->name_role != NULL && *ret_buffer != NULL;
}

MM_STATUS mm_graph_build(const mm_file *file, mm_arena *arena, mm_graph *ret, mm_error *err) {
    MM_ASSERT(file->object_count < MM_NONE);
    mm_graph graph = {.file = file, .root_node = file->object_count};
    uint32_t fields = field_count_of(file);
    uint64_t *buffer = NULL;
    if (!graph_take(&graph, fields, arena, &buffer)) {
        return mm_fail(err, MM_E_NOMEM, "no memory for the graph", 0);
    }
    memset(graph.owner_edge, 0xff, ((size_t)file->object_count + 1) * sizeof(*graph.owner_edge));
    indices_fill(&graph, buffer);
    const char *keys = mm_file_meta_of(file, "keys");
    graph.keys = keys != NULL && strcmp(keys, "yes") == 0;
    mm_graph_roles_fill(&graph, fields);
    bool guessed = reverse_fill(&graph);
    sources_fill(&graph);
    strong_count(&graph, guessed);
    mm_graph_flags_fill(&graph);
    *ret = graph;
    return MM_OK;
}
