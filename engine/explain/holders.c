// Holds become findings: those of one container and one way of holding are one finding; what many
// instances of one class hold by the same attribute is one too. A finding that most of whose
// objects an earlier one holds as well is not said again: it stands there under "also held by".
//
// Which of them a person should see: DESIGN draws the line. A container in a namespace is always
// told. A container of an own instance is the ordinary way to build a tree, and told only if
// something speaks for another role: the instance is a class attribute (a descriptor, a registry),
// its objects are keys, or bound methods, or it is named like a cache or like something that
// observers register with, or its class notifies what it holds without knowing what that is.
#include <string.h>

#include "base/free/search.h"
#include "base/free/sort.h"
#include "explain/story.h"

enum { TEXT_BYTES = 320, MEASURED_MAX = 24, ALSO_MAX = 4, TOLD_MAX = 200, HIDDEN_MAX = 50 };
// A table of more entries, and any after so many tables, is told like other containers.
enum { TABLE_ENTRIES_MAX = 16, TABLES_MAX = 64, TABLE_FEW = 3 };

// What is held. Each class is a finding of its own.
enum { HELD_INSTANCES = 0, HELD_EXCEPTIONS, HELD_DEAD, HELD_CODE };

typedef struct hold_key {
    uint64_t first;   // kind, class, and the most telling part
    uint64_t second;  // the rest
    uint32_t object;
    uint32_t index;  // of the hold
} hold_key;

typedef struct hold_group {
    const mm_hold **holds;  // one for each object
    uint32_t *objects;      // ascending, each once
    size_t count;
    uint64_t first;
    uint64_t second;
    uint64_t weight_bytes;  // retained by the objects
    const char *holder;
    const char *type;     // "Exam"
    uint64_t type_count;  // of them, those of that type
    uint32_t sample;      // one of that type
    uint8_t what;         // HELD_*
    uint8_t kind;         // mm_anchor_kind
    uint8_t rank;         // which of two holders of the same objects is told: the smaller
    bool one_source;
    bool renamed;  // `holder` was read off the path
    bool cached;   // the container is inside an object of C
    bool hidden;
    bool owned;  // cut off, others would still keep all of them
    mm_finding *finding;
} hold_group;

static uint8_t held_what(const mm_explain *work, const mm_hold *hold) {
    uint8_t mark = work->marks[hold->object];
    if ((mark & MM_EXPLAIN_KEEPS) != 0) {
        return HELD_EXCEPTIONS;
    }
    if ((mark & MM_EXPLAIN_INSTANCE) != 0) {
        return HELD_INSTANCES;
    }
    return (mark & MM_EXPLAIN_DEAD) != 0 ? HELD_DEAD : HELD_CODE;
}

// What a container is called in its instance: equal for all instances of a class.
static uint32_t slot_of(const mm_explain *work, const mm_hold *hold) {
    const mm_graph *graph = work->graph;
    uint32_t node = hold->how == MM_HOW_NAME ? hold->object : hold->source;
    for (uint32_t i = graph->reverse_start[node]; i < graph->reverse_start[node + 1]; i++) {
        uint32_t source = graph->reverse_source[i];
        if (source == hold->anchor || mm_graph_owner(graph, source, NULL) == hold->anchor) {
            return work->file->reference_argument[graph->reverse_edge[i]];
        }
    }
    return MM_NONE;
}

