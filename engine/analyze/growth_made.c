// Which objects of a further round a finding speaks of. The session is over when that round runs,
// so it has a graph and no mark: the reference that was found guilty is looked up in it by the
// address of its source, which was old in the session and is older now, and by its name.
//
//     old dict ──[*]──▶ of the session ──▶ of the session
//              ──[*]──▶ of the round ──▶ of the round         wanted: those of the finding's type
//
// The way from there leads through everything that is younger than the session: a chain grows at
// its end, and what is new hangs on what was new before. A source that is there no more, because
// its holder makes it anew at every step, answers nothing: no object of the type that merely is
// there is taken for one of those.
#include <string.h>

#include "analyze/growing.h"

enum { MADE_TEXT_BYTES = 512 };

typedef struct made_search {
    const mm_growth_input *input;
    const mm_graph *round;
    uint32_t *queue;
    uint8_t *met;
    uint32_t count;
} made_search;

static bool was_there(const mm_mark *mark, const mm_file *file, uint32_t node) {
    return mm_mark_find(mark, file->address[node]) != MM_NONE;
}

static void made_meet(made_search *search, uint32_t node) {
    const mm_mark *baseline = &search->input->marks[0];
    if (search->met[node] == 0 && !was_there(baseline, search->round->file, node)) {
        search->met[node] = 1;
        search->queue[search->count++] = node;
    }
}

// The node of a source in the round, or MM_NONE: an address may be used again by another type.
static uint32_t source_then(const made_search *search, uint32_t source) {
    const mm_file *early = search->input->early_graph->file;
    uint32_t node = mm_file_find(search->round->file, early->address[source]);
    char before[MADE_TEXT_BYTES];
    char now[MADE_TEXT_BYTES];
    if (node == MM_NONE) {
        return MM_NONE;
    }
    (void)mm_graph_type_text(search->input->early_graph, early->type[source], before,
                             sizeof(before));
    (void)mm_graph_type_text(search->round, search->round->file->type[node], now, sizeof(now));
    return strcmp(before, now) == 0 ? node : MM_NONE;
}

// What references of one name lead to, or `all` of the source.
static void edges_meet(made_search *search, const mm_growth_edge *like, bool all) {
    const mm_graph *early = search->input->early_graph;
    const mm_file *file = search->round->file;
    uint64_t key = mm_growing_key(early, like->source, like->edge);
    uint32_t source = source_then(search, like->source);
    if (source == MM_NONE) {
        return;
    }
    for (uint32_t edge = file->reference_start[source]; edge < file->reference_start[source + 1];
         edge++) {
        if (mm_graph_edge_owns(search->round, edge) &&
            (all || mm_growing_key(search->round, source, edge) == key)) {
            made_meet(search, file->reference_target[edge]);
        }
    }
}

static void roots_meet(made_search *search, const mm_growth_finding *finding) {
    const mm_file *file = search->round->file;
    uint64_t key = mm_growing_root_key(search->input->early_graph, finding->guilty.edge);
    for (uint32_t root = 0; root < file->root_count; root++) {
        if (mm_file_root_owns(file, root) && mm_growing_root_key(search->round, root) == key) {
            made_meet(search, file->roots[root].object);
        }
    }
}

// Everything behind what is in the queue.
static void made_walk(made_search *search) {
    const mm_file *file = search->round->file;
    for (uint32_t head = 0; head < search->count; head++) {
        uint32_t node = search->queue[head];
        for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
             edge++) {
            if (mm_graph_edge_owns(search->round, edge)) {
                made_meet(search, file->reference_target[edge]);
            }
        }
    }
}

// Everything that is alive in one way, as far as it is younger than the session.
static MM_STATUS reached_meet(made_search *search, mm_reached how, mm_arena *arena, mm_error *err) {
    mm_reach reach;
    MM_TRY(mm_reach_mark(search->round, arena, &reach, err));
    for (uint32_t node = 0; node < search->round->root_node; node++) {
        if (reach.reached[node] == how) {
            made_meet(search, node);
        }
    }
    return MM_OK;
}

// Keep what has the type and is younger than the last mark, as addresses.
static MM_STATUS made_keep(const made_search *search, const char *type, mm_arena *arena,
                           uint64_t **ret, uint32_t *ret_count, mm_error *err) {
    const mm_file *file = search->round->file;
    const mm_mark *last = &search->input->marks[search->input->mark_count - 1];
    char text[MADE_TEXT_BYTES];
    uint32_t count = 0;
    uint8_t *named = MM_ARENA_NEW(arena, uint8_t, (size_t)file->type_count + 1);
    uint64_t *addresses = MM_ARENA_NEW(arena, uint64_t, (size_t)search->count + 1);
    if (named == NULL || addresses == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory for what a round made", 0);
    }
    for (uint32_t i = 0; i < file->type_count; i++) {
        (void)mm_graph_type_text(search->round, i, text, sizeof(text));
        named[i] = strcmp(text, type) == 0;
    }
    for (uint32_t i = 0; i < search->count; i++) {
        uint32_t node = search->queue[i];
        if (named[file->type[node]] != 0 && !was_there(last, file, node) &&
            (search->round->node_flags[node] & MM_NODE_OWN) == 0) {
            addresses[count++] = file->address[node];
        }
    }
    *ret = addresses;
    *ret_count = count;
    return MM_OK;
}

