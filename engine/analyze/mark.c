// Sizes come straight from the file; the counts of owning references and what nobody accounts for
// need the graph. What is reached needs a walk, which the marks whose graphs are asked alone are
// worth. What each leaf has in bytes is put in a column first: of every reference one number is
// asked then, and not three. Names are interned in
// an open-addressed table that doubles: a session has some thousand types and looks each up once a
// mark.
#include "analyze/mark.h"

#include <string.h>

#include "base/free/search.h"

enum { NAME_BYTES = 512, SLOTS_FIRST = 1024, WIDE_FIRST = 1024, AHEAD = 16 };

static uint32_t name_hash(const char *text) {
    uint32_t hash = 0x811c9dc5u;
    for (const char *at = text; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * 0x01000193u;
    }
    return hash;
}

void mm_type_names_init(mm_type_names *names, mm_arena *arena) {
    mm_type_names empty = {.arena = arena};
    *names = empty;
}

static MM_STATUS names_grow(mm_type_names *names) {
    uint32_t slot_count = names->slot_count == 0 ? SLOTS_FIRST : names->slot_count * 2;
    uint32_t room = slot_count / 2;
    uint32_t *slots = MM_ARENA_NEW(names->arena, uint32_t, slot_count);
    const char **texts = MM_ARENA_NEW(names->arena, const char *, room);
    if (slots == NULL || texts == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t i = 0; i < names->count; i++) {
        uint32_t at = name_hash(names->names[i]) & (slot_count - 1);
        while (slots[at] != 0) {
            at = (at + 1) & (slot_count - 1);
        }
        slots[at] = i + 1;
        texts[i] = names->names[i];
    }
    MM_ARENA_GIVE_BACK(names->arena, names->slots, names->slot_count);
    names->slots = slots;
    names->names = texts;
    names->slot_count = slot_count;
    names->room = room;
    return MM_OK;
}

// The number of a name, made when there is none.
static MM_STATUS names_number(mm_type_names *names, const char *text, uint32_t *ret) {
    if (names->count == names->room) {
        MM_TRY(names_grow(names));
    }
    MM_ASSERT(names->count < names->slot_count);
    uint32_t at = name_hash(text) & (names->slot_count - 1);
    while (names->slots[at] != 0) {
        if (strcmp(names->names[names->slots[at] - 1], text) == 0) {
            *ret = names->slots[at] - 1;
            return MM_OK;
        }
        at = (at + 1) & (names->slot_count - 1);
    }
    size_t bytes = strlen(text) + 1;
    char *kept = MM_ARENA_NEW(names->arena, char, bytes);
    if (kept == NULL) {
        return MM_E_NOMEM;
    }
    memcpy(kept, text, bytes);
    names->names[names->count++] = kept;
    names->slots[at] = names->count;
    *ret = names->count - 1;
    return MM_OK;
}

MM_STATUS mm_type_names_of(mm_type_names *names, const mm_graph *graph, mm_arena *arena,
                           uint32_t **ret, mm_error *err) {
    static const char no_memory[] = "no memory for the names of types";
    const mm_file *file = graph->file;
    char text[NAME_BYTES];
    uint32_t *number = MM_ARENA_NEW(arena, uint32_t, (size_t)file->type_count + 1);
    if (number == NULL) {
        return mm_fail(err, MM_E_NOMEM, no_memory, 0);
    }
    for (uint32_t type = 0; type < file->type_count; type++) {
        (void)mm_graph_type_text(graph, type, text, sizeof(text));
        if (names_number(names, text, &number[type]) != MM_OK) {
            return mm_fail(err, MM_E_NOMEM, no_memory, 0);
        }
    }
    *ret = number;
    return MM_OK;
}

static uint64_t meta_number(const mm_file *file, const char *key) {
    const char *text = mm_file_meta_of(file, key);
    uint64_t number = 0;
    if (text == NULL || text[0] == '\0') {
        return MM_UNKNOWN;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || number > UINT64_MAX / 10 - 1) {
            return MM_UNKNOWN;
        }
        number = number * 10 + (uint64_t)(*at - '0');
    }
    return number;
}

