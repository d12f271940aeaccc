// Holds become findings: those of one container and one way of holding are one finding; what many
// instances of one class hold by the same attribute is one too. A finding that most of whose
// objects an earlier one holds as well is not said again: it stands there under "also held by".
#include <string.h>

#include "base/free/search.h"
#include "base/free/sort.h"
#include "explain/group.h"
#include "explain/story.h"

enum { TEXT_BYTES = 320, MEASURED_MAX = 24, ALSO_MAX = 4, TOLD_MAX = 200, HIDDEN_MAX = 50 };

typedef struct hold_key {
    uint64_t first;   // kind, class, and the most telling part
    uint64_t second;  // the rest
    uint32_t object;
    uint32_t index;  // of the hold
} hold_key;

static uint8_t held_what(const mm_explain *work, const mm_hold *hold) {
    uint8_t mark = work->marks[hold->object];
    if ((hold->flags & MM_HOLD_DATA) != 0) {
        return MM_HELD_DATA;
    }
    if ((mark & MM_EXPLAIN_KEEPS) != 0) {
        return MM_HELD_EXCEPTIONS;
    }
    if ((mark & MM_EXPLAIN_INSTANCE) != 0) {
        return MM_HELD_INSTANCES;
    }
    return (mark & MM_EXPLAIN_DEAD) != 0 ? MM_HELD_DEAD : MM_HELD_CODE;
}

// What a container is called in its instance: equal for all instances of a class.
static uint32_t slot_of(const mm_explain *work, const mm_hold *hold) {
    const mm_graph *graph = work->graph;
    uint32_t node = hold->how == MM_HOW_NAME ? hold->object : hold->source;
    for (uint32_t i = graph->reverse_start[node]; i < graph->reverse_start[node + 1]; i++) {
        uint32_t source = mm_graph_reverse_source(graph, i);
        if (source == hold->anchor || mm_graph_owner(graph, source, NULL) == hold->anchor) {
            return work->file->reference_argument[graph->reverse_edge[i]];
        }
    }
    return MM_NONE;
}

static hold_key key_of(const mm_explain *work, uint32_t index) {
    const mm_hold *hold = &work->holds[index];
    uint64_t head = (uint64_t)hold->kind << 62 | (uint64_t)held_what(work, hold) << 59 |
                    (uint64_t)hold->how << 56;
    hold_key key = {head | hold->source, hold->how == MM_HOW_NAME ? hold->edge : 0, hold->object,
                    index};
    if ((hold->flags & MM_HOLD_ATEXIT) != 0) {
        key.first = head | MM_NONE;
    }
    if (hold->kind == MM_ANCHOR_INSTANCE) {
        key.first = head | work->file->type[hold->anchor];
        key.second = slot_of(work, hold);
    }
    return key;
}

static bool key_before(const void *left, const void *right, const void *context) {
    const hold_key *a = left;
    const hold_key *b = right;
    (void)context;
    if (a->first != b->first) {
        return a->first < b->first;
    }
    if (a->second != b->second) {
        return a->second < b->second;
    }
    return a->object != b->object ? a->object < b->object : a->index < b->index;
}

static bool object_before(const void *left, const void *right, const void *context) {
    (void)context;
    return *(const uint32_t *)left < *(const uint32_t *)right;
}

// The type that most of the objects have; of two, the first by name.
static MM_STATUS group_type(const mm_explain *work, uint32_t *types, uint32_t *buffer,
                            mm_hold_group *group) {
    const mm_file *file = work->file;
    char text[TEXT_BYTES];
    uint32_t best = MM_NONE;
    for (size_t i = 0; i < group->count; i++) {
        types[i] = file->type[group->objects[i]];
    }
    mm_sort(types, buffer, group->count, sizeof(*types), object_before, NULL);
    for (size_t i = 0; i < group->count;) {
        size_t end = i;
        while (end < group->count && types[end] == types[i]) {
            end++;
        }
        bool better = end - i > group->type_count ||
                      (end - i == group->type_count &&
                       strcmp(file->types[types[i]].name, file->types[best].name) < 0);
        if (better) {
            best = types[i];
            group->type_count = end - i;
        }
        i = end;
    }
    group->sample = group->objects[0];
    for (size_t i = group->count; i-- > 0;) {
        if (file->type[group->objects[i]] == best) {
            group->sample = group->objects[i];
        }
    }
    mm_explain_object_text(work->graph, group->sample, text, sizeof(text));
    group->type = mm_why_text_keep(work->arena, text);
    return group->type == NULL ? MM_E_NOMEM : MM_OK;
}

