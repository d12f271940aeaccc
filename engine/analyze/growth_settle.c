// Leak, or a cache that fills, a ring, turnover, a sawtooth? Three questions to the late rounds,
// which came after a long run, each about the same thing that grew early:
//
//     births      is something still born into it in every late round?
//     net growth  does it have more entries after each late round than before?
//     proportion  did the long run add as much to it as that many early rounds would have?
//
// A cache that is full answers no to the first; a ring or an LRU that replaces its entries to the
// second; what is cleared from time to time to the third. The entries are the holder's own; where
// the holder is replaced at every step, or its reference does not multiply, objects of the type
// that grows are counted in the whole heap instead. Survival of early objects by address is no
// question: their addresses are used again.
#include "analyze/growing.h"

enum {
    HOLDERS_MAX = MM_GROWING_HOLDERS_MAX,
    PACKAGE_BYTES = 64,
    ENTRY_OBJECTS_MAX = 4  ///< of one type, of an entry of a cache
};

static uint64_t time_of(const mm_growing *work, uint32_t mark, bool steps) {
    const mm_mark_process *process = &work->input->marks[mark].process;
    return steps ? process->steps : process->nanoseconds;
}

static bool times_known(const mm_growing *work, bool steps) {
    for (uint32_t i = 0; i < work->input->mark_count; i++) {
        if (time_of(work, i, steps) == MM_UNKNOWN ||
            (i > 0 && time_of(work, i, steps) <= time_of(work, i - 1, steps))) {
            return false;
        }
    }
    return true;
}

uint64_t mm_growing_ratio(const mm_growing *work, uint32_t from, uint32_t to) {
    uint32_t early = work->input->early;
    MM_ASSERT(from < to);
    MM_ASSERT(to < work->input->mark_count);
    for (unsigned pass = 0; pass < 2; pass++) {
        if (!times_known(work, pass == 0)) {
            continue;
        }
        uint64_t all = time_of(work, early, pass == 0) - time_of(work, 0, pass == 0);
        uint64_t stretch = time_of(work, to, pass == 0) - time_of(work, from, pass == 0);
        // Nanoseconds of a year times a thousand still fit.
        return stretch * 1000 / (all / early > 0 ? all / early : 1);
    }
    return (uint64_t)(to - from) * 1000;
}

// At least half of what `rate` a round gives over the stretch?
static bool grew_enough(const mm_growing *work, uint64_t before, uint64_t after, uint64_t rate,
                        uint32_t from, uint32_t to) {
    return after > before && (after - before) * 2000 >= rate * mm_growing_ratio(work, from, to);
}

// Entries of the object at an address, or MM_UNKNOWN.
static uint64_t entries_at(const mm_mark *mark, uint64_t address, uint32_t type) {
    uint32_t at = mm_mark_find(mark, address);
    return at != MM_NONE && mm_mark_type_of(mark, at) == type ? mm_mark_row_of(mark, at).entries
                                                              : MM_UNKNOWN;
}

static uint64_t type_count_at(const mm_mark *mark, uint32_t type) {
    return type < mark->type_count ? mark->types[type].object_count : 0;
}

static bool late_is_steady(const mm_growing *work, const mm_growing_group *late, uint64_t rate) {
    uint32_t first = work->input->early + 1;
    uint64_t ratio = mm_growing_ratio(work, first, first + 1);
    return late->object_rate > 0 && (uint64_t)late->object_rate * 2000 >= rate * ratio;
}

// Is something born into it in every late round: by its address, else by its shape?
static bool born_late(mm_growing *work, const mm_growing_group *group) {
    const mm_growing_side *early = &work->early;
    const mm_growing_side *late = &work->late;
    uint32_t source = late->graph->root_node;
    if (group->source != early->graph->root_node) {
        source = mm_file_find(late->graph->file, early->graph->file->address[group->source]);
    }
    const mm_growing_group *same =
        source != MM_NONE ? mm_growing_group_of(late, source, group->key) : NULL;
    if (same != NULL && late_is_steady(work, same, group->object_rate)) {
        return true;
    }
    for (uint32_t i = 0; i < late->group_count; i++) {
        if (late->groups[i].shape == group->shape &&
            late_is_steady(work, &late->groups[i], group->object_rate)) {
            return true;
        }
    }
    return false;
}

