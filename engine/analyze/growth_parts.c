// What belongs to a table that is bounded: orders and indices whose entries are the table's, links
// of a chain that are entries, and the object that has the table, where the chain begins. They have
// no number of their own, and grow as long as the table does.
#include "analyze/growth_limits.h"

enum {
    HOLDERS_MAX = MM_GROWING_HOLDERS_MAX,
    ENTRY_REFERENCES_MAX = 32,  ///< to an entry
    NEXT_MAX = 64,              ///< references of a link in search of the next one
    LINKS_MIN = 4,
    SAMPLES = 16,       ///< of entries that are the same in two tables
    SLOT_SAMPLES = 64,  ///< of entries that stand in a list
    FEW = MM_LIMITS_FEW
};

mm_attribute_walk mm_limits_attributes(const mm_graph *graph, uint32_t object, uint32_t most) {
    uint32_t edge = mm_graph_edge_with_role(graph, object, MM_ROLE_DICT);
    mm_attribute_walk walk = {.graph = graph, .most = most, .place = MM_NONE};
    walk.places[0] = object;
    walk.places[1] = edge != MM_NONE ? graph->file->reference_target[edge] : object;
    return walk;
}

static bool place_begin(mm_attribute_walk *walk, uint32_t place) {
    const uint32_t *start = walk->graph->file->reference_start;
    uint32_t count = start[place + 1] - start[place];
    walk->place = place;
    walk->edge = start[place];
    walk->end = walk->edge + (count < walk->most ? count : walk->most);
    return walk->edge < walk->end;
}

bool mm_limits_attribute_next(mm_attribute_walk *walk) {
    const mm_file *file = walk->graph->file;
    bool more = false;
    do {
        if (walk->place == MM_NONE) {
            more = place_begin(walk, walk->places[0]);
        } else {
            more = walk->edge + 1 < walk->end;
            walk->edge++;
        }
        if (!more && walk->place != walk->places[1]) {
            more = place_begin(walk, walk->places[1]);
        }
    } while (more && file->reference_target[walk->edge] == walk->places[1]);
    walk->target = more ? file->reference_target[walk->edge] : MM_NONE;
    return more;
}

// Is it an entry of the table: its value or key? Values that much refers to tell nothing.
static bool is_entry_of(const mm_graph *graph, uint32_t table, uint32_t node) {
    uint32_t first = graph->reverse_start[node];
    uint32_t end = graph->reverse_start[node + 1];
    for (uint32_t i = first; i < end && i < first + ENTRY_REFERENCES_MAX; i++) {
        if (mm_graph_reverse_source(graph, i) == table) {
            return true;
        }
    }
    return false;
}

// An order or an index of the table's: as many entries, and the same ones, wherever one looks.
static bool is_index(const mm_limit_question *q, uint32_t index) {
    const mm_file *file = q->graph->file;
    uint32_t first = file->reference_start[index];
    uint32_t count = file->reference_start[index + 1] - first;
    uint32_t step = count / SAMPLES + 1;
    if (!mm_limits_is_aside(q, index) || mm_growing_entries(q->graph, index) <= FEW) {
        return false;
    }
    uint32_t found = 0;
    for (uint32_t at = 0; at < count; at += step) {
        found += is_entry_of(q->graph, q->container, file->reference_target[first + at]);
    }
    return found * 4 > count / step;
}

// Are there no more objects of its type than the table has entries?
static bool are_few(const mm_limit_question *q, uint32_t node) {
    uint32_t count = q->graph->instance_count[q->graph->file->type[node]];
    return count <= q->entries + q->entries / 8 + FEW;
}

// The first object of its own type that it leads to, or MM_NONE.
static uint32_t next_of(const mm_graph *graph, uint32_t node) {
    const mm_file *file = graph->file;
    uint32_t first = file->reference_start[node];
    uint32_t end = file->reference_start[node + 1];
    for (uint32_t edge = first; edge < end && edge < first + NEXT_MAX; edge++) {
        uint32_t target = file->reference_target[edge];
        if (file->type[target] == file->type[node] && target != node) {
            return target;
        }
    }
    return MM_NONE;
}

// A link: it leads to objects of its own type that are entries, and there are no more of these.
static bool is_link(const mm_limit_question *q, uint32_t link) {
    if (mm_limits_is_table(q->graph, link) || !are_few(q, link)) {
        return false;
    }
    uint32_t next = next_of(q->graph, link);
    return next != MM_NONE && is_entry_of(q->graph, q->container, next);
}

// The object that holds the table: all links that begin at it are entries, and one does. Where it
// begins another chain nobody knows which of them grows.
static bool is_head(const mm_limit_question *q, uint32_t object) {
    mm_attribute_walk walk = mm_limits_attributes(q->graph, object, MM_LIMITS_NAMES_MAX);
    bool found = false;
    while (mm_limits_attribute_next(&walk)) {
        if (walk.target == q->container || next_of(q->graph, walk.target) == MM_NONE) {
            continue;
        }
        if (mm_limits_is_table(q->graph, walk.target) || !are_few(q, walk.target)) {
            return false;
        }
        found = found || is_entry_of(q->graph, q->container, walk.target);
    }
    return found;
}

