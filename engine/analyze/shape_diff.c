// Which shapes there are more of, and where that begins.
//
//     Book.pending   list   1 ▶ 1
//        [*]         Order  100 ▶ 400     grows, what it hangs on does not: the reference is told
//           .lines   list   100 ▶ 400     grows as that does: it hangs on it
//              [*]   Line   300 ▶ 1200
//
// Between two processes nothing is the same object, and no count is exactly the same: hash seeds
// move objects that several hold from one chain to another, and caches fill as chance will have it.
// So little is believed: at least ten objects more and a hundredth of what there was, in every
// snapshot more than in the one before, and of the type as many more in the whole heap: what only
// moved is no growth. What hangs on modules that were loaded late is told of as that.
#include <string.h>

#include "analyze/classes.h"
#include "analyze/diffing.h"
#include "base/free/sort.h"

enum {
    RANK_PROGRAM = 0,
    RANK_SITE,
    RANK_DIRECT,
    RANK_CLASS,
    RANK_REST,
    GROUPS_FIRST = 64,
    HELD_BY_C_MIN = 100
};

static const char no_memory[] = "no memory to compare snapshots";

static uint32_t last_mark(const mm_diffing *work) {
    return work->input->mark_count - 1;
}

static uint64_t objects_at(const mm_diffing *work, uint32_t mark, uint32_t shape) {
    return mm_diffing_count(work, mark, shape).objects;
}

// What C holds has no name to tell chance by: a parser's or a pool's strings come and go by tens.
static bool is_chance(const mm_shape *shape, uint64_t before, uint64_t after) {
    return (shape->flags & MM_SHAPE_C) != 0 && after - before < HELD_BY_C_MIN;
}

// At least ten more, and a hundredth?
static bool rise_counts(uint64_t before, uint64_t after) {
    return after > before && after - before >= MM_SHAPES_OBJECTS_MIN &&
           (after - before) * 100 >= before * MM_SHAPES_PERCENT_MIN;
}

static bool bytes_count(uint64_t before, uint64_t after) {
    return after > before && after - before >= MM_SHAPES_BYTES_MIN &&
           (after - before) * 100 >= before * MM_SHAPES_PERCENT_BYTES;
}

// More in each snapshot than in the one before?
static bool rises_always(const mm_diffing *work, uint32_t shape) {
    for (uint32_t mark = 1; mark <= last_mark(work); mark++) {
        if (objects_at(work, mark, shape) <= objects_at(work, mark - 1, shape)) {
            return false;
        }
    }
    return true;
}

static MM_STATUS types_total(mm_diffing *work) {
    const mm_shapes *shapes = work->input->shapes;
    work->type_count = shapes->names->count;
    work->type_total = MM_ARENA_NEW(work->arena, uint64_t,
                                    ((size_t)work->type_count + 1) * work->input->mark_count);
    if (work->type_total == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t mark = 0; mark <= last_mark(work); mark++) {
        uint64_t *totals = work->type_total + (size_t)mark * work->type_count;
        for (uint32_t shape = 0; shape < shapes->count; shape++) {
            totals[shapes->items[shape].label] += objects_at(work, mark, shape);
        }
    }
    return MM_OK;
}

// Half of what a shape has more of must be more in the heap.
static bool type_rises(const mm_diffing *work, uint32_t type, uint64_t rise) {
    uint64_t before = work->type_total[type];
    uint64_t after = work->type_total[(size_t)last_mark(work) * work->type_count + type];
    return after > before && (after - before) * 2 >= rise;
}

// Bytes of each shape with all that hangs on it.
static MM_STATUS bytes_below(const mm_diffing *work, uint32_t mark, uint64_t **ret) {
    const mm_shapes *shapes = work->input->shapes;
    uint64_t *bytes = MM_ARENA_NEW(work->arena, uint64_t, (size_t)shapes->count + 1);
    if (bytes == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t shape = shapes->count; shape-- > 0;) {
        bytes[shape] += mm_diffing_count(work, mark, shape).bytes;
        if (shapes->items[shape].parent != MM_NONE) {
            bytes[shapes->items[shape].parent] += bytes[shape];
        }
    }
    *ret = bytes;
    return MM_OK;
}

