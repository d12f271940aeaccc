// The reference that stands for a group of shapes, in the last graph: of all objects that lead to
// the group the one that has most of it, and of its references a late one. Who else holds the same
// is asked of some of the objects.
//
// Where most objects of a group are led to by another one of their shape, they are a chain: the
// reference that is told holds its head, and the link is told beside it.
#include <string.h>

#include "analyze/diffing.h"
#include "analyze/growing.h"
#include "base/free/sort.h"

enum { ALSO_MAX = 8, ALSO_SEEN_MAX = 32, SAMPLES_MAX = 64 };

// What the last snapshot has.
typedef struct guilt {
    mm_diffing *work;
    const mm_graph *graph;
    const mm_shape_mark *last;
    mm_growing_side side;  // graph and paths alone
    uint32_t *tally;       // by node: references of it that lead to a group
} guilt;

// Another holder of what was sampled: any of its shape.
typedef struct other_holder {
    uint32_t shape;
    mm_growth_edge edge;
    uint32_t count;
    uint32_t sample;  // the last one that it was counted for
} other_holder;

// The reference by which a node of a group is led to, out of plumbing. False for what has none.
static bool way_in(const guilt *g, uint32_t node, mm_growth_edge *ret) {
    const mm_paths *paths = &g->last->paths;
    for (int i = 0; i < 2 && paths->via[node] == MM_VIA_EDGE; i++) {
        ret->edge = paths->link[node];
        ret->source = mm_graph_edge_source(g->graph, ret->edge);
        if (!mm_growing_is_link(g->graph, ret->source)) {
            return true;
        }
        node = ret->source;
    }
    return false;
}

// Is the node one that a group's reference leads right to?
static bool is_first(const guilt *g, uint32_t node) {
    uint32_t shape = g->last->of_node[node];
    const mm_paths *paths = &g->last->paths;
    if (shape == MM_NONE || g->work->is_first[shape] == 0) {
        return false;
    }
    uint32_t edge = paths->link[node];
    return paths->via[node] != MM_VIA_EDGE ||
           (!mm_graph_edge_folds(g->graph, mm_graph_edge_source(g->graph, edge), edge) &&
            !mm_growing_is_link(g->graph, node));
}

static void first_count(const guilt *g, uint32_t node) {
    uint32_t shape = g->last->of_node[node];
    mm_diffing_group *group = &g->work->groups[g->work->group_of[shape]];
    mm_growth_edge way;
    group->objects++;
    if (way_in(g, node, &way)) {
        g->tally[way.source]++;
        group->looped += g->last->of_node[way.source] == shape;
    }
}

static void first_choose(const guilt *g, uint32_t node) {
    mm_diffing_group *group = &g->work->groups[g->work->group_of[g->last->of_node[node]]];
    const mm_paths *paths = &g->last->paths;
    mm_growth_edge way;
    if (way_in(g, node, &way)) {
        if (g->tally[way.source] > group->most) {
            group->most = g->tally[way.source];
            group->source = way.source;
            group->edge = way.edge;
            group->target = node;
        }
        return;
    }
    bool root = paths->via[node] == MM_VIA_ROOT;
    if (group->target == MM_NONE && (root || paths->via[node] == MM_VIA_C)) {
        group->source = root ? g->graph->root_node : MM_NONE;
        group->edge = root ? paths->link[node] : MM_NONE;
        group->target = node;
    }
}

static uint32_t label_of(const guilt *g, uint32_t node) {
    uint32_t shape = g->last->of_node[node];
    return shape == MM_NONE ? MM_NONE : g->work->input->shapes->items[shape].label;
}

// The last reference of the source that leads to the group, best to what the group is named by.
static void edge_choose(const guilt *g, uint32_t number) {
    mm_diffing_group *group = &g->work->groups[number];
    const mm_file *file = g->graph->file;
    bool typed = false;
    if (group->most == 0) {
        return;
    }
    for (uint32_t edge = file->reference_start[group->source];
         edge < file->reference_start[group->source + 1]; edge++) {
        uint32_t target = file->reference_target[edge];
        if (!mm_graph_edge_owns(g->graph, edge) || !is_first(g, target) ||
            g->work->group_of[g->last->of_node[target]] != number) {
            continue;
        }
        bool named = label_of(g, target) == group->type;
        if (named || !typed) {
            typed = named;
            group->edge = edge;
            group->target = target;
        }
    }
}

