// One object that grows, although nothing new hangs on it: a list that gets the same small integer
// again and again, a bytearray that is extended, a text that is bound again to a longer one. Three
// numbers of each old object are followed through all marks: its references, its bytes, and the
// bytes of the leaves that it holds. What never falls, rises in most early rounds, and rises over
// the long run in proportion, grows.
//
// What is the source of a reference that was found guilty is left out: it would be said twice.
#include <string.h>

#include "analyze/growing.h"
#include "base/free/sort.h"

enum { ENTRIES_MIN = 5, BYTES_MIN = 100, FINDINGS_MAX = 16 };

typedef enum one_kind { ONE_ENTRIES, ONE_BYTES, ONE_LEAF, ONE_KINDS } one_kind;

typedef struct one_object {
    uint32_t node;
    one_kind kind;
    uint64_t rise;  // over the early rounds
} one_object;

static uint64_t one_value(const mm_mark *mark, uint32_t at, one_kind kind) {
    mm_mark_row row = mm_mark_row_of(mark, at);
    return kind == ONE_ENTRIES ? row.entries : kind == ONE_BYTES ? row.bytes : row.leaf_bytes;
}

// Is any of the numbers greater than it was?
static bool one_is_more(const mm_mark *first, uint32_t then, const mm_mark *now, uint32_t node) {
    mm_mark_row before = mm_mark_row_of(first, then);
    mm_mark_row after = mm_mark_row_of(now, node);
    return after.entries > before.entries || after.bytes > before.bytes ||
           after.leaf_bytes > before.leaf_bytes;
}

// Values of an object by mark, in the order of time; false where it was not there.
static bool one_marks(const mm_growing *work, uint32_t node, uint32_t *ret_at) {
    const mm_growth_input *input = work->input;
    const mm_mark *now = &input->marks[input->early];
    for (uint32_t i = 0; i < input->mark_count; i++) {
        uint32_t at = i == input->early ? node : mm_mark_find(&input->marks[i], now->address[node]);
        if (at == MM_NONE || mm_mark_type_of(&input->marks[i], at) != mm_mark_type_of(now, node)) {
            return false;
        }
        ret_at[i] = at;
    }
    return true;
}

// Does the number grow, and by how much over the early rounds? 0 = no.
static uint64_t one_rise(const mm_growing *work, const uint32_t *at, one_kind kind) {
    const mm_growth_input *input = work->input;
    uint32_t early = input->early;
    uint32_t rising = 0;
    uint32_t rising_then = 0;  // in the second half of the rounds
    for (uint32_t i = 1; i < input->mark_count; i++) {
        uint64_t before = one_value(&input->marks[i - 1], at[i - 1], kind);
        uint64_t after = one_value(&input->marks[i], at[i], kind);
        if (after < before) {
            return 0;
        }
        rising += i <= early && after > before;
        rising_then += i <= early && i > early / 2 && after > before;
    }
    uint64_t first = one_value(&input->marks[0], at[0], kind);
    uint64_t last = one_value(&input->marks[early], at[early], kind);
    uint64_t rise = last - first;
    // Where no late round tells, what rose at the beginning alone is full.
    if (early + 1 == input->mark_count && rising_then * 2 < early - early / 2) {
        return 0;
    }
    if (rising * 2 < early || rise < (kind == ONE_ENTRIES ? ENTRIES_MIN : BYTES_MIN)) {
        return 0;
    }
    if (early + 1 < input->mark_count) {
        uint64_t later = one_value(&input->marks[early + 1], at[early + 1], kind);
        uint64_t ratio = mm_growing_ratio(work, early, early + 1);
        if ((later - last) * 2000 * early < rise * ratio) {
            return 0;
        }
    }
    return rise;
}