// Bytes that go with the objects, none counted twice.
static uint64_t group_weight(const mm_explain *work, const mm_hold_group *group) {
    uint64_t sum = 0;
    for (size_t i = 0; i < group->count; i++) {
        uint32_t node = group->objects[i];
        uint32_t above = mm_dominators_object(&work->tree, node);
        bool inside = false;
        // An object that another one of them dominates is in that one's sum.
        for (uint32_t steps = 0; above != MM_NONE && steps < 8 && !inside; steps++) {
            size_t at =
                mm_lower_bound_u32(group->objects, sizeof(*group->objects), group->count, above);
            inside = at < group->count && group->objects[at] == above;
            above = mm_dominators_object(&work->tree, above);
        }
        sum += inside ? 0 : work->retained[node];
    }
    return sum;
}

static MM_STATUS group_make(mm_explain *work, const hold_key *keys, size_t count,
                            mm_hold_group *group) {
    const mm_hold *first = &work->holds[keys[0].index];
    char text[TEXT_BYTES];
    size_t used = 0;
    group->holds = MM_ARENA_NEW(work->arena, const mm_hold *, count);
    group->objects = MM_ARENA_NEW(work->arena, uint32_t, count);
    uint32_t *types = MM_ARENA_NEW(work->arena, uint32_t, 2 * count);
    if (group->holds == NULL || group->objects == NULL || types == NULL) {
        return MM_E_NOMEM;
    }
    group->one_source = true;
    for (size_t i = 0; i < count; i++) {
        const mm_hold *hold = &work->holds[keys[i].index];
        group->one_source = group->one_source && hold->source == first->source;
        if (used == 0 || group->objects[used - 1] != keys[i].object) {
            group->holds[used] = hold;
            group->objects[used++] = keys[i].object;
        }
    }
    group->count = used;
    group->first = keys[0].first;
    group->second = keys[0].second;
    group->what = held_what(work, first);
    group->kind = first->kind;
    MM_TRY(group_type(work, types, types + count, group));
    mm_explain_holder_text(work->graph, first->source, text, sizeof(text), &group->cached);
    group->inside = mm_explain_outer(work->graph, first->source) != first->source;
    group->bounded = mm_explain_is_cache(work->graph, first->source);
    bool atexit = (first->flags & MM_HOLD_ATEXIT) != 0;
    group->holder = mm_why_text_keep(work->arena, atexit ? "atexit" : text);
    group->weight_bytes = group_weight(work, group);
    return group->holder == NULL ? MM_E_NOMEM : MM_OK;
}

static bool group_before(const void *left, const void *right, const void *context) {
    const mm_hold_group *a = left;
    const mm_hold_group *b = right;
    (void)context;
    if (a->hidden != b->hidden) {
        return b->hidden;
    }
    if (a->rank != b->rank) {
        return a->rank < b->rank;
    }
    if (a->weight_bytes != b->weight_bytes) {
        return a->weight_bytes > b->weight_bytes;
    }
    if (a->count != b->count) {
        return a->count > b->count;
    }
    int by_holder = strcmp(a->holder, b->holder);
    return by_holder != 0 ? by_holder < 0 : strcmp(a->type, b->type) < 0;
}