// Has a dict links of an lru_cache for values? Then that is bounded.
static bool has_links(const mm_graph *graph, uint32_t dict) {
    const mm_file *file = graph->file;
    for (uint32_t edge = file->reference_start[dict]; edge < file->reference_start[dict + 1];
         edge++) {
        if (mm_file_naming(file, edge) == MM_NAME_VALUE) {
            return mm_growing_is_link(graph, file->reference_target[edge]);
        }
    }
    return false;
}

// A bound that is known by its name alone is none where there are many more entries than that. Half
// as many more some caches let come before they take the oldest out in one go.
static bool has_bound(const mm_graph *graph, uint32_t node, uint64_t entries, uint64_t *ret_bound) {
    uint64_t bound = 0;
    if (!mm_file_fact_of(graph->file, node, MM_FACT_BOUND, &bound) || entries > bound + bound / 2) {
        return false;
    }
    *ret_bound = bound;
    return true;
}

// Name of an object's top package, cut; "" for what has none.
static void package_of(const mm_graph *graph, uint32_t node, char package[PACKAGE_BYTES]) {
    size_t length = mm_graph_type_text(graph, graph->file->type[node], package, PACKAGE_BYTES);
    size_t dot = 0;
    while (dot < length && package[dot] != '.') {
        dot++;
    }
    package[dot < length ? dot : 0] = '\0';
}

// Is `part` a piece of what `whole` is made of: a bare container, or an object of the same package?
static bool is_part(const mm_graph *graph, uint32_t part, uint32_t whole) {
    char names[2][PACKAGE_BYTES];
    package_of(graph, part, names[0]);
    package_of(graph, whole, names[1]);
    return names[0][0] == '\0' || mm_text_same(names[0], names[1], PACKAGE_BYTES) ||
           mm_graph_kind(graph, part) == MM_KIND_DICT ||
           mm_graph_kind(graph, part) == MM_KIND_ORDERED_DICT;
}

static bool stands_among(const uint32_t *nodes, uint32_t count, uint32_t node) {
    for (uint32_t i = 0; i < count; i++) {
        if (nodes[i] == node) {
            return true;
        }
    }
    return false;
}

// A link may stand a thousand times in the table of the keys that lead to it: that is one.
uint32_t mm_growing_holders(const mm_graph *graph, uint32_t node,
                            uint32_t holders[MM_GROWING_HOLDERS_MAX]) {
    uint32_t first = graph->reverse_start[node];
    uint32_t end = graph->reverse_start[node + 1];
    uint32_t count = 0;
    for (uint32_t i = first; i < end && count < MM_GROWING_HOLDERS_MAX;) {
        uint32_t source = mm_graph_reverse_source(graph, i);
        uint32_t owner = mm_graph_owner(graph, source, NULL);
        uint32_t holder = owner != MM_NONE ? owner : source;
        if (!stands_among(holders, count, holder)) {
            holders[count++] = holder;
        }
        // References ascend, those of one source side by side: to the first one behind them.
        uint32_t high = end;
        for (i++; i < high;) {
            uint32_t middle = i + (high - i) / 2;
            bool behind = graph->reverse_edge[middle] >= graph->file->reference_start[source + 1];
            i = behind ? i : middle + 1;
            high = behind ? middle : high;
        }
    }
    return count;
}