// The leaf of `node` that grew most from the early to the late graph; MM_NONE when none of them
// explains half of the rise.
static uint32_t leaf_edge(const mm_growing *work, uint32_t node, uint64_t rise) {
    const mm_file *file = work->early.graph->file;
    const mm_graph *late = work->late.graph;
    uint32_t best = MM_NONE;
    uint64_t most = 0;
    uint32_t then = late != NULL ? mm_file_find(late->file, file->address[node]) : MM_NONE;
    for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
         edge++) {
        uint32_t target = file->reference_target[edge];
        if (file->reference_start[target] != file->reference_start[target + 1] ||
            !mm_graph_edge_owns(work->early.graph, edge) ||
            mm_file_naming(file, edge) == MM_NAME_KEY) {
            continue;
        }
        uint64_t bytes = mm_file_size_of(file, target) + mm_file_storage_of(file, target);
        if (bytes < rise || bytes <= most) {
            continue;
        }
        if (then != MM_NONE) {
            uint64_t key = mm_growing_key(work->early.graph, node, edge);
            bool grew = false;
            for (uint32_t i = late->file->reference_start[then];
                 i < late->file->reference_start[then + 1] && !grew; i++) {
                uint32_t after = late->file->reference_target[i];
                grew = mm_file_naming(late->file, i) == mm_file_naming(file, edge) &&
                       mm_file_size_of(late->file, after) + mm_file_storage_of(late->file, after) >
                           bytes + BYTES_MIN &&
                       mm_growing_key(late, then, i) == key;
            }
            if (!grew) {
                continue;
            }
        }
        most = bytes;
        best = edge;
    }
    return best;
}

// Mark the sources of all that is steady as seen.
static void guilty_mark(mm_growing *work) {
    const mm_growing_side *side = &work->early;
    work->walk++;
    for (uint32_t i = 0; i < side->group_count; i++) {
        const mm_growing_group *group = &side->groups[i];
        for (uint32_t r = 0; group->object_rate > 0 && r < group->ref_count; r++) {
            if (group->refs[r].source != side->graph->root_node) {
                work->seen[group->refs[r].source] = work->walk;
            }
        }
    }
}

static bool is_said(const mm_growing *work, mm_growth_edge guilty) {
    for (uint32_t i = 0; i < work->finding_count; i++) {
        if (work->findings[i].guilty.source == guilty.source &&
            work->findings[i].guilty.edge == guilty.edge) {
            return true;
        }
    }
    return false;
}

bool mm_growing_is_interned(const mm_graph *graph, uint32_t node) {
    uint32_t first = 0;
    uint32_t end = mm_graph_roots_of(graph, node, &first);
    for (uint32_t i = first; i < end; i++) {
        if (graph->file->roots[(uint32_t)graph->root_index[i]].kind == MM_ROOT_INTERNED) {
            return true;
        }
    }
    return false;
}

static MM_STATUS one_report(mm_growing *work, const one_object *object) {
    const mm_growing_side *side = &work->early;
    const mm_graph *graph = side->graph;
    uint32_t node = object->node;
    mm_growth_edge guilty = {MM_NONE, MM_NONE};
    if (object->kind == ONE_LEAF) {
        uint32_t edge = leaf_edge(work, node, object->rise);
        if (edge == MM_NONE) {
            return MM_OK;
        }
        guilty.source = node;
        guilty.edge = edge;
        node = graph->file->reference_target[edge];
    } else if (side->paths.via[node] == MM_VIA_EDGE) {
        guilty.edge = side->paths.link[node];
        guilty.source = mm_graph_edge_source(graph, guilty.edge);
    } else if (side->paths.via[node] == MM_VIA_ROOT) {
        guilty.edge = side->paths.link[node];
        guilty.source = graph->root_node;
    } else {
        return MM_OK;
    }
    if (is_said(work, guilty)) {
        return MM_OK;
    }
    mm_growth_finding *finding = mm_growing_finding(work);
    if (finding == NULL) {
        return MM_E_NOMEM;
    }
    finding->kind = MM_GROWTH_ONE_OBJECT;
    finding->settled = work->late.graph == NULL ? MM_SETTLED_UNKNOWN : MM_SETTLED_LEAK;
    finding->guilty = guilty;
    finding->newest = node;
    finding->type = mm_growing_type(side, node);
    finding->types = MM_ARENA_NEW(work->arena, uint32_t, 1);
    if (finding->types == NULL) {
        return MM_E_NOMEM;
    }
    finding->types[0] = finding->type;
    finding->type_count = 1;
    (void)mm_graph_entries(graph, node, &finding->entries);
    finding->grown_bytes = object->kind == ONE_ENTRIES ? object->rise * 8 : object->rise;
    finding->grown_objects = object->kind == ONE_ENTRIES ? object->rise : 0;
    uint64_t before = work->input->marks[0].process.steps;
    uint64_t after = work->input->marks[work->input->early].process.steps;
    finding->steps =
        before != MM_UNKNOWN && after != MM_UNKNOWN && after > before ? after - before : MM_UNKNOWN;
    return MM_OK;
}