static MM_STATUS groups_make(mm_explain *work, mm_hold_group **ret, size_t *ret_count) {
    size_t count = work->hold_count;
    hold_key *keys = MM_ARENA_NEW(work->arena, hold_key, count + 1);
    hold_key *buffer = MM_ARENA_NEW(work->arena, hold_key, count + 1);
    if (keys == NULL || buffer == NULL) {
        return MM_E_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        keys[i] = key_of(work, (uint32_t)i);
    }
    mm_sort(keys, buffer, count, sizeof(*keys), key_before, NULL);
    size_t groups = 0;
    for (size_t i = 0; i < count; i++) {
        groups +=
            i == 0 || keys[i].first != keys[i - 1].first || keys[i].second != keys[i - 1].second;
    }
    mm_hold_group *group = MM_ARENA_NEW(work->arena, mm_hold_group, groups + 1);
    mm_hold_group *lent = MM_ARENA_NEW(work->arena, mm_hold_group, groups + 1);
    if (group == NULL || lent == NULL) {
        return MM_E_NOMEM;
    }
    size_t made = 0;
    uint32_t tables = 0;
    for (size_t i = 0; i < count;) {
        size_t end = i + 1;
        while (end < count && keys[end].first == keys[i].first &&
               keys[end].second == keys[i].second) {
            end++;
        }
        MM_TRY(group_make(work, &keys[i], end - i, &group[made]));
        mm_explain_judge(work, &group[made], &tables);
        made++;
        i = end;
    }
    mm_sort(group, lent, made, sizeof(*group), group_before, NULL);
    *ret = group;
    *ret_count = made;
    return MM_OK;
}

static MM_STATUS group_sentence(mm_explain *work, const mm_hold_group *group, mm_finding *finding) {
    mm_phrase phrase = {.used = 0};
    if (group->holds[0]->how == MM_HOW_NAME) {
        finding->holder = finding->cut.reference;
    } else {
        finding->holder = group->holder;
    }
    mm_explain_holder_say(finding->holder, group->cached, &phrase);
    mm_phrase_text(&phrase, " keeps ");
    if (group->what == MM_HELD_DEAD) {
        mm_phrase_number(&phrase, group->count);
        mm_phrase_text(&phrase,
                       group->count == 1 ? " dead weak reference: " : " dead weak references: ");
    } else {
        mm_phrase_number(&phrase, group->type_count);
        mm_phrase_text(&phrase, " ");
        mm_phrase_text(&phrase, group->type);
        if (group->count > group->type_count) {
            mm_phrase_text(&phrase, " and ");
            mm_phrase_number(&phrase, group->count - group->type_count);
            mm_phrase_text(&phrase, group->count - group->type_count == 1 ? " other" : " others");
        }
        if (group->what == MM_HELD_EXCEPTIONS) {
            mm_kept_frame kept = mm_explain_kept_frame(work, group->sample);
            char frame[TEXT_BYTES];
            if (kept.frame != MM_NONE) {
                (void)mm_graph_node_text(work->graph, kept.frame, frame, sizeof(frame));
                mm_phrase_text(
                    &phrase, group->count == 1 ? " and with it the " : " and with each of them a ");
                mm_phrase_text(&phrase, frame);
            }
        }
        mm_phrase_text(&phrase, " alive: ");
    }
    mm_phrase_bytes(&phrase, finding->retained_bytes);
    finding->sentence = mm_phrase_keep(&phrase, work->arena);
    return finding->sentence == NULL || finding->holder == NULL ? MM_E_NOMEM : MM_OK;
}

// Of several containers: all their references are cut together.
static MM_STATUS group_cut_several(mm_explain *work, const mm_hold_group *group,
                                   mm_finding *finding) {
    mm_cut cut;
    mm_cut_effect effect;
    uint32_t *edges = MM_ARENA_NEW(work->arena, uint32_t, group->count + 1);
    if (edges == NULL || finding->cut.reference == NULL) {
        return MM_E_NOMEM;
    }
    for (size_t i = 0; i < group->count; i++) {
        edges[i] = group->holds[i]->edge;
    }
    MM_TRY(mm_cut_select_all(work->graph, edges, group->count, work->arena, &cut, work->err));
    mm_cutter_measure(&work->cutter, &cut, group->objects, group->count, &effect);
    finding->cut.freed_bytes = effect.freed_bytes;
    finding->cut.other_holders = effect.other_holders + effect.c_holders;
    finding->cut.would_drop_at_once = effect.drop_held;
    return MM_OK;
}