// The container's own bound, or that of what it is a part of: a cache that is written in Python
// keeps its entries in a dict, in links or in both, and its bound beside them.
static bool bound_near(const mm_graph *graph, uint32_t source, uint64_t *ret_bound) {
    uint32_t parts[HOLDERS_MAX] = {source};
    uint32_t count = 1;
    uint64_t entries = mm_growing_entries(graph, source);
    uint64_t bound = 0;
    if (has_bound(graph, source, entries, ret_bound)) {
        return true;
    }
    for (uint32_t at = 0; at < count; at++) {
        uint32_t holders[HOLDERS_MAX];
        uint32_t found = mm_growing_holders(graph, parts[at], holders);
        for (uint32_t i = 0; i < found; i++) {
            bool whole = at == 0 || is_part(graph, parts[at], holders[i]);
            if (whole && has_bound(graph, holders[i], entries, &bound) &&
                !mm_growing_is_for_another(graph, parts[at], holders[i])) {
                *ret_bound = bound;
                return true;
            }
            bool above = (graph->node_flags[holders[i]] & (MM_NODE_CODE | MM_NODE_NAMESPACE)) != 0;
            if (whole && !above && count < HOLDERS_MAX && !stands_among(parts, count, holders[i])) {
                parts[count++] = holders[i];
            }
        }
    }
    return false;
}

bool mm_growing_is_bounded(const mm_graph *graph, uint32_t source, uint64_t *ret_bound) {
    const mm_file *file = graph->file;
    if (source == graph->root_node) {
        return false;
    }
    if (bound_near(graph, source, ret_bound) || mm_growing_is_limited(graph, source, ret_bound)) {
        return true;
    }
    if (mm_graph_kind(graph, source) == MM_KIND_DICT) {
        return has_links(graph, source);
    }
    if (mm_graph_kind(graph, source) != MM_KIND_FOREIGN) {
        return false;
    }
    for (uint32_t edge = file->reference_start[source]; edge < file->reference_start[source + 1];
         edge++) {
        uint32_t target = file->reference_target[edge];
        if (mm_file_naming(file, edge) == MM_NAME_WORD &&
            mm_graph_kind(graph, target) == MM_KIND_DICT && has_links(graph, target)) {
            return true;
        }
    }
    return false;
}

// The second and third question. The holder's own entries, where they can be counted.
static mm_settled net_growth(const mm_growing *work, const mm_growing_group *group, uint32_t type,
                             uint32_t type_rate) {
    const mm_mark *marks = work->input->marks;
    const mm_growing_side *early = &work->early;
    uint32_t first = work->input->early;
    uint32_t last = work->input->mark_count - 1;
    bool own = group->edge_rate > 0 && !group->united && group->source != early->graph->root_node;
    uint64_t address = own ? early->graph->file->address[group->source] : 0;
    uint32_t holder = own ? mm_growing_type(early, group->source) : 0;
    for (uint32_t i = first; own && i <= last; i++) {
        own = entries_at(&marks[i], address, holder) != MM_UNKNOWN;
    }
    uint64_t rate = own ? group->edge_rate : type_rate;
    // The long run last: what stands still is told from what swings.
    for (uint32_t i = first + 2; i <= last + 1; i++) {
        uint32_t to = i <= last ? i : first + 1;
        uint64_t before =
            own ? entries_at(&marks[to - 1], address, holder) : type_count_at(&marks[to - 1], type);
        uint64_t after =
            own ? entries_at(&marks[to], address, holder) : type_count_at(&marks[to], type);
        if (!grew_enough(work, before, after, rate, to - 1, to)) {
            return to == first + 1 ? MM_SETTLED_SAWTOOTH : MM_SETTLED_REPLACES;
        }
    }
    return MM_SETTLED_LEAK;
}