// Does it belong to a table of this object's, which is bounded by the object's number?
static bool belongs(const mm_graph *graph, uint32_t part, uint32_t object, uint64_t *ret_bound) {
    const mm_file *file = graph->file;
    uint64_t limit = 0;
    if (!mm_file_fact_of(file, object, MM_FACT_LIMIT, &limit) ||
        mm_graph_kind(graph, object) == MM_KIND_FUNCTION) {
        return false;
    }
    mm_attribute_walk walk = mm_limits_attributes(graph, object, MM_LIMITS_NAMES_MAX);
    while (mm_limits_attribute_next(&walk)) {
        uint32_t table = walk.target;
        if (table == part || !mm_limits_is_table(graph, table)) {
            continue;
        }
        mm_limit_question q = {graph, table, mm_growing_entries(graph, table), ret_bound, MM_NONE};
        bool one = part == object                    ? is_head(&q, object)
                   : mm_limits_is_table(graph, part) ? is_index(&q, part)
                                                     : is_link(&q, part);
        const char *name = mm_graph_edge_name(graph, walk.place, walk.edge);
        if (one && mm_limits_by_instance(&q, object, name)) {
            return true;
        }
    }
    return false;
}

// Those that hold it, and those that hold them: an order is a container of a class of its own.
bool mm_limits_by_table(const mm_graph *graph, uint32_t part, uint64_t *ret_bound) {
    uint32_t nodes[HOLDERS_MAX] = {part};
    uint32_t count = 1;
    if (!mm_limits_is_table(graph, part) && belongs(graph, part, part, ret_bound)) {
        return true;
    }
    for (uint32_t at = 0; at < count; at++) {
        uint32_t holders[MM_GROWING_HOLDERS_MAX];
        uint32_t found = mm_growing_holders(graph, nodes[at], holders);
        for (uint32_t i = 0; i < found; i++) {
            uint32_t flags = graph->node_flags[holders[i]];
            if ((flags & (MM_NODE_CODE | MM_NODE_NAMESPACE)) != 0) {
                continue;
            }
            if (belongs(graph, part, holders[i], ret_bound)) {
                return true;
            }
            if (count < HOLDERS_MAX) {
                nodes[count++] = holders[i];
            }
        }
    }
    return false;
}

bool mm_growing_links_stand_in(const mm_graph *graph, const uint32_t *nodes, uint32_t node_count,
                               uint32_t table) {
    uint32_t links = 0;
    uint32_t entries = 0;
    for (uint32_t i = 0; i < node_count; i++) {
        if (!mm_limits_is_table(graph, table) || next_of(graph, nodes[i]) == MM_NONE) {
            continue;
        }
        links++;
        entries += is_entry_of(graph, table, nodes[i]);
    }
    return links >= LINKS_MIN && (uint64_t)entries * 8 >= (uint64_t)links * 7;
}

// Slots ------------------------------------------------------------------------------------------

// Do nearly all of the table's keys, or of its values, stand in the list? What much refers to, such
// as a small number, tells nothing.
static bool stand_in(const mm_limit_question *q, uint32_t list, mm_naming naming) {
    const mm_file *file = q->graph->file;
    const uint32_t *reverse = q->graph->reverse_start;
    uint32_t first = file->reference_start[q->container];
    uint32_t end = file->reference_start[q->container + 1];
    uint32_t step = (end - first) / (2 * SLOT_SAMPLES) + 1;
    uint32_t asked = 0;
    uint32_t found = 0;
    for (uint32_t at = first; at < end; at += step) {
        // The nearest one of that naming: keys and values stand in turn.
        uint32_t edge = mm_file_naming(file, at) != naming && at + 1 < end ? at + 1 : at;
        uint32_t entry = file->reference_target[edge];
        if (mm_file_naming(file, edge) == naming &&
            reverse[entry + 1] - reverse[entry] <= ENTRY_REFERENCES_MAX) {
            asked++;
            found += is_entry_of(q->graph, list, entry);
        }
    }
    return asked >= SAMPLES && found * 8 >= asked * 7;
}

// Was the list made beforehand? The slots behind those of the entries have all one filler, which is
// no entry.
static bool has_room(const mm_limit_question *q, uint32_t list) {
    const mm_file *file = q->graph->file;
    uint64_t slots = mm_growing_entries(q->graph, list);
    uint32_t first = file->reference_start[list];
    if (mm_graph_kind(q->graph, list) != MM_KIND_LIST || slots < 2 || q->entries > slots - 2 ||
        file->reference_start[list + 1] - first != slots) {
        return false;
    }
    uint32_t last = file->reference_target[first + slots - 1];
    uint32_t middle = file->reference_target[first + q->entries + (slots - q->entries) / 2];
    return last == middle && !is_entry_of(q->graph, q->container, last);
}

bool mm_limits_by_slots(const mm_limit_question *q) {
    const mm_graph *graph = q->graph;
    uint32_t holders[MM_GROWING_HOLDERS_MAX];
    uint32_t count = mm_growing_holders(graph, q->container, holders);
    for (uint32_t i = 0; i < count; i++) {
        if ((graph->file->types[graph->file->type[holders[i]]].flags & MM_TYPE_CLASS) == 0) {
            continue;
        }
        mm_attribute_walk walk = mm_limits_attributes(graph, holders[i], MM_LIMITS_NAMES_MAX);
        while (mm_limits_attribute_next(&walk)) {
            if (has_room(q, walk.target) && (stand_in(q, walk.target, MM_NAME_KEY) ||
                                             stand_in(q, walk.target, MM_NAME_VALUE))) {
                *q->ret_bound = mm_growing_entries(graph, walk.target);
                return true;
            }
        }
    }
    return false;
}