static MM_STATUS shapes_judge(mm_diffing *work) {
    const mm_shapes *shapes = work->input->shapes;
    uint64_t *before = NULL;
    uint64_t *after = NULL;
    MM_TRY(bytes_below(work, 0, &before));
    MM_TRY(bytes_below(work, last_mark(work), &after));
    for (uint32_t i = 0; i < shapes->count; i++) {
        const mm_shape *shape = &shapes->items[i];
        bool late =
            (shape->flags & MM_SHAPE_MODULE) != 0 && objects_at(work, last_mark(work) - 1, i) == 0;
        bool above = shape->parent != MM_NONE && work->left_out[shape->parent] != 0;
        work->left_out[i] = late || above;
        uint64_t first = objects_at(work, 0, i);
        uint64_t last = objects_at(work, last_mark(work), i);
        bool enough =
            rise_counts(first, last) || (last > first && bytes_count(before[i], after[i]));
        work->grows[i] = enough && !is_chance(shape, first, last) && work->left_out[i] == 0 &&
                         rises_always(work, i) && type_rises(work, shape->label, last - first);
    }
    return MM_OK;
}

mm_diffing_group *mm_diffing_group_add(mm_diffing *work) {
    if (work->group_count == work->group_room) {
        uint32_t room = work->group_room == 0 ? GROUPS_FIRST : work->group_room * 2;
        mm_diffing_group *grown = MM_ARENA_NEW(work->arena, mm_diffing_group, room);
        if (grown == NULL) {
            return NULL;
        }
        if (work->group_count > 0) {
            memcpy(grown, work->groups, work->group_count * sizeof(*grown));
        }
        work->groups = grown;
        work->group_room = room;
    }
    mm_diffing_group *group = &work->groups[work->group_count++];
    mm_diffing_group empty = {
        .parent = MM_NONE, .type = MM_NONE, .source = MM_NONE, .edge = MM_NONE, .target = MM_NONE};
    *group = empty;
    return group;
}

// Does a shape grow because there are more of what it hangs on? Not if each of these has at least
// twice as many of it, and more than one.
static bool grows_along(const mm_diffing *work, uint32_t shape) {
    uint32_t parent = work->input->shapes->items[shape].parent;
    if (parent == MM_NONE || (work->grows[parent] == 0 && work->group_of[parent] == MM_NONE)) {
        return false;
    }
    uint64_t parents_before = objects_at(work, 0, parent);
    uint64_t parents_after = objects_at(work, last_mark(work), parent);
    uint64_t before = objects_at(work, 0, shape);
    uint64_t after = objects_at(work, last_mark(work), shape);
    bool many = parents_before > 0 && after >= 2 * parents_after &&
                after * parents_before >= 2 * before * parents_after;
    return !many;
}

typedef struct front_shape {
    uint32_t parent;
    uint64_t step;
    uint32_t shape;
} front_shape;

static bool front_before(const void *left, const void *right, const void *context) {
    const front_shape *a = left;
    const front_shape *b = right;
    (void)context;
    if (a->parent != b->parent) {
        return a->parent < b->parent;
    }
    return a->step != b->step ? a->step < b->step : a->shape < b->shape;
}