// Without late rounds nobody knows what goes on. But where from the middle on the holder has no
// more entries, and the heap no more objects of the type, those that came are those that went: one
// more, which is just handed over, is nothing.
static mm_settled early_answer(const mm_growing *work, const mm_growing_group *group,
                               uint32_t type) {
    const mm_mark *marks = work->input->marks;
    const mm_mark *last = &marks[work->input->mark_count - 1];
    const mm_mark *middle = &marks[(work->input->mark_count - 1) / 2];
    if (group->source == work->early.graph->root_node || group->united) {
        return MM_SETTLED_UNKNOWN;
    }
    uint64_t address = work->early.graph->file->address[group->source];
    uint32_t holder = mm_growing_type(&work->early, group->source);
    uint64_t first = entries_at(&marks[0], address, holder);
    uint64_t before = entries_at(middle, address, holder);
    uint64_t after = entries_at(last, address, holder);
    bool known = first != MM_UNKNOWN && before != MM_UNKNOWN && after != MM_UNKNOWN;
    if (!known || after > before || type_count_at(last, type) > type_count_at(middle, type) + 1) {
        return MM_SETTLED_UNKNOWN;
    }
    return after > first ? MM_SETTLED_FILLED : MM_SETTLED_REPLACES;
}

// What the holder did after the early rounds, where no births tell: an entry that a thousand others
// have as well is born only once. One that has more at the end than in the round before has not
// filled up, and one that was emptied since neither.
static mm_settled late_move(const mm_growing *work, const mm_growing_group *group) {
    const mm_mark *marks = work->input->marks;
    uint32_t last = work->input->mark_count - 1;
    uint64_t address = work->early.graph->file->address[group->source];
    uint32_t holder = mm_growing_type(&work->early, group->source);
    uint64_t before = MM_UNKNOWN;
    uint64_t begun = entries_at(&marks[work->input->early], address, holder);
    bool fell = false;
    for (uint32_t i = work->input->early; i <= last; i++) {
        uint64_t now = entries_at(&marks[i], address, holder);
        if (now == MM_UNKNOWN) {
            return MM_SETTLED_FILLED;
        }
        fell = fell || (i > work->input->early && now < before);
        if (i == last && !fell && now > before) {
            return MM_SETTLED_LEAK;
        }
        before = now;
    }
    return !fell ? MM_SETTLED_FILLED : before > begun ? MM_SETTLED_SAWTOOTH : MM_SETTLED_REPLACES;
}

static mm_settled late_answer(mm_growing *work, const mm_growing_group *group, uint32_t type,
                              uint32_t type_rate) {
    if (work->late.graph == NULL) {
        return early_answer(work, group, type);
    }
    if (group->turnover) {
        return MM_SETTLED_REPLACES;
    }
    // A chain's source moves: the tail of a linked list. Its births are where its type grows. And
    // of what the interpreter lists only so much is in a file.
    if (group->edge_rate > 0 && group->source != work->early.graph->root_node &&
        !born_late(work, group)) {
        mm_settled moved = late_move(work, group);
        return moved == MM_SETTLED_LEAK ? net_growth(work, group, type, type_rate) : moved;
    }
    return net_growth(work, group, type, type_rate);
}

mm_settled mm_growing_settle(mm_growing *work, const mm_growing_group *group, uint32_t type,
                             uint32_t type_rate, uint64_t *ret_bound) {
    const mm_graph *graph = work->early.graph;
    uint64_t bound = *ret_bound;
    bool bounded = mm_growing_is_bounded(graph, group->source, &bound);
    if (bounded && work->late.graph != NULL) {
        uint32_t late = mm_file_find(work->late.graph->file, graph->file->address[group->source]);
        uint64_t now = *ret_bound;
        // A number that follows the length is no bound, whatever it is called.
        bounded = late == MM_NONE ||
                  (mm_growing_is_bounded(work->late.graph, late, &now) && now == bound);
    }
    *ret_bound = bounded ? bound : *ret_bound;
    // Where the entries cannot be counted, so many new objects of a type say that there are more.
    const mm_mark *marks = work->input->marks;
    uint64_t before = type_count_at(&marks[0], type);
    uint64_t after = type_count_at(&marks[work->input->mark_count - 1], type);
    bounded = bounded && (after <= before || (after - before) / ENTRY_OBJECTS_MAX <= *ret_bound);
    mm_settled settled = late_answer(work, group, type, type_rate);
    bool goes_on = settled == MM_SETTLED_LEAK || settled == MM_SETTLED_UNKNOWN;
    return bounded && goes_on ? MM_SETTLED_BOUNDED : settled;
}