// The head of a chain: what leads to the first of it. Internals have the label of what they belong
// to.
static void chain_fill(const guilt *g, const mm_diffing_group *group, mm_growth_finding *finding) {
    const mm_paths *paths = &g->last->paths;
    uint32_t at = group->source;
    uint32_t label = label_of(g, group->target);
    if (group->most == 0 || (uint64_t)group->looped * 2 < group->objects) {
        return;
    }
    for (uint32_t i = 0; i <= g->graph->root_node && paths->via[at] == MM_VIA_EDGE; i++) {
        uint32_t edge = paths->link[at];
        uint32_t above = mm_graph_edge_source(g->graph, edge);
        if (label_of(g, above) != label) {
            finding->chain = true;
            finding->link = finding->guilty;
            finding->guilty = (mm_growth_edge){above, edge};
            return;
        }
        at = above;
    }
    if (paths->via[at] == MM_VIA_ROOT) {
        finding->chain = true;
        finding->link = finding->guilty;
        finding->guilty = (mm_growth_edge){g->graph->root_node, paths->link[at]};
    }
}

static uint64_t weight_of(const mm_file *file, uint32_t node) {
    uint64_t entries = file->reference_start[node + 1] - file->reference_start[node];
    return entries > 0 ? entries : mm_file_storage_of(file, node) + mm_file_size_of(file, node);
}

// Does most of what a container holds belong to a group that is told of anyway?
static bool holds_what_is_told(const guilt *g, uint32_t node) {
    const mm_file *file = g->graph->file;
    uint32_t first = file->reference_start[node];
    uint32_t count = file->reference_start[node + 1] - first;
    uint32_t told = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t shape = g->last->of_node[file->reference_target[first + i]];
        told += shape != MM_NONE && g->work->group_of[shape] != MM_NONE;
    }
    return count > 0 && told * 4 >= count;
}

// Which object stands for a shape that grows by itself, and what leads to it.
static void one_choose(const guilt *g, uint32_t node, const uint32_t *one_of) {
    const mm_paths *paths = &g->last->paths;
    uint32_t shape = g->last->of_node[node];
    if (shape == MM_NONE || one_of[shape] == 0) {
        return;
    }
    mm_diffing_group *group = &g->work->groups[one_of[shape] - 1];
    const mm_file *file = g->graph->file;
    if (group->target != MM_NONE && weight_of(file, node) <= weight_of(file, group->target)) {
        return;
    }
    bool edge = paths->via[node] == MM_VIA_EDGE;
    if (!edge && paths->via[node] != MM_VIA_ROOT) {
        return;
    }
    group->target = node;
    group->edge = paths->link[node];
    group->source = edge ? mm_graph_edge_source(g->graph, paths->link[node]) : g->graph->root_node;
}

static MM_STATUS groups_choose(guilt *g) {
    mm_diffing *work = g->work;
    uint32_t nodes = g->graph->root_node;
    uint32_t *one_of = MM_ARENA_NEW(work->arena, uint32_t, (size_t)work->input->shapes->count + 1);
    g->tally = MM_ARENA_NEW(work->arena, uint32_t, (size_t)nodes + 1);
    if (g->tally == NULL || one_of == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t i = 0; i < work->group_count; i++) {
        if (work->groups[i].one) {
            one_of[work->groups[i].parent] = i + 1;
        }
    }
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t node = 0; node < nodes; node++) {
            if (!is_first(g, node)) {
                continue;
            }
            if (pass == 0) {
                first_count(g, node);
            } else {
                first_choose(g, node);
            }
        }
    }
    for (uint32_t node = 0; node < nodes; node++) {
        one_choose(g, node, one_of);
    }
    for (uint32_t i = 0; i < work->group_count; i++) {
        edge_choose(g, i);
    }
    MM_ARENA_GIVE_BACK(work->arena, g->tally, (size_t)nodes + 1);
    return MM_OK;
}