static mm_mark_process process_of(const mm_file *file) {
    mm_mark_process process = {.steps = meta_number(file, "steps"),
                               .rss_bytes = meta_number(file, "rss_bytes"),
                               .malloc_bytes = meta_number(file, "malloc_bytes"),
                               .block_count = meta_number(file, "block_count"),
                               .nanoseconds = meta_number(file, "nanoseconds")};
    return process;
}

static uint32_t saturated(uint64_t number) {
    return number < MM_NONE ? (uint32_t)number : MM_NONE;
}

MM_STATUS mm_mark_row_put(mm_mark *mark, mm_arena *arena, uint32_t index, const mm_mark_row *row) {
    const uint32_t most = MM_MARK_WIDE - 1;
    mm_mark_short *at = &mark->rows[index];
    MM_ASSERT(index < mark->count);
    if (row->type <= most && row->entries <= most && row->bytes <= most &&
        row->leaf_bytes <= most) {
        mm_mark_short kept = {(uint16_t)row->type, (uint16_t)row->entries, (uint16_t)row->bytes,
                              (uint16_t)row->leaf_bytes};
        *at = kept;
        return MM_OK;
    }
    if (mark->wide_count == mark->wide_room) {
        uint32_t room = mark->wide_room == 0 ? WIDE_FIRST : mark->wide_room * 2;
        mm_mark_row *grown = MM_ARENA_NEW(arena, mm_mark_row, room);
        if (grown == NULL || room <= mark->wide_room) {
            return MM_E_NOMEM;
        }
        if (mark->wide_count > 0) {
            memcpy(grown, mark->wide, mark->wide_count * sizeof(*grown));
        }
        MM_ARENA_GIVE_BACK(arena, mark->wide, mark->wide_room);
        mark->wide = grown;
        mark->wide_room = room;
    }
    uint32_t place = mark->wide_count++;
    mm_mark_short link = {MM_MARK_WIDE, (uint16_t)(place & 0xffffu), (uint16_t)(place >> 16), 0};
    mark->wide[place] = *row;
    *at = link;
    return MM_OK;
}

// Bytes of what refers to nothing, saturated as a sum of them is; 0 for all others.
static void leaves_fill(const mm_file *file, uint32_t *leaf_bytes) {
    for (uint32_t node = 0; node < file->object_count; node++) {
        bool leaf = file->reference_start[node] == file->reference_start[node + 1];
        leaf_bytes[node] =
            leaf ? saturated(mm_file_size_of(file, node) + mm_file_storage_of(file, node)) : 0;
    }
}

// One object's row, and its share of its type's.
static MM_STATUS mark_object(const mm_graph *graph, uint32_t node, const uint32_t *number,
                             const uint32_t *leaves, mm_arena *perm, mm_mark *mark) {
    const mm_file *file = graph->file;
    uint64_t bytes = mm_file_size_of(file, node) + mm_file_storage_of(file, node);
    uint64_t leaf_bytes = 0;
    mm_mark_row row = {.type = number[file->type[node]], .bytes = saturated(bytes)};
    for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
         edge++) {
        bool more = file->reference_count - edge > AHEAD;
        MM_PREFETCH(&leaves[file->reference_target[more ? edge + AHEAD : edge]]);
        if (mm_graph_edge_owns(graph, edge)) {
            row.entries++;
            leaf_bytes += leaves[file->reference_target[edge]];
        }
    }
    row.leaf_bytes = saturated(leaf_bytes);
    mark->address[node] = file->address[node];
    MM_TRY(mm_mark_row_put(mark, perm, node, &row));
    if ((graph->node_flags[node] & MM_NODE_OWN) != 0) {
        return MM_OK;
    }
    mm_mark_type *type = &mark->types[row.type];
    type->object_count++;
    type->missing_count += mm_graph_unaccounted(graph, node);
    type->bytes += bytes;
    mark->total_bytes += bytes;
    return MM_OK;
}