// Groups out of the shapes at which growth begins: those of one parent and step, key and value of
// an entry, are one. What C code holds is one for each type.
static MM_STATUS fronts_cut(mm_diffing *work, front_shape *fronts, uint32_t count) {
    front_shape *buffer = MM_ARENA_NEW(work->arena, front_shape, (size_t)count + 1);
    mm_diffing_group *group = NULL;
    if (buffer == NULL) {
        return MM_E_NOMEM;
    }
    mm_sort(fronts, buffer, count, sizeof(*fronts), front_before, NULL);
    for (uint32_t i = 0; i < count; i++) {
        const front_shape *front = &fronts[i];
        bool by_c = (work->input->shapes->items[front->shape].flags & MM_SHAPE_C) != 0;
        if (i == 0 || by_c || front->parent != front[-1].parent || front->step != front[-1].step) {
            group = mm_diffing_group_add(work);
            if (group == NULL) {
                return MM_E_NOMEM;
            }
            group->parent = front->parent;
            group->step = front->step;
        }
        work->group_of[front->shape] = work->group_count - 1;
        work->is_first[front->shape] = 1;
    }
    return MM_OK;
}

static MM_STATUS fronts_find(mm_diffing *work) {
    const mm_shapes *shapes = work->input->shapes;
    uint32_t count = 0;
    front_shape *fronts = MM_ARENA_NEW(work->arena, front_shape, (size_t)shapes->count + 1);
    if (fronts == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t i = 0; i < shapes->count; i++) {
        if (work->grows[i] != 0 && !grows_along(work, i)) {
            fronts[count++] = (front_shape){shapes->items[i].parent, shapes->items[i].step, i};
        }
    }
    return fronts_cut(work, fronts, count);
}

// A namespace into which ever new names come, of things of one type: each name is a shape of its
// own, of which there is one.
typedef struct names_rise {
    uint32_t count[2];  // new names that the snapshot before has, and this one
    bool falls;
} names_rise;

static bool name_is_new(const mm_diffing *work, uint32_t shape) {
    const mm_shape *item = &work->input->shapes->items[shape];
    return item->parent != MM_NONE &&
           (item->flags & (MM_SHAPE_DATA | MM_SHAPE_MODULE | MM_SHAPE_NAME)) == 0 &&
           (work->input->shapes->items[item->parent].flags & MM_SHAPE_SPACE) != 0 &&
           work->left_out[shape] == 0 && work->group_of[shape] == MM_NONE &&
           work->grows[item->parent] == 0 && objects_at(work, 0, shape) == 0 &&
           objects_at(work, last_mark(work), shape) > 0 &&
           // A namespace that stood elsewhere has moved, with all of its names.
           objects_at(work, 0, item->parent) > 0 && type_rises(work, item->label, 1);
}

static MM_STATUS names_find(mm_diffing *work) {
    const mm_shapes *shapes = work->input->shapes;
    names_rise *rises = MM_ARENA_NEW(work->arena, names_rise, (size_t)shapes->count + 1);
    if (rises == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t mark = 1; mark <= last_mark(work); mark++) {
        for (uint32_t i = 0; i < shapes->count; i++) {
            if (name_is_new(work, i)) {
                rises[shapes->items[i].parent].count[1] += objects_at(work, mark, i) > 0;
            }
        }
        for (uint32_t i = 0; i < shapes->count; i++) {
            rises[i].falls = rises[i].falls || rises[i].count[1] <= rises[i].count[0];
            rises[i].count[0] = rises[i].count[1];
            rises[i].count[1] = 0;
        }
    }
    for (uint32_t i = 0; i < shapes->count; i++) {
        uint32_t parent = shapes->items[i].parent;
        if (!name_is_new(work, i) || rises[parent].falls ||
            rises[parent].count[0] < MM_SHAPES_OBJECTS_MIN) {
            continue;
        }
        if (rises[parent].count[1] == 0) {
            mm_diffing_group *group = mm_diffing_group_add(work);
            if (group == NULL) {
                return MM_E_NOMEM;
            }
            group->parent = parent;
            group->names = true;
            rises[parent].count[1] = work->group_count;
        }
        work->group_of[i] = rises[parent].count[1] - 1;
        work->is_first[i] = 1;
    }
    return MM_OK;
}

