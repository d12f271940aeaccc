// The table of cures, and the questions about a held object that decide between them.
#include "explain/cures.h"

#include <string.h>

#include "analyze/chain.h"
#include "explain/explain.h"

enum { CURE_LEAD_MAX = 256 };

typedef struct cure_row {
    const char *id;
    const char *text;
} cure_row;

static const cure_row cure_rows[] = {
    {"weak-key-dictionary", "make it a weakref.WeakKeyDictionary"},
    {"weak-key-by-id",
     "let a weakref.finalize of the object take its entry out again: an id says "
     "nothing once its object is gone"},
    {"keep-in-object",
     "keep it in an attribute of the object that it is about: an id says nothing once its object "
     "is gone"},
    {"weak-value-dictionary", "make it a weakref.WeakValueDictionary: who uses an object keeps it"},
    {"weak-set", "make it a weakref.WeakSet: who uses an object keeps it"},
    {"weak-method", "keep each as a weakref.WeakMethod, which goes with the object it belongs to"},
    {"weak-parent", "make the reference back to the owner weak"},
    {"weak-reference-callback", "give each weak reference a callback that takes it out again"},
    {"cache-on-instance", "keep what is remembered in the object itself: it goes with the object"},
    {"bound-cache", "give it a bound"},
    {"bound-log", "bound it with collections.deque(maxlen=...)"},
    {"mutable-default", "make the default None and a new one for each call"},
    {"attribute-in-init", "make one for each instance, in __init__"},
    {"drop-exception",
     "keep it without its traceback, which keeps the frames and all their "
     "variables"},
    {"drop-local",
     "drop the exception when the function ends: its traceback keeps the frame, and "
     "the frame keeps the exception"},
    {"remove-when-done",
     "remove them when done, bound it, or make it local; a weak container "
     "would empty it"},
    {"done-callback", "take each out again when it is done"},
    {"finish-task",
     "let each come to an end, or cancel it: a callback takes each out when it is done, and these "
     "never were"},
    {"end-thread", "let the threads end: one that runs is kept, with all that it was given"},
    {"drop-taken",
     "drop what was taken out before going on: the traceback of an exception keeps the frame, and "
     "the frame all its variables"},
    {"look-up-apart",
     "look up without putting in: a defaultdict keeps whatever it is merely asked for"},
    {"make-local", "nothing reads it: do not keep them, or make it local to what needs it"},
    {"ephemeron",
     "keep the value in an attribute of its key: it leads back to the key, so that a "
     "weak key never goes either"},
    {"ephemeron-dict",
     "the value leads back to the key, so that a weak key never goes either: let the collector "
     "free such entries with WeakKeyDictionary(ephemeron=True), an EphemeronDict; or call "
     "weak.sweep() on it now and then; better still, keep the value in an attribute of its key"},
    {"sweep",
     "the value leads back to the key: call weak.sweep() on it now and then, as the collector "
     "cannot free its entries, whose keys have no slot __ephemerons__"},
    {"signal-owner",
     "connect it with owner=, as in connect(receiver, owner=self): a function, a lambda or a "
     "partial is held as long as the signal, with all that it leads to"},
    {"finalizer-apart",
     "hand the finalizer a function and what that needs, no method of the object: as it is, it "
     "keeps the object, and never runs before the exit"},
    {"raise-new",
     "raise a new one each time, or drop its traceback before: one that is raised again keeps the "
     "traceback of every time"},
    {"make-class-once", "make the class once, outside of the function"},
    {"add-once", "add it once, not with every call"},
    {"remove-handler", "call removeHandler when it is done: each is another one"},
    {"register-once",
     "register one function, once, that does not lead to the objects: what is registered for a "
     "fork is there for good"},
    {"forget-source", "take the source out again when what was made from it goes"},
    {"not-interned",
     "do not intern what is made of data: an interned string may stay until the exit"},
    {"bound-warnings",
     "let the warning have a fixed text, or clear the registry: it keeps each text that differs"},
    {"reset-mock", "reset the mock when done, or make it local: it keeps all that it was given"},
    {"unsubscribe", "unsubscribe when the object is done"},
};

typedef struct check_row {
    const char *id;
    const char *text;
    bool of_type;
} check_row;

static const check_row check_rows[] = {
    {"can-be-weak", " can be weakly referenced", true},
    {"slot-added", " gets a slot __weakref__", true},
    {"by-identity", " is hashed by identity", true},
    {"value-apart", "no value leads back to its key", false},
    {"not-taken-out", "nothing takes them out to work on them", false},
    {"not-read", "nothing in the file reads it", false},
    {"computed-again", "what is missing is computed again", false},
    {"plain-data", "plain data, nothing that somebody waits for", false},
    {"uses-known", "everything that the file does with it works as before", false},
    {"asked-only", "who asks for one has it, and gets the same answer", false},
    {"found-by-key", "an entry is found by its key alone", false},
    {"not-used-again", "nothing reads the variable later", false},
    {"runs-at-exit", "it runs when the object goes, and at the exit for those that are there",
     false},
    {"made-alike", "each is made alike", false},
    {"goes-with-it", "the entry is for nothing else", false},
    {"not-compared", "nothing in the file asks for identity", false},
    {"not-raised-later", "it is not raised again", false},
};