// Count the other holders of one object of a group.
static void others_count(const guilt *g, uint32_t number, uint32_t target, uint32_t sample,
                         other_holder *others, uint32_t *count) {
    const mm_graph *graph = g->graph;
    const mm_diffing_group *group = &g->work->groups[number];
    for (uint32_t i = graph->reverse_start[target]; i < graph->reverse_start[target + 1]; i++) {
        uint32_t edge = graph->reverse_edge[i];
        uint32_t source = mm_graph_reverse_source(graph, i);
        uint32_t shape = g->last->of_node[source];
        if (source == group->source || shape == MM_NONE || g->work->group_of[shape] == number ||
            shape == g->last->of_node[group->source] || !mm_graph_edge_owns(graph, edge) ||
            mm_growing_is_link(graph, source) || mm_growing_edge_is_low(graph, source, edge)) {
            continue;
        }
        uint32_t at = 0;
        while (at < *count && others[at].shape != shape) {
            at++;
        }
        if (at == ALSO_SEEN_MAX) {
            continue;
        }
        if (at == *count) {
            others[(*count)++] = (other_holder){shape, {source, edge}, 0, MM_NONE};
        }
        if (others[at].sample != sample) {
            others[at].sample = sample;
            others[at].count++;
        }
    }
}

// Whoever holds half of the objects that were looked at.
static MM_STATUS also_list(const guilt *g, uint32_t number, mm_growth_finding *finding) {
    const mm_file *file = g->graph->file;
    const mm_diffing_group *group = &g->work->groups[number];
    other_holder others[ALSO_SEEN_MAX];
    uint32_t count = 0;
    uint32_t samples = 0;
    finding->also = MM_ARENA_NEW(g->work->arena, mm_growth_edge, ALSO_MAX);
    if (finding->also == NULL) {
        return MM_E_NOMEM;
    }
    if (group->most == 0 || group->one || finding->chain) {
        return MM_OK;
    }
    // The late ones: these are more likely those that there are more of.
    for (uint32_t edge = file->reference_start[group->source + 1];
         edge-- > file->reference_start[group->source] && samples < SAMPLES_MAX;) {
        uint32_t target = file->reference_target[edge];
        if (is_first(g, target) && g->work->group_of[g->last->of_node[target]] == number &&
            label_of(g, target) == label_of(g, group->target)) {
            others_count(g, number, target, samples++, others, &count);
        }
    }
    for (uint32_t i = 0; i < count && finding->also_count < ALSO_MAX; i++) {
        if (others[i].count * 2 >= samples) {
            finding->also[finding->also_count++] = others[i].edge;
        }
    }
    return MM_OK;
}

static bool is_shadow(const char *type) {
    return strncmp(type, "weakref.", 8) == 0 || strcmp(type, "weakref") == 0 ||
           strcmp(type, "ReferenceType") == 0;
}

static MM_STATUS finding_fill(const guilt *g, uint32_t number, mm_shape_finding *ret) {
    const mm_diffing_group *group = &g->work->groups[number];
    mm_growth_finding *finding = &ret->growth;
    mm_growing_finding_init(finding);
    ret->before = group->type_before;
    ret->after = group->type_after;
    finding->kind = group->source == MM_NONE ? MM_GROWTH_BY_C
                    : group->one             ? MM_GROWTH_ONE_OBJECT
                                             : MM_GROWTH_HELD;
    finding->guilty = (mm_growth_edge){group->source, group->edge};
    finding->newest = group->target;
    finding->names = group->names;
    finding->type = group->type;
    finding->types = MM_ARENA_NEW(g->work->arena, uint32_t, 1);
    if (finding->types == NULL) {
        return MM_E_NOMEM;
    }
    finding->types[0] = group->type;
    finding->type_count = 1;
    finding->grown_objects = group->type_after - group->type_before;
    finding->grown_bytes = group->rise_bytes;
    finding->echo = is_shadow(g->work->input->shapes->names->names[group->type]);
    if (finding->kind == MM_GROWTH_BY_C) {
        return MM_OK;
    }
    if (group->source != g->graph->root_node) {
        uint32_t container = group->one ? group->target : group->source;
        (void)mm_graph_entries(g->graph, container, &finding->entries);
        if (mm_growing_is_bounded(g->graph, container, &finding->bound)) {
            finding->settled = MM_SETTLED_BOUNDED;
        }
    }
    if (finding->kind == MM_GROWTH_HELD) {
        chain_fill(g, group, finding);
    }
    return also_list(g, number, finding);
}