static bool one_before(const void *left, const void *right, const void *context) {
    const one_object *a = left;
    const one_object *b = right;
    (void)context;
    uint64_t a_bytes = a->kind == ONE_ENTRIES ? a->rise * 8 : a->rise;
    uint64_t b_bytes = b->kind == ONE_ENTRIES ? b->rise * 8 : b->rise;
    return a_bytes > b_bytes;
}

MM_STATUS mm_growing_one(mm_growing *work) {
    const mm_growing_side *side = &work->early;
    const mm_mark *now = &side->marks[side->rounds];
    uint32_t *at = MM_ARENA_NEW(work->arena, uint32_t, (size_t)work->input->mark_count + 1);
    size_t count = 0;
    size_t room = 64;
    one_object *objects = MM_ARENA_NEW(work->arena, one_object, room);
    if (at == NULL || objects == NULL) {
        return MM_E_NOMEM;
    }
    guilty_mark(work);
    const mm_mark *first = &side->marks[0];
    uint32_t next = 0;  // of the first mark: both ascend by address
    for (uint32_t node = 0; node < now->count && count < room; node++) {
        while (next < first->count && first->address[next] < now->address[node]) {
            next++;
        }
        bool there = next < first->count && first->address[next] == now->address[node];
        bool looked_at =
            there && side->birth[node] == 0 && now->reached[node] == MM_REACHED_NAMED &&
            side->paths.via[node] != MM_VIA_NOTHING && side->paths.level[node] != MM_LEVEL_C;
        uint32_t then = looked_at ? next : MM_NONE;
        // Most objects are as they were: these need no look at every mark.
        if (then == MM_NONE || !one_is_more(first, then, now, node)) {
            continue;
        }
        uint64_t bound = MM_UNKNOWN;
        if (!one_marks(work, node, at) || work->seen[node] == work->walk ||
            mm_growing_is_interned(side->graph, node) ||
            mm_growing_is_bounded(side->graph, node, &bound)) {
            continue;
        }
        bool more_entries = mm_mark_row_of(now, node).entries > mm_mark_row_of(first, then).entries;
        for (unsigned kind = 0; kind < ONE_KINDS; kind++) {
            // A table's own bytes follow its entries: where those stand still, it is full.
            if (kind == ONE_BYTES && more_entries) {
                continue;
            }
            one_object object = {node, (one_kind)kind, one_rise(work, at, (one_kind)kind)};
            if (object.rise > 0) {
                objects[count++] = object;
                break;
            }
        }
    }
    one_object *buffer = MM_ARENA_NEW(work->arena, one_object, room);
    if (buffer == NULL) {
        return MM_E_NOMEM;
    }
    mm_sort(objects, buffer, count, sizeof(*objects), one_before, NULL);
    for (size_t i = 0; i < count && i < FINDINGS_MAX; i++) {
        MM_TRY(one_report(work, &objects[i]));
    }
    return MM_OK;
}
