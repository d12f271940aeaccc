// Marking with an explicit stack, twice: first from the named roots; then from every node that they
// did not reach and whose reference count exceeds the references found: something outside the heap
// holds it. What is left is garbage that the cyclic collector would free.
//
// A node is pushed when it is marked, so that the stack never holds more than all nodes. Those that
// lead nowhere, half of a Python heap, are marked only: which they are is in the marks beforehand,
// since to look it up then would miss the cache.
#include "analyze/reach.h"

enum { LEADS_ON = 4, COLOURS = 3, AHEAD = 8 };

// Nodes off the stack that wait for their memory: numbers of the first and behind the last, modulo
// the room.
typedef struct reach_queue {
    uint32_t nodes[2 * AHEAD];
    uint32_t head;
    uint32_t tail;
} reach_queue;

typedef struct reach_work {
    const mm_graph *graph;
    mm_ephemerons ephemerons;
    uint8_t *reached;
    uint32_t *stack;
    uint32_t stack_count;
    uint32_t stack_room;
    uint8_t colour;
} reach_work;

// Does anything hang on the node? With ephemerons that takes a search: then everything may.
static bool reach_leads_on(const reach_work *work, uint32_t node) {
    const mm_file *file = work->graph->file;
    return file->reference_start[node] < file->reference_start[node + 1] ||
           (file->types[file->type[node]].flags & MM_TYPE_HEAP) != 0 ||
           work->ephemerons.watch_count > 0;
}

static bool is_reached(const reach_work *work, uint32_t node) {
    return (work->reached[node] & COLOURS) != MM_REACHED_NOT;
}

static void reach_push(reach_work *work, uint32_t node) {
    if (node == MM_NONE || is_reached(work, node)) {
        return;
    }
    work->reached[node] |= work->colour;
    if ((work->reached[node] & LEADS_ON) != 0) {
        MM_ASSERT(work->stack_count < work->stack_room);
        work->stack[work->stack_count++] = node;
    }
}

// A node was reached: entries whose other half was reached before now hold their value.
static void reach_ephemerons(reach_work *work, uint32_t node) {
    const mm_ephemerons *index = &work->ephemerons;
    for (uint32_t i = mm_ephemerons_first(index, node);
         i < index->watch_count && index->watch[i] >> 32 == node; i++) {
        const mm_file_ephemeron *entry = &index->file->ephemerons[(uint32_t)index->watch[i]];
        if (is_reached(work, entry->table) && is_reached(work, entry->key)) {
            reach_push(work, entry->value);
        }
    }
}

// The next node off the stack, through a short queue: while it waits there, what it leads to is on
// its way into the cache. MM_NONE when nothing is left.
static uint32_t reach_next(reach_work *work, reach_queue *queue) {
    const mm_file *file = work->graph->file;
    while (work->stack_count > 0 && queue->tail - queue->head < 2 * AHEAD) {
        uint32_t node = work->stack[--work->stack_count];
        MM_PREFETCH(&file->reference_start[node]);
        MM_PREFETCH(&file->type[node]);
        queue->nodes[queue->tail++ % (2 * AHEAD)] = node;
        if (queue->tail - queue->head > AHEAD) {
            uint32_t near = queue->nodes[(queue->tail - 1 - AHEAD) % (2 * AHEAD)];
            uint32_t first = file->reference_start[near];
            MM_PREFETCH(&file->reference_target[first]);
            MM_PREFETCH(&file->reference_naming[first]);
        }
    }
    return queue->head == queue->tail ? MM_NONE : queue->nodes[queue->head++ % (2 * AHEAD)];
}

static void reach_drain(reach_work *work) {
    const mm_file *file = work->graph->file;
    reach_queue queue = {.head = 0};
    for (;;) {
        uint32_t node = reach_next(work, &queue);
        if (node == MM_NONE) {
            break;
        }
        for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
             edge++) {
            if (mm_graph_edge_owns(work->graph, edge)) {
                reach_push(work, file->reference_target[edge]);
            }
        }
        reach_push(work, mm_graph_type_object(work->graph, node));
        if (work->ephemerons.watch_count > 0) {
            reach_ephemerons(work, node);
        }
    }
}

// The colours alone, and the sums. `kept` may be the answer's own.
static void reach_count(const mm_graph *graph, const uint8_t *kept, mm_reach *reach) {
    uint32_t count = graph->file->object_count;
    for (uint32_t node = 0; node < count; node++) {
        reach->reached[node] = kept[node] & COLOURS;
        reach->named_count += reach->reached[node] == MM_REACHED_NAMED;
        reach->by_c_count += reach->reached[node] == MM_REACHED_BY_C;
    }
    reach->garbage_count = count - reach->named_count - reach->by_c_count;
}

MM_STATUS mm_reach_again(const mm_graph *graph, const uint8_t *kept, mm_arena *arena, mm_reach *ret,
                         mm_error *err) {
    mm_reach reach = {.reached = MM_ARENA_NEW(arena, uint8_t, (size_t)graph->root_node + 1)};
    if (reach.reached == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory to mark what is reachable", 0);
    }
    reach_count(graph, kept, &reach);
    *ret = reach;
    return MM_OK;
}

MM_STATUS mm_reach_mark(const mm_graph *graph, mm_arena *arena, mm_reach *ret, mm_error *err) {
    const mm_file *file = graph->file;
    reach_work work = {.graph = graph, .colour = MM_REACHED_NAMED};
    mm_reach reach = {0};
    MM_TRY(mm_ephemerons_index(graph, arena, &work.ephemerons, err));
    reach.reached = MM_ARENA_NEW(arena, uint8_t, (size_t)file->object_count + 1);
    work.reached = reach.reached;
    for (uint32_t node = 0; reach.reached != NULL && node < file->object_count; node++) {
        bool leads_on = reach_leads_on(&work, node);
        reach.reached[node] = leads_on ? LEADS_ON : 0;
        work.stack_room += leads_on;
    }
    work.stack = MM_ARENA_NEW(arena, uint32_t, (size_t)work.stack_room + 1);
    if (reach.reached == NULL || work.stack == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory to mark what is reachable", 0);
    }
    for (uint32_t root = 0; root < file->root_count; root++) {
        if (mm_file_root_owns(file, root)) {
            reach_push(&work, file->roots[root].object);
        }
    }
    reach_drain(&work);
    work.colour = MM_REACHED_BY_C;
    for (uint32_t node = 0; node < file->object_count; node++) {
        if (!is_reached(&work, node) && mm_graph_unaccounted(graph, node) > 0) {
            reach_push(&work, node);
        }
    }
    reach_drain(&work);
    reach_count(graph, work.reached, &reach);
    MM_ARENA_GIVE_BACK(arena, work.stack, (size_t)work.stack_room + 1);
    *ret = reach;
    return MM_OK;
}