// Whatever hangs on a shape of a group belongs to it, unless a group of its own begins there.
static void groups_spread(mm_diffing *work) {
    const mm_shapes *shapes = work->input->shapes;
    for (uint32_t i = 0; i < shapes->count; i++) {
        uint32_t parent = shapes->items[i].parent;
        if (work->group_of[i] == MM_NONE && parent != MM_NONE) {
            work->group_of[i] = work->group_of[parent];
        }
    }
    for (uint32_t i = 0; i < shapes->count; i++) {
        if (work->is_first[i] != 0 && shapes->items[i].parent != MM_NONE) {
            work->has_growth[shapes->items[i].parent] = 1;
        }
    }
}

// A shape whose objects are no more, but larger: more references, or more bytes of what refers to
// nothing.
static bool one_grows(const mm_diffing *work, uint32_t shape) {
    const mm_shape *item = &work->input->shapes->items[shape];
    mm_shape_count first = mm_diffing_count(work, 0, shape);
    mm_shape_count last = mm_diffing_count(work, last_mark(work), shape);
    bool leaf = last.entries == 0;
    if (first.objects == 0 || work->grows[shape] != 0 || work->group_of[shape] != MM_NONE ||
        work->has_growth[shape] != 0 || work->left_out[shape] != 0 ||
        (item->flags & (MM_SHAPE_SPACE | MM_SHAPE_C)) != 0) {
        return false;
    }
    uint64_t before_amount = leaf ? first.bytes : first.entries;
    uint64_t after_amount = leaf ? last.bytes : last.entries;
    bool larger = last.objects <= first.objects ||
                  after_amount * first.objects >= 2 * before_amount * last.objects;
    bool enough = larger && (leaf ? bytes_count(before_amount, after_amount)
                                  : rise_counts(before_amount, after_amount));
    for (uint32_t mark = 1; enough && mark <= last_mark(work); mark++) {
        mm_shape_count before = mm_diffing_count(work, mark - 1, shape);
        mm_shape_count after = mm_diffing_count(work, mark, shape);
        enough = leaf ? after.bytes > before.bytes : after.entries > before.entries;
    }
    return enough;
}

static MM_STATUS ones_find(mm_diffing *work) {
    const mm_shapes *shapes = work->input->shapes;
    for (uint32_t i = 0; i < shapes->count; i++) {
        if (!one_grows(work, i)) {
            continue;
        }
        mm_diffing_group *group = mm_diffing_group_add(work);
        if (group == NULL) {
            return MM_E_NOMEM;
        }
        mm_shape_count first = mm_diffing_count(work, 0, i);
        mm_shape_count last = mm_diffing_count(work, last_mark(work), i);
        group->one = true;
        group->parent = i;
        group->type = shapes->items[i].label;
        group->direct = true;
        group->type_before = first.entries;
        group->type_after = last.entries;
        group->rise_bytes = last.bytes > first.bytes ? last.bytes - first.bytes : 0;
    }
    return MM_OK;
}

static MM_STATUS ranks_fill(mm_diffing *work, mm_error *err) {
    const mm_graph *graph = work->input->graph;
    const mm_file *file = graph->file;
    uint32_t *number = NULL;
    mm_classes classes;
    work->type_rank = MM_ARENA_NEW(work->arena, uint8_t, (size_t)work->type_count + 1);
    if (work->type_rank == NULL) {
        return mm_fail(err, MM_E_NOMEM, no_memory, 0);
    }
    memset(work->type_rank, RANK_REST, work->type_count);
    // All names are known: the numbers are those of the last snapshot.
    MM_TRY(mm_type_names_of(work->input->shapes->names, graph, work->arena, &number, err));
    MM_TRY(mm_classes_list(graph, work->arena, &classes, err));
    for (uint32_t i = 0; i < classes.count; i++) {
        const mm_class *item = &classes.items[i];
        if (item->type == MM_NONE || (file->types[item->type].flags & MM_TYPE_CLASS) == 0) {
            continue;
        }
        mm_class_rank rank = mm_class_rank_of(graph, &classes, item);
        uint8_t mine = rank == MM_CLASS_STDLIB ? RANK_CLASS
                       : rank == MM_CLASS_SITE ? RANK_SITE
                                               : RANK_PROGRAM;
        uint8_t *have = &work->type_rank[number[item->type]];
        *have = mine < *have ? mine : *have;
    }
    return MM_OK;
}