static hold_key key_of(const mm_explain *work, uint32_t index) {
    const mm_hold *hold = &work->holds[index];
    uint64_t head = (uint64_t)hold->kind << 62 | (uint64_t)held_what(work, hold) << 60 |
                    (uint64_t)hold->how << 56;
    hold_key key = {head | hold->source, hold->how == MM_HOW_NAME ? hold->edge : 0, hold->object,
                    index};
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
                            hold_group *group) {
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
static uint64_t group_weight(const mm_explain *work, const hold_group *group) {
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
                            hold_group *group) {
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
    group->holder = mm_why_text_keep(work->arena, text);
    group->weight_bytes = group_weight(work, group);
    return group->holder == NULL ? MM_E_NOMEM : MM_OK;
}

// Does a container of instances hold objects that keep such containers of their own: the inner
// level of a tree?
static bool is_tree(const mm_explain *work, const hold_group *group) {
    const mm_hold *hold = group->holds[0];
    return work->file->type[hold->anchor] == work->file->type[group->sample];
}

static bool instance_is_told(const mm_explain *work, const hold_group *group) {
    const mm_hold *hold = group->holds[0];
    if (group->what == HELD_EXCEPTIONS || group->what == HELD_DEAD) {
        return true;
    }
    if (group->what == HELD_CODE || is_tree(work, group)) {
        return false;
    }
    return hold->how == MM_HOW_KEY || (hold->flags & MM_HOLD_CALLBACK) != 0 ||
           hold->source == hold->anchor || mm_explain_stands_in_class(work, hold->anchor) ||
           mm_explain_says_cache(group->holder) || mm_explain_says_observer(group->holder) ||
           mm_explain_calls_back(work, hold->anchor, group->sample);
}

static bool library_is_told(const mm_explain *work, const hold_group *group) {
    uint32_t anchor = group->holds[0]->anchor;
    bool classes = mm_graph_kind(work->graph, group->sample) == MM_KIND_TYPE;
    if (group->what == HELD_DEAD || (group->what == HELD_CODE && !classes)) {
        return false;
    }
    if ((work->graph->node_flags[anchor] & MM_NODE_STDLIB) == 0) {
        return true;
    }
    // One object registered with the standard library is what its registries are for; what a
    // running frame names is in use.
    return group->count > 1 && (work->named[group->sample] & 2) == 0;
}

// Does something of the program's own name the container: a namespace, an instance, a closure? A
// list inside an object of C is that object's business.
static bool source_is_own(const mm_explain *work, const hold_group *group) {
    const mm_graph *graph = work->graph;
    uint32_t node = group->holds[0]->source;
    for (uint32_t i = graph->reverse_start[node];
         !group->cached && i < graph->reverse_start[node + 1]; i++) {
        uint32_t source = graph->reverse_source[i];
        uint32_t owner = mm_graph_owner(graph, source, NULL);
        bool own = (work->marks[source] & (MM_EXPLAIN_NAMES | MM_EXPLAIN_OWN)) != 0 ||
                   (owner != MM_NONE && (work->marks[owner] & MM_EXPLAIN_OWN) != 0);
        uint32_t kind = mm_graph_kind(graph, source);
        if (own || kind == MM_KIND_CELL || kind == MM_KIND_TUPLE) {
            return true;
        }
    }
    return false;
}

// Constants stay for good anyway: a table of them forgets nothing.
static bool all_constants(const mm_explain *work, const hold_group *group) {
    for (size_t i = 0; i < group->count; i++) {
        if (!mm_explain_is_constant(work, group->objects[i])) {
            return false;
        }
    }
    return group->what == HELD_INSTANCES && group->holds[0]->how != MM_HOW_KEY;
}

// A small global table of what nothing but the import of a module makes.
static bool is_small_table(const mm_explain *work, const hold_group *group, uint32_t *tables) {
    const mm_hold *hold = group->holds[0];
    uint64_t entries = 0;
    if (group->hidden || group->kind != MM_ANCHOR_NAMESPACE || group->what != HELD_INSTANCES ||
        hold->how == MM_HOW_KEY || !group->one_source || *tables == TABLES_MAX ||
        !mm_graph_entries(work->graph, hold->source, &entries) || entries > TABLE_ENTRIES_MAX ||
        group->count > TABLE_ENTRIES_MAX) {
        return false;
    }
    const char *name = mm_explain_table_name(work, hold->source);
    if (name == NULL) {
        return false;
    }
    ++*tables;
    for (size_t i = 0; i < group->count; i++) {
        bool same =
            i > 0 && work->file->type[group->objects[i]] == work->file->type[group->objects[i - 1]];
        if (!same && mm_explain_is_filled_by_code(work, name, group->objects[i],
                                                  group->count <= TABLE_FEW)) {
            return false;
        }
    }
    return true;
}

static void group_judge(const mm_explain *work, hold_group *group) {
    const mm_hold *hold = group->holds[0];
    switch (group->kind) {
        case MM_ANCHOR_NAMESPACE:
            // One object registered with what the library knows too (a handler with a logger).
            group->hidden = group->count == 1 && group->what == HELD_INSTANCES &&
                            (hold->flags & MM_HOLD_SHARED) != 0;
            group->rank = 2;
            break;
        case MM_ANCHOR_INSTANCE:
            group->hidden = !instance_is_told(work, group);
            group->rank = 3;
            break;
        default:
            group->hidden = !library_is_told(work, group);
            group->rank = 4;
            break;
    }
    group->hidden = group->hidden || (group->what == HELD_DEAD && !source_is_own(work, group)) ||
                    all_constants(work, group);
    if (group->what == HELD_EXCEPTIONS) {
        group->rank = 0;
    } else if (hold->how == MM_HOW_KEY || (hold->flags & MM_HOLD_CALLBACK) != 0) {
        group->rank = 1;
    } else if (group->what == HELD_CODE) {
        group->rank = 5;
    }
}

static bool group_before(const void *left, const void *right, const void *context) {
    const hold_group *a = left;
    const hold_group *b = right;
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

static MM_STATUS groups_make(mm_explain *work, hold_group **ret, size_t *ret_count) {
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
    hold_group *group = MM_ARENA_NEW(work->arena, hold_group, groups + 1);
    hold_group *lent = MM_ARENA_NEW(work->arena, hold_group, groups + 1);
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
        group_judge(work, &group[made]);
        group[made].hidden = group[made].hidden || is_small_table(work, &group[made], &tables);
        made++;
        i = end;
    }
    mm_sort(group, lent, made, sizeof(*group), group_before, NULL);
    *ret = group;
    *ret_count = made;
    return MM_OK;
}

static MM_STATUS group_sentence(mm_explain *work, const hold_group *group, mm_finding *finding) {
    mm_phrase phrase = {.used = 0};
    if (group->holds[0]->how == MM_HOW_NAME) {
        finding->holder = finding->cut.reference;
    } else {
        finding->holder = group->holder;
    }
    mm_phrase_text(&phrase, finding->holder);
    mm_phrase_text(&phrase, " keeps ");
    if (group->what == HELD_DEAD) {
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
        if (group->what == HELD_EXCEPTIONS) {
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

static MM_STATUS group_cut(mm_explain *work, hold_group *group, bool measured,
                           mm_finding *finding) {
    const mm_hold *hold = group->holds[0];
    mm_phrase name = {.used = 0};
    char step[TEXT_BYTES];
    mm_explain_edge_text(work->graph, hold->edge, step, sizeof(step));
    if (group->renamed && strchr(".[ +", step[0]) != NULL) {
        mm_phrase_text(&name, group->holder);
        mm_phrase_text(&name, step);
    } else {
        mm_explain_reference_text(work->graph, hold->source, hold->edge, &name);
    }
    finding->cut.reference = mm_phrase_keep(&name, work->arena);
    finding->retained_bytes = group->weight_bytes;
    if (group->one_source && measured) {
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
static MM_STATUS group_name(mm_explain *work, hold_group *group, const mm_finding *finding) {
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
    if (!inside || !group->one_source || group->holds[0]->how == MM_HOW_NAME) {
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

static MM_STATUS group_role(mm_explain *work, const hold_group *group, mm_finding *finding) {
    const mm_hold *hold = group->holds[0];
    mm_role_guess guess;
    mm_role_facts facts = {.holder = finding->holder,
                           .type = group->type,
                           .how = (mm_how)hold->how,
                           .object = group->sample,
                           .source = hold->source,
                           .callback = (hold->flags & MM_HOLD_CALLBACK) != 0,
                           .exception = group->what == HELD_EXCEPTIONS,
                           .dead = group->what == HELD_DEAD,
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
    facts.alone = !facts.shared && finding->cut.other_holders == 0;
    facts.inside = mm_graph_edge_source(work->graph, hold->last) != hold->source;
    MM_TRY(mm_explain_role(work, &facts, &guess));
    finding->cut.role = guess.role;
    finding->cure = guess.cure;
    finding->cure_text = guess.text;
    return MM_OK;
}

static MM_STATUS group_find(mm_explain *work, hold_group *group, bool measured) {
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
static void type_held(mm_explain *work, const hold_group *group) {
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
static MM_STATUS names_add(mm_explain *work, const hold_group *group) {
    const mm_graph *graph = work->graph;
    mm_finding *finding = group->finding;
    for (size_t i = 0; i < group->count && finding->also_count < ALSO_MAX; i++) {
        uint32_t node = group->objects[i];
        if ((work->named[node] & 2) == 0) {
            continue;
        }
        for (uint32_t at = graph->reverse_start[node]; at < graph->reverse_start[node + 1]; at++) {
            uint32_t source = graph->reverse_source[at];
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

static size_t shared_count(const hold_group *a, const hold_group *b) {
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
static MM_STATUS group_join(mm_explain *work, hold_group *groups, size_t at, bool *ret) {
    hold_group *group = &groups[at];
    *ret = false;
    for (size_t i = 0; i < at && !*ret; i++) {
        hold_group *first = &groups[i];
        if (first->finding == NULL || shared_count(first, group) * 2 < group->count) {
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
    hold_group *groups = NULL;
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
            measured += groups[i].one_source;
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