// What the census of the allocators says beside the objects: types may share a name.
static void mark_census(const mm_file *file, const uint32_t *number, mm_mark *mark) {
    for (uint32_t i = 0; i < file->census_type_count; i++) {
        const mm_file_census_type *census = &file->census_types[i];
        mm_mark_type *type = &mark->types[number[census->type]];
        type->census_count = saturated(type->census_count + census->blocks);
        type->census_loose = saturated(type->census_loose + census->loose);
        type->census_bytes += census->bytes;
    }
}

// The table of interned strings owns what never dies, but no count says so.
static MM_STATUS mark_interned(const mm_file *file, mm_arena *perm, mm_mark *mark) {
    for (uint32_t root = 0; root < file->root_count; root++) {
        uint32_t table = file->roots[root].object;
        if (file->roots[root].kind == MM_ROOT_INTERNED) {
            mm_mark_row row = mm_mark_row_of(mark, table);
            row.entries = file->reference_start[table + 1] - file->reference_start[table];
            MM_TRY(mm_mark_row_put(mark, perm, table, &row));
        }
    }
    return MM_OK;
}

static MM_STATUS mark_fill(const mm_graph *graph, const uint32_t *number, mm_arena *perm,
                           mm_arena *scratch, mm_mark *mark) {
    const mm_file *file = graph->file;
    uint32_t *leaves = MM_ARENA_NEW(scratch, uint32_t, (size_t)mark->count + 1);
    if (leaves == NULL) {
        return MM_E_NOMEM;
    }
    leaves_fill(file, leaves);
    for (uint32_t node = 0; node < mark->count; node++) {
        MM_TRY(mark_object(graph, node, number, leaves, perm, mark));
    }
    MM_ARENA_GIVE_BACK(scratch, leaves, (size_t)mark->count + 1);
    mark_census(file, number, mark);
    return mark_interned(file, perm, mark);
}

MM_STATUS mm_mark_take(const mm_graph *graph, mm_type_names *names, mm_arena *perm,
                       mm_arena *scratch, mm_mark *ret, mm_error *err) {
    static const char no_memory[] = "no memory to remember a snapshot";
    const mm_file *file = graph->file;
    size_t room = (size_t)file->object_count + 1;
    mm_mark mark = {.count = file->object_count, .process = process_of(file)};
    uint32_t *number = NULL;
    MM_TRY(mm_type_names_of(names, graph, scratch, &number, err));
    mark.type_count = names->count;
    mark.address = MM_ARENA_NEW(perm, uint64_t, room);
    mark.rows = MM_ARENA_NEW(perm, mm_mark_short, room);
    mark.types = MM_ARENA_NEW(perm, mm_mark_type, (size_t)mark.type_count + 1);
    if (mark.address == NULL || mark.rows == NULL || mark.types == NULL) {
        return mm_fail(err, MM_E_NOMEM, no_memory, 0);
    }
    if (mark_fill(graph, number, perm, scratch, &mark) != MM_OK) {
        return mm_fail(err, MM_E_NOMEM, no_memory, 0);
    }
    MM_ARENA_GIVE_BACK(scratch, number, (size_t)file->type_count + 1);
    *ret = mark;
    return MM_OK;
}

MM_STATUS mm_mark_reach(const mm_graph *graph, mm_arena *perm, mm_mark *mark, mm_error *err) {
    mm_reach reach;
    MM_ASSERT(mark->count == graph->root_node);
    MM_TRY(mm_reach_mark(graph, perm, &reach, err));
    for (uint32_t node = 0; node < mark->count; node++) {
        bool own = (graph->node_flags[node] & MM_NODE_OWN) != 0;
        reach.reached[node] |= own ? MM_MARK_OWN : 0;
    }
    mark->reached = reach.reached;
    return MM_OK;
}

uint32_t mm_mark_find(const mm_mark *mark, uint64_t address) {
    size_t at = mm_lower_bound_u64(mark->address, sizeof(*mark->address), mark->count, address);
    return at < mark->count && mark->address[at] == address ? (uint32_t)at : MM_NONE;
}