bool mm_diffing_is_class(const mm_diffing *work, uint32_t type) {
    return work->type_rank[type] < RANK_DIRECT;
}

// What a group has of one type.
typedef struct type_rise {
    uint32_t group;
    uint32_t type;
    uint64_t before;
    uint64_t after;
    uint64_t bytes;
    bool direct;
} type_rise;

static bool rise_before(const void *left, const void *right, const void *context) {
    const type_rise *a = left;
    const type_rise *b = right;
    (void)context;
    return a->group != b->group ? a->group < b->group : a->type < b->type;
}

// Is `a` the more telling type of a group?
static bool rise_tells_more(const mm_diffing *work, const type_rise *a, const type_rise *b) {
    uint8_t a_rank = work->type_rank[a->type];
    uint8_t b_rank = work->type_rank[b->type];
    a_rank = a_rank > RANK_DIRECT && a->direct ? (uint8_t)RANK_DIRECT : a_rank;
    b_rank = b_rank > RANK_DIRECT && b->direct ? (uint8_t)RANK_DIRECT : b_rank;
    if (a_rank != b_rank) {
        return a_rank < b_rank;
    }
    if (a_rank < RANK_DIRECT && a->direct != b->direct) {
        return a->direct;
    }
    const char *const *names = work->input->shapes->names->names;
    return a->bytes != b->bytes ? a->bytes > b->bytes : strcmp(names[a->type], names[b->type]) < 0;
}

static void rise_offer(const mm_diffing *work, const type_rise *rise, type_rise *best) {
    mm_diffing_group *group = &work->groups[rise->group];
    if (rise->after <= rise->before || group->one) {
        return;
    }
    if (group->type == MM_NONE || rise_tells_more(work, rise, best)) {
        *best = *rise;
        group->type = rise->type;
        group->direct = rise->direct;
        group->type_before = rise->before;
        group->type_after = rise->after;
    }
}

// Which type of each group to name, and how many bytes came to it.
static MM_STATUS types_choose(mm_diffing *work) {
    const mm_shapes *shapes = work->input->shapes;
    type_rise *rises = MM_ARENA_NEW(work->arena, type_rise, (size_t)shapes->count + 1);
    type_rise *buffer = MM_ARENA_NEW(work->arena, type_rise, (size_t)shapes->count + 1);
    uint32_t count = 0;
    if (rises == NULL || buffer == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t i = 0; i < shapes->count; i++) {
        if (work->group_of[i] == MM_NONE) {
            continue;
        }
        mm_shape_count first = mm_diffing_count(work, 0, i);
        mm_shape_count last = mm_diffing_count(work, last_mark(work), i);
        uint64_t bytes = last.bytes > first.bytes ? last.bytes - first.bytes : 0;
        work->groups[work->group_of[i]].rise_bytes += bytes;
        rises[count++] = (type_rise){
            work->group_of[i], shapes->items[i].label, first.objects, last.objects, bytes,
            work->is_first[i]};
    }
    mm_sort(rises, buffer, count, sizeof(*rises), rise_before, NULL);
    type_rise sum = {0};
    type_rise best = {0};
    for (uint32_t i = 0; i < count; i++) {
        bool same = i > 0 && rises[i].group == sum.group && rises[i].type == sum.type;
        if (same) {
            sum.before += rises[i].before;
            sum.after += rises[i].after;
            sum.bytes += rises[i].bytes;
            sum.direct = sum.direct || rises[i].direct;
        } else {
            sum = rises[i];
        }
        bool ends =
            i + 1 == count || rises[i + 1].group != sum.group || rises[i + 1].type != sum.type;
        if (ends) {
            rise_offer(work, &sum, &best);
        }
    }
    return MM_OK;
}