static MM_STATUS group_cut(mm_explain *work, mm_hold_group *group, bool measured,
                           mm_finding *finding) {
    const mm_hold *hold = group->holds[0];
    mm_phrase name = {.used = 0};
    char step[TEXT_BYTES];
    mm_explain_edge_text(work->graph, hold->edge, step, sizeof(step));
    if ((hold->flags & MM_HOLD_ATEXIT) != 0) {
        mm_phrase_text(&name, "atexit callbacks");
    } else if (group->renamed && strchr(".[ +", step[0]) != NULL) {
        mm_phrase_text(&name, group->holder);
        mm_phrase_text(&name, step);
    } else {
        mm_explain_reference_text(work->graph, hold->source, hold->edge, &name);
    }
    finding->cut.reference = mm_phrase_keep(&name, work->arena);
    finding->retained_bytes = group->weight_bytes;
    if (measured && !group->one_source) {
        return group_cut_several(work, group, finding);
    }
    if (measured) {
        mm_cut cut;
        mm_cut_effect effect;
        MM_TRY(mm_cut_select(work->graph, hold->source, hold->edge, work->arena, &cut, work->err));
        mm_cutter_measure(&work->cutter, &cut, group->objects, group->count, &effect);
        finding->cut.freed_bytes = effect.freed_bytes;
        finding->cut.other_holders = effect.other_holders + effect.c_holders;
        finding->cut.would_drop_at_once = effect.drop_held;
        group->owned = true;
        for (size_t i = 0; i < group->count && group->owned; i++) {
            group->owned = (work->cutter.mark[group->objects[i]] & MM_CUT_REACHED) != 0;
        }
        bool alone = finding->cut.other_holders == 0;
        if (effect.freed_bytes > 0 && (alone || effect.freed_bytes > group->weight_bytes)) {
            finding->retained_bytes = effect.freed_bytes;
        }
    }
    return finding->cut.reference == NULL ? MM_E_NOMEM : MM_OK;
}

// A container deep inside a library's instance is called after that instance's class, of which
// there may be many. Where the path leads to it from a module or class, that says it better.
static MM_STATUS group_name(mm_explain *work, mm_hold_group *group, const mm_finding *finding) {
    mm_phrase name = {.used = 0};
    const char *dot = strchr(group->holder, '.');
    size_t length = dot != NULL ? (size_t)(dot - group->holder) : strlen(group->holder);
    uint32_t guilty = 0;
    uint32_t start = 0;
    bool inside = false;
    while (guilty < finding->path_count && !finding->path[guilty].guilty) {
        guilty++;
    }
    for (uint32_t i = 0; i < guilty && guilty < finding->path_count; i++) {
        const char *object = finding->path[i].object;
        bool place = strncmp(object, "module ", 7) == 0 || strncmp(object, "class ", 6) == 0;
        start = place ? i : start;
        inside = inside ||
                 (i > 0 && strncmp(object, group->holder, length) == 0 && object[length] == '\0');
    }
    // So is one of C that has no name of its own: a deque.
    bool unnamed =
        guilty < finding->path_count && strcmp(finding->path[guilty].object, group->holder) == 0;
    if ((!inside && !unnamed) || guilty == 0 || !group->one_source ||
        group->holds[0]->how == MM_HOW_NAME) {
        return MM_OK;
    }
    const char *first = strchr(finding->path[start].object, ' ');
    mm_phrase_text(&name, first != NULL ? first + 1 : finding->path[start].object);
    for (uint32_t i = start; i < guilty; i++) {
        mm_phrase_text(&name, finding->path[i].edge != NULL ? finding->path[i].edge : "");
    }
    bool in_main = strncmp(name.text, "__main__.", 9) == 0;
    group->holder = mm_why_text_keep(work->arena, name.text + (in_main ? 9 : 0));
    group->renamed = true;
    return group->holder == NULL ? MM_E_NOMEM : MM_OK;
}