typedef struct ranked_shape {
    mm_shape_finding finding;
    uint8_t tier;
    uint32_t depth;
    char *path;
} ranked_shape;

static bool shape_worse(const void *left, const void *right, const void *context) {
    const ranked_shape *a = left;
    const ranked_shape *b = right;
    (void)context;
    if (a->finding.growth.echo != b->finding.growth.echo) {
        return b->finding.growth.echo;
    }
    if (a->finding.growth.grown_bytes != b->finding.growth.grown_bytes) {
        return a->finding.growth.grown_bytes > b->finding.growth.grown_bytes;
    }
    if (a->tier != b->tier) {
        return a->tier < b->tier;
    }
    return a->depth != b->depth ? a->depth < b->depth : strcmp(a->path, b->path) < 0;
}

// Groups that lead to an object are findings, worst first.
static MM_STATUS findings_list(guilt *g) {
    mm_diffing *work = g->work;
    ranked_shape *rows = MM_ARENA_NEW(work->arena, ranked_shape, (size_t)work->group_count + 1);
    ranked_shape *buffer = MM_ARENA_NEW(work->arena, ranked_shape, (size_t)work->group_count + 1);
    uint32_t count = 0;
    if (rows == NULL || buffer == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t i = 0; i < work->group_count; i++) {
        const mm_diffing_group *group = &work->groups[i];
        bool told = group->target != MM_NONE && group->type != MM_NONE;
        bool twice = group->one && told &&
                     (mm_growing_is_interned(g->graph, group->target) ||
                      holds_what_is_told(g, group->target));
        if (!told || twice) {
            continue;
        }
        ranked_shape *row = &rows[count++];
        MM_TRY(finding_fill(g, i, &row->finding));
        row->path = MM_ARENA_NEW(work->arena, char, MM_GROWING_TEXT_BYTES);
        if (row->path == NULL) {
            return MM_E_NOMEM;
        }
        mm_growth_edge guilty = row->finding.growth.guilty;
        row->tier = MM_TIER_C;
        if (guilty.source != MM_NONE) {
            row->tier = mm_growing_tier(&g->side, guilty.source);
            row->depth = mm_growing_depth(&g->side, guilty.source);
            mm_growing_path_text(&g->side, guilty.source, guilty.edge, row->path);
            bool ours = row->tier == MM_TIER_PROGRAM || row->tier == MM_TIER_FRAME;
            row->finding.minor = !ours && !mm_diffing_is_class(work, group->type) &&
                                 group->rise_bytes < MM_SHAPES_MINOR_BYTES_MAX;
        }
    }
    mm_sort(rows, buffer, count, sizeof(*rows), shape_worse, NULL);
    work->findings = MM_ARENA_NEW(work->arena, mm_shape_finding, (size_t)count + 1);
    if (work->findings == NULL) {
        return MM_E_NOMEM;
    }
    bool shadows = count > 0 && !rows[0].finding.growth.echo;
    for (uint32_t i = 0; i < count; i++) {
        work->findings[i] = rows[i].finding;
        work->findings[i].growth.echo = work->findings[i].growth.echo && shadows;
    }
    work->finding_count = count;
    return MM_OK;
}

MM_STATUS mm_diffing_guilt(mm_diffing *work) {
    const mm_shapes_input *input = work->input;
    guilt g = {.work = work, .graph = input->graph, .last = &input->marks[input->mark_count - 1]};
    g.side.graph = input->graph;
    g.side.paths = g.last->paths;
    MM_TRY(groups_choose(&g));
    return findings_list(&g);
}