static MM_STATUS made_init(const mm_growth_input *input, const mm_graph *round, mm_arena *arena,
                           made_search *ret, mm_error *err) {
    size_t room = (size_t)round->root_node + 1;
    made_search search = {.input = input, .round = round};
    search.queue = MM_ARENA_NEW(arena, uint32_t, room);
    search.met = MM_ARENA_NEW(arena, uint8_t, room);
    *ret = search;
    return search.queue == NULL || search.met == NULL
               ? mm_fail(err, MM_E_NOMEM, "no memory to look for what a round made", 0)
               : MM_OK;
}

MM_STATUS mm_growth_made(const mm_growth_input *input, const mm_growth_finding *finding,
                         const mm_graph *round, mm_arena *arena, uint64_t **ret,
                         uint32_t *ret_count, mm_error *err) {
    made_search search;
    MM_ASSERT(input->mark_count > 0);
    MM_ASSERT(finding->type == MM_NONE || finding->type < input->names->count);
    MM_TRY(made_init(input, round, arena, &search, err));
    *ret_count = 0;
    if (finding->type == MM_NONE) {
        return MM_OK;
    }
    if (finding->kind == MM_GROWTH_BY_C || finding->kind == MM_GROWTH_GC_INVISIBLE) {
        bool by_c = finding->kind == MM_GROWTH_BY_C;
        MM_TRY(reached_meet(&search, by_c ? MM_REACHED_BY_C : MM_REACHED_NOT, arena, err));
    } else if (finding->guilty.source == MM_NONE) {
        return MM_OK;
    } else if (finding->guilty.source == input->early_graph->root_node) {
        roots_meet(&search, finding);
    } else {
        edges_meet(&search, &finding->guilty, finding->names);
    }
    // What leads to a chain's head may be old, and the head too.
    if (finding->chain && finding->link.source != MM_NONE &&
        finding->link.source != input->early_graph->root_node) {
        edges_meet(&search, &finding->link, false);
    }
    // What an old object itself refers to is all that is asked of one that grows.
    if (finding->kind != MM_GROWTH_ONE_OBJECT) {
        made_walk(&search);
    }
    return made_keep(&search, input->names->names[finding->type], arena, ret, ret_count, err);
}

MM_STATUS mm_growth_waiting(const mm_growth_input *input, const char *type, const mm_graph *round,
                            mm_arena *arena, uint64_t **ret, uint32_t *ret_count, mm_error *err) {
    made_search search;
    MM_ASSERT(input->mark_count > 1);
    MM_TRY(made_init(input, round, arena, &search, err));
    MM_TRY(reached_meet(&search, MM_REACHED_NOT, arena, err));
    return made_keep(&search, type, arena, ret, ret_count, err);
}

// Each type of that name, with room for its objects. `number`: by type, the one in `seen` plus 1.
static MM_STATUS seen_begin(const mm_graph *round, const char *name, mm_arena *arena,
                            uint32_t *number, mm_growth_seen *seen, uint32_t *ret_count) {
    const mm_file *file = round->file;
    char text[MADE_TEXT_BYTES];
    for (uint32_t type = 0; type < file->type_count; type++) {
        (void)mm_graph_type_text(round, type, text, sizeof(text));
        if (file->types[type].object != MM_NONE && strcmp(text, name) == 0) {
            seen[*ret_count].type = file->address[file->types[type].object];
            number[type] = ++*ret_count;
        }
    }
    for (uint32_t node = 0; node < file->object_count; node++) {
        if (number[file->type[node]] != 0) {
            seen[number[file->type[node]] - 1].count++;
        }
    }
    for (uint32_t i = 0; i < *ret_count; i++) {
        seen[i].addresses = MM_ARENA_NEW(arena, uint64_t, (size_t)seen[i].count + 1);
        if (seen[i].addresses == NULL) {
            return MM_E_NOMEM;
        }
        seen[i].count = 0;
    }
    return MM_OK;
}

MM_STATUS mm_growth_seen_of(const mm_growth_input *input, const mm_growth_finding *finding,
                            const mm_graph *round, mm_arena *arena, mm_growth_seen **ret,
                            uint32_t *ret_count, mm_error *err) {
    const mm_file *file = round->file;
    uint32_t count = 0;
    bool asked = finding->kind == MM_GROWTH_BY_C && finding->type != MM_NONE;
    mm_growth_seen *seen = MM_ARENA_NEW(arena, mm_growth_seen, (size_t)file->type_count + 1);
    uint32_t *number = MM_ARENA_NEW(arena, uint32_t, (size_t)file->type_count + 1);
    if (seen == NULL || number == NULL ||
        (asked && seen_begin(round, input->names->names[finding->type], arena, number, seen,
                             &count) != MM_OK)) {
        return mm_fail(err, MM_E_NOMEM, "no memory for what a round has", 0);
    }
    for (uint32_t node = 0; count > 0 && node < file->object_count; node++) {
        if (number[file->type[node]] != 0) {
            mm_growth_seen *one = &seen[number[file->type[node]] - 1];
            one->addresses[one->count++] = file->address[node];
        }
    }
    *ret = seen;
    *ret_count = count;
    return MM_OK;
}