static MM_STATUS group_role(mm_explain *work, const mm_hold_group *group, mm_finding *finding) {
    const mm_hold *hold = group->holds[0];
    mm_role_guess guess;
    mm_role_facts facts = {.holder = finding->holder,
                           .type = group->type,
                           .how = (mm_how)hold->how,
                           .object = group->sample,
                           .source = hold->source,
                           .callback = (hold->flags & MM_HOLD_CALLBACK) != 0,
                           .exception = group->what == MM_HELD_EXCEPTIONS,
                           .dead = group->what == MM_HELD_DEAD,
                           .weak = (hold->flags & MM_HOLD_WEAK) != 0,
                           .cached = group->cached};
    facts.observer = hold->kind == MM_ANCHOR_INSTANCE &&
                     mm_explain_calls_back(work, hold->anchor, group->sample);
    uint32_t entry = work->file->reference_target[hold->edge];
    facts.bound = mm_graph_kind(work->graph, entry) == MM_KIND_METHOD;
    facts.callback = facts.callback && (hold->flags & MM_HOLD_SUSPENDED) == 0;
    facts.owned = group->owned;
    facts.descriptor = mm_explain_is_descriptor(work, hold->anchor);
    facts.shared = finding->also_count > 0 || finding->cut.freed_bytes == 0 ||
                   (finding->cut.other_holders != MM_UNKNOWN && finding->cut.other_holders > 0);
    facts.alone = group->one_source && !facts.shared && finding->cut.other_holders == 0;
    facts.atexit = (hold->flags & MM_HOLD_ATEXIT) != 0;
    facts.inside = mm_graph_edge_source(work->graph, hold->last) != hold->source;
    MM_TRY(mm_explain_role(work, &facts, &guess));
    finding->cut.role = guess.role;
    finding->cure = guess.cure;
    finding->cure_text = guess.text;
    return MM_OK;
}

static MM_STATUS group_find(mm_explain *work, mm_hold_group *group, bool measured) {
    char type[TEXT_BYTES];
    mm_finding *finding = mm_explain_finding(work);
    if (finding == NULL) {
        return MM_E_NOMEM;
    }
    finding->kind = MM_FINDING_HOLDER;
    finding->hidden = group->hidden;
    finding->count = group->count;
    (void)mm_graph_type_text(work->graph, work->file->type[group->sample], type, sizeof(type));
    finding->type = mm_why_text_keep(work->arena, type);
    if (finding->type == NULL) {
        return MM_E_NOMEM;
    }
    MM_TRY(mm_explain_story(work, group->holds, group->count, group->count > 1, finding));
    if ((work->graph->node_flags[group->holds[0]->anchor] & MM_NODE_STDLIB) != 0) {
        // The line where the library makes its registry helps nobody.
        finding->chain = NULL;
        finding->file = NULL;
        finding->line = 0;
    }
    MM_TRY(group_name(work, group, finding));
    MM_TRY(group_cut(work, group, measured, finding));
    MM_TRY(group_sentence(work, group, finding));
    finding->fingerprint = mm_explain_hash(MM_FORMAT_CHECKSUM_START, "holder");
    finding->fingerprint = mm_explain_hash(finding->fingerprint, finding->type);
    finding->fingerprint = mm_explain_hash(finding->fingerprint, finding->cut.reference);
    group->finding = finding;
    // A weak container keeps nothing alive that somebody else holds as well.
    bool weak = (group->holds[0]->flags & MM_HOLD_WEAK) != 0;
    finding->hidden = finding->hidden || (weak && finding->cut.freed_bytes == 0);
    return MM_OK;
}

// What own_objects says of a type: the reference that holds most of its objects.
static void type_held(mm_explain *work, const mm_hold_group *group) {
    uint32_t type = work->file->type[group->sample];
    if (group->type_count > work->type_held_count[type]) {
        work->type_held_count[type] = (uint32_t)group->type_count;
        work->type_held[type] = group->finding->cut.reference;
    }
}