const char *mm_cure_text(const char *id) {
    for (size_t i = 0; i < MM_COUNTOF(cure_rows); i++) {
        if (strcmp(cure_rows[i].id, id) == 0) {
            return cure_rows[i].text;
        }
    }
    return NULL;
}

const char *mm_cure_check_text(const char *id, bool *ret_of_type) {
    for (size_t i = 0; i < MM_COUNTOF(check_rows); i++) {
        if (strcmp(check_rows[i].id, id) == 0) {
            *ret_of_type = check_rows[i].of_type;
            return check_rows[i].text;
        }
    }
    return NULL;
}

// Does the value under a key lead to it, by another way than the table? Looks at no more than
// CURE_LEAD_MAX objects: who is further away is not found.
static bool cure_leads_back(const mm_graph *graph, uint32_t table, uint32_t key) {
    const mm_file *file = graph->file;
    uint32_t queue[CURE_LEAD_MAX];
    uint32_t tail = 0;
    for (uint32_t edge = file->reference_start[table]; edge < file->reference_start[table + 1];
         edge++) {
        if (mm_file_naming(file, edge) == MM_NAME_VALUE && file->reference_argument[edge] == key &&
            tail == 0) {
            queue[tail++] = file->reference_target[edge];
        }
    }
    for (uint32_t head = 0; head < tail; head++) {
        uint32_t kind = mm_graph_kind(graph, queue[head]);
        if (queue[head] == key) {
            return true;
        }
        if (kind == MM_KIND_TYPE || kind == MM_KIND_MODULE || queue[head] == table) {
            continue;
        }
        for (uint32_t edge = file->reference_start[queue[head]];
             edge < file->reference_start[queue[head] + 1]; edge++) {
            uint32_t target = file->reference_target[edge];
            bool known = !mm_graph_edge_owns(graph, edge);
            for (uint32_t i = 0; i < tail && !known; i++) {
                known = queue[i] == target;
            }
            if (!known && tail < CURE_LEAD_MAX) {
                queue[tail++] = target;
            }
        }
    }
    return false;
}

void mm_cure_facts_find(const mm_graph *graph, const mm_finding *finding, mm_cure_facts *ret) {
    const mm_why_chain *chain = finding->chain;
    *ret = (mm_cure_facts){.kind = MM_NONE};
    if (chain == NULL || chain->step_count != finding->path_count) {
        return;
    }
    for (uint32_t i = 0; i + 1 < finding->path_count; i++) {
        uint32_t table = chain->steps[i].node;
        uint32_t node = chain->steps[i + 1].node;
        if (!finding->path[i].guilty || node >= graph->root_node) {
            continue;
        }
        mm_explain work = {.graph = graph, .file = graph->file};
        ret->type = mm_graph_type_short(graph, node);
        ret->kind = mm_graph_kind(graph, node);
        ret->can_be_weak =
            (graph->file->types[graph->file->type[node]].flags & MM_TYPE_WEAKREFABLE) != 0;
        ret->by_identity = !mm_explain_class_defines(&work, node, "__eq__") &&
                           !mm_explain_class_defines(&work, node, "__hash__");
        ret->leads_back = table < graph->root_node && finding->path[i].edge != NULL &&
                          strcmp(finding->path[i].edge, "[key]") == 0 &&
                          cure_leads_back(graph, table, node);
        return;
    }
}

// The guilty step, or MM_NONE where the chain is not the finding's path.
static uint32_t cure_guilty_step(const mm_finding *finding) {
    const mm_why_chain *chain = finding->chain;
    if (chain == NULL || chain->step_count != finding->path_count) {
        return MM_NONE;
    }
    for (uint32_t i = 0; i < finding->path_count; i++) {
        if (finding->path[i].guilty) {
            return i;
        }
    }
    return MM_NONE;
}

MM_STATUS mm_cure_places_find(const mm_graph *graph, const mm_finding *finding, mm_arena *arena,
                              mm_cure_places *ret) {
    uint32_t guilty = cure_guilty_step(finding);
    *ret = (mm_cure_places){.count = 0};
    for (uint32_t i = guilty; guilty != MM_NONE && i > 0 && ret->count < MM_CURE_PLACES_MAX; i--) {
        const mm_why_step *step = &finding->chain->steps[i - 1];
        if (step->node >= graph->root_node || step->edge == NULL || step->edge[0] != '.') {
            continue;
        }
        uint32_t edge = mm_graph_attribute(graph, step->node, step->edge + 1);
        mm_why_chain *place = &ret->places[ret->count];
        if (edge == MM_NONE) {
            continue;
        }
        MM_TRY(mm_why_scope_find(graph, edge, arena, place));
        if (place->scope == NULL) {
            MM_TRY(mm_why_instance_scope_find(graph, edge, arena, place));
        }
        if (place->scope != NULL) {
            ret->depths[ret->count++] = guilty - i;
        }
    }
    return MM_OK;
}