static MM_STATUS modules_list(const mm_diffing *work, mm_shape_growth *ret) {
    const mm_shapes_input *input = work->input;
    const mm_shape_mark *last = &input->marks[last_mark(work)];
    const mm_shapes *shapes = input->shapes;
    uint32_t room = 0;
    for (uint32_t i = 0; i < shapes->count; i++) {
        bool module = (shapes->items[i].flags & MM_SHAPE_MODULE) != 0;
        room += module && work->left_out[i] != 0;
        ret->new_module_bytes +=
            work->left_out[i] != 0 ? mm_diffing_count(work, last_mark(work), i).bytes : 0;
    }
    ret->new_modules = MM_ARENA_NEW(work->arena, uint32_t, (size_t)room + 1);
    if (ret->new_modules == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t node = 0; node < input->graph->root_node; node++) {
        uint32_t shape = last->of_node[node];
        if (shape != MM_NONE && last->paths.via[node] == MM_VIA_MODULE &&
            work->left_out[shape] != 0 && ret->new_module_count < room) {
            ret->new_modules[ret->new_module_count++] = node;
        }
    }
    return MM_OK;
}

static MM_STATUS births_fill(const mm_diffing *work, mm_shape_growth *ret) {
    const mm_shape_mark *last = &work->input->marks[last_mark(work)];
    uint32_t nodes = work->input->graph->root_node;
    ret->birth = MM_ARENA_NEW(work->arena, uint32_t, (size_t)nodes + 1);
    if (ret->birth == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t node = 0; node < nodes; node++) {
        uint32_t shape = last->of_node[node];
        ret->birth[node] = shape != MM_NONE && work->group_of[shape] != MM_NONE;
    }
    return MM_OK;
}

static MM_STATUS diffing_run(mm_diffing *work, mm_shape_growth *ret, mm_error *err) {
    size_t room = (size_t)work->input->shapes->count + 1;
    work->grows = MM_ARENA_NEW(work->arena, uint8_t, room);
    work->left_out = MM_ARENA_NEW(work->arena, uint8_t, room);
    work->is_first = MM_ARENA_NEW(work->arena, uint8_t, room);
    work->has_growth = MM_ARENA_NEW(work->arena, uint8_t, room);
    work->group_of = MM_ARENA_NEW(work->arena, uint32_t, room);
    if (work->grows == NULL || work->left_out == NULL || work->is_first == NULL ||
        work->has_growth == NULL || work->group_of == NULL) {
        return MM_E_NOMEM;
    }
    memset(work->group_of, 0xff, room * sizeof(*work->group_of));
    MM_TRY(types_total(work));
    MM_TRY(ranks_fill(work, err));
    MM_TRY(shapes_judge(work));
    MM_TRY(fronts_find(work));
    MM_TRY(names_find(work));
    groups_spread(work);
    MM_TRY(ones_find(work));
    MM_TRY(types_choose(work));
    MM_TRY(modules_list(work, ret));
    MM_TRY(births_fill(work, ret));
    return mm_diffing_guilt(work);
}

MM_STATUS mm_shapes_compare(const mm_shapes_input *input, mm_arena *arena, mm_shape_growth *ret,
                            mm_error *err) {
    mm_diffing work = {.input = input, .arena = arena};
    mm_shape_growth growth = {.finding_count = 0};
    MM_ASSERT(input->mark_count > 1);
    MM_ASSERT(input->marks[input->mark_count - 1].of_node != NULL);
    if (diffing_run(&work, &growth, err) != MM_OK) {
        return mm_fail(err, MM_E_NOMEM, no_memory, 0);
    }
    growth.findings = work.findings;
    growth.finding_count = work.finding_count;
    *ret = growth;
    return MM_OK;
}