static MM_STATUS also_add(mm_explain *work, mm_finding *finding, const char *text) {
    if (finding->also_held_by == NULL) {
        finding->also_held_by = MM_ARENA_NEW(work->arena, const char *, ALSO_MAX);
    }
    if (finding->also_held_by == NULL || text == NULL) {
        return MM_E_NOMEM;
    }
    if (finding->also_count < ALSO_MAX) {
        finding->also_held_by[finding->also_count++] = text;
    }
    return MM_OK;
}

// Names under which modules, classes and running frames have objects of the group.
static MM_STATUS names_add(mm_explain *work, const mm_hold_group *group) {
    const mm_graph *graph = work->graph;
    mm_finding *finding = group->finding;
    for (size_t i = 0; i < group->count && finding->also_count < ALSO_MAX; i++) {
        uint32_t node = group->objects[i];
        if ((work->named[node] & 2) == 0) {
            continue;
        }
        for (uint32_t at = graph->reverse_start[node]; at < graph->reverse_start[node + 1]; at++) {
            uint32_t source = mm_graph_reverse_source(graph, at);
            if ((work->marks[source] & MM_EXPLAIN_NAMES) != 0) {
                mm_phrase name = {.used = 0};
                mm_explain_reference_text(graph, source, graph->reverse_edge[at], &name);
                MM_TRY(also_add(work, finding, mm_phrase_keep(&name, work->arena)));
            }
        }
        for (uint32_t root = 0; root < work->file->root_count; root++) {
            char text[TEXT_BYTES];
            if (work->file->roots[root].object == node &&
                work->file->roots[root].kind == MM_ROOT_FRAME) {
                (void)mm_graph_root_text(graph, root, text, sizeof(text));
                MM_TRY(also_add(work, finding, mm_why_text_keep(work->arena, text)));
            }
        }
    }
    return MM_OK;
}

static size_t shared_count(const mm_hold_group *a, const mm_hold_group *b) {
    size_t shared = 0;
    for (size_t i = 0, j = 0; i < a->count && j < b->count;) {
        shared += a->objects[i] == b->objects[j];
        bool step_a = a->objects[i] <= b->objects[j];
        bool step_b = b->objects[j] <= a->objects[i];
        i += step_a;
        j += step_b;
    }
    return shared;
}

// Hand the group over to an earlier finding that holds most of the same.
static MM_STATUS group_join(mm_explain *work, mm_hold_group *groups, size_t at, bool *ret) {
    mm_hold_group *group = &groups[at];
    *ret = false;
    for (size_t i = 0; i < at && !*ret; i++) {
        mm_hold_group *first = &groups[i];
        // Generators in a container are told by what their variables are.
        bool code = group->what == MM_HELD_CODE && first->finding != NULL && group->one_source &&
                    first->one_source && first->holds[0]->source == group->holds[0]->source;
        if (first->finding == NULL || (!code && shared_count(first, group) * 2 < group->count)) {
            continue;
        }
        *ret = true;
        // One dict may have them as keys and in its values.
        if (strcmp(first->holder, group->holder) != 0) {
            MM_TRY(also_add(work, first->finding, group->holder));
        }
    }
    return MM_OK;
}

MM_STATUS mm_explain_holders(mm_explain *work) {
    mm_hold_group *groups = NULL;
    size_t count = 0;
    size_t measured = 0;
    size_t told = 0;
    size_t hidden = 0;
    MM_TRY(groups_make(work, &groups, &count));
    for (size_t i = 0; i < count; i++) {
        bool joined = false;
        if ((groups[i].hidden ? hidden : told) >= (groups[i].hidden ? HIDDEN_MAX : TOLD_MAX)) {
            continue;
        }
        MM_TRY(group_join(work, groups, i, &joined));
        if (!joined) {
            MM_TRY(group_find(work, &groups[i], measured < MEASURED_MAX));
            MM_TRY(names_add(work, &groups[i]));
            measured++;
            told += !groups[i].hidden;
            hidden += groups[i].hidden;
            type_held(work, &groups[i]);
        }
    }
    // Last: a role depends on who else holds the objects.
    for (size_t i = 0; i < count; i++) {
        if (groups[i].finding != NULL) {
            MM_TRY(group_role(work, &groups[i], groups[i].finding));
        }
    }
    return MM_OK;
}
