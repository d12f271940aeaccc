// Sentences about what grows. What goes on says how fast; what stopped says why it is no leak.
//
//     Within._seen (dict) keeps 10,000 Exam alive: 10.4 MiB, one more every step
//     jobs (list) keeps 500 finished Task alive: 1.2 MiB, one more every step
//     jobs (list) keeps 500 Item alive through a finished Task: 1.2 MiB, one more every step
//     Log.lines (list) grows: 41.0 KiB, one more entry every step
//     table (DataFrame) keeps one ndarray that grows: 280.6 KiB, 128 B more every step
//     2,000 Payload have references that no Python object accounts for: ...
#include <string.h>

#include "explain/grown.h"

void mm_grown_say_rate(mm_phrase *phrase, uint64_t grown, uint64_t steps) {
    if (grown == 0 || steps == 0 || grown == MM_UNKNOWN || steps == MM_UNKNOWN) {
        return;
    }
    mm_phrase_text(phrase, ", ");
    // A call or two of a round may have added nothing, or more.
    uint64_t tenths = (grown * 10 + steps / 2) / steps;
    if (tenths >= 9) {
        uint64_t rest = tenths % 10;
        uint64_t whole = tenths / 10 + (rest == 9);
        rest = rest == 9 || rest == 1 ? 0 : rest;
        if (whole == 1 && rest == 0) {
            mm_phrase_text(phrase, "one more every step");
            return;
        }
        mm_phrase_number(phrase, whole);
        if (rest != 0) {
            mm_phrase_text(phrase, ".");
            mm_phrase_number(phrase, rest);
        }
        mm_phrase_text(phrase, " more every step");
        return;
    }
    uint64_t every = (steps + grown / 2) / grown;
    mm_phrase_text(phrase, "one more every ");
    if (every > 1) {
        mm_phrase_number(phrase, every);
    }
    mm_phrase_text(phrase, every > 1 ? " steps" : "step");
}

// "Within._seen (dict)".
static void holder_say(const mm_grown_facts *facts, mm_phrase *phrase) {
    mm_explain_holder_say(facts->variable != NULL ? facts->variable : facts->holder, facts->cached,
                          phrase);
    if (facts->container != NULL && !facts->cached) {
        mm_phrase_text(phrase, " (");
        mm_phrase_text(phrase, facts->container);
        mm_phrase_text(phrase, ")");
    }
}

static void bytes_say(const mm_grown_facts *facts, mm_phrase *phrase) {
    if (facts->bytes != MM_UNKNOWN && facts->bytes > 0) {
        mm_phrase_text(phrase, ": ");
        mm_phrase_bytes(phrase, facts->bytes);
    }
}

// "10,000 Exam".
static void count_say(const mm_grown_facts *facts, mm_phrase *phrase) {
    bool known = facts->count != MM_UNKNOWN && facts->count > 0;
    uint64_t count = known ? facts->count : facts->growth->grown_objects;
    if (count != MM_UNKNOWN && count > 0) {
        mm_phrase_number(phrase, count);
        mm_phrase_text(phrase, " ");
    }
    if (facts->over != NULL) {
        mm_phrase_text(phrase, facts->over);
        mm_phrase_text(phrase, " ");
    }
    mm_phrase_text(phrase, facts->object_text);
}

static void bounded_say(const mm_growth_finding *growth, mm_phrase *phrase) {
    mm_phrase_text(phrase, "; it is bounded");
    if (growth->bound != MM_UNKNOWN) {
        mm_phrase_text(phrase, " at ");
        mm_phrase_number(phrase, growth->bound);
    }
}

// What was seen: nobody knows whether it has stopped for ever.
static void filled_say(const mm_growth_finding *growth, mm_phrase *phrase) {
    if (growth->bound != MM_UNKNOWN) {
        bounded_say(growth, phrase);
        return;
    }
    mm_phrase_text(phrase, "; it did not grow in the last rounds");
    if (growth->late_entries != MM_UNKNOWN && growth->late_entries > 0) {
        mm_phrase_text(phrase, growth->late_entries == 1 ? ", with an entry" : ", with ");
        if (growth->late_entries > 1) {
            mm_phrase_number(phrase, growth->late_entries);
            mm_phrase_text(phrase, " entries");
        }
    }
}

static void settled_say(const mm_grown_facts *facts, mm_phrase *phrase) {
    const mm_growth_finding *growth = facts->growth;
    switch (growth->settled) {
        case MM_SETTLED_LEAK:
        case MM_SETTLED_UNKNOWN:
            mm_grown_say_rate(phrase, growth->grown_objects, growth->steps);
            break;
        case MM_SETTLED_FILLED:
            filled_say(growth, phrase);
            break;
        case MM_SETTLED_REPLACES:
            mm_phrase_text(phrase, "; entries come and go, there are no more of them in the end");
            break;
        case MM_SETTLED_SAWTOOTH:
            mm_phrase_text(phrase, "; it does not grow in proportion to the steps");
            break;
        case MM_SETTLED_BOUNDED:
            bounded_say(growth, phrase);
            break;
    }
    if (growth->settled == MM_SETTLED_UNKNOWN) {
        mm_phrase_text(phrase, "; snapshots do not tell whether that goes on");
    }
}

static void held_say(const mm_grown_facts *facts, mm_phrase *phrase) {
    if (facts->atexit) {
        mm_phrase_text(phrase, "atexit callbacks");
    } else {
        holder_say(facts, phrase);
    }
    if (facts->growth->chain) {
        mm_phrase_text(phrase, " keeps a chain of ");
        count_say(facts, phrase);
        mm_phrase_text(phrase, " alive, each held by the next");
        if (facts->link != NULL) {
            mm_phrase_text(phrase, " through `");
            mm_phrase_text(phrase, facts->link);
            mm_phrase_text(phrase, "`");
        }
    } else {
        mm_phrase_text(phrase, facts->atexit ? " keep " : " keeps ");
        count_say(facts, phrase);
        mm_phrase_text(phrase, " alive");
    }
    if (facts->through != NULL) {
        mm_phrase_text(phrase, " through ");
        mm_phrase_text(phrase, facts->through);
    }
    bytes_say(facts, phrase);
    settled_say(facts, phrase);
    if (facts->growth->places > 1 && facts->growth->settled == MM_SETTLED_LEAK) {
        mm_phrase_text(phrase, " in ");
        mm_phrase_number(phrase, facts->growth->places);
        mm_phrase_text(phrase, " such places");
    }
}

// An object by itself: by its entries if it has some, else by its bytes.
static void one_say(const mm_grown *grown, const mm_grown_facts *facts, mm_phrase *phrase) {
    const mm_growth_finding *growth = facts->growth;
    uint64_t entries = 0;
    holder_say(facts, phrase);
    if (facts->inside != NULL) {
        mm_phrase_text(phrase, " keeps one ");
        mm_phrase_text(phrase, facts->inside);
        mm_phrase_text(phrase, " that");
    }
    mm_phrase_text(phrase, growth->settled == MM_SETTLED_LEAK ? " grows" : " grew");
    bool counted = growth->places == 1 && facts->object != MM_NONE &&
                   mm_graph_entries(grown->work->graph, facts->object, &entries);
    if (growth->places > 1) {
        mm_phrase_text(phrase, " in ");
        mm_phrase_number(phrase, growth->places);
        mm_phrase_text(phrase, " such places");
    }
    if (counted) {
        mm_phrase_text(phrase, " to ");
        mm_phrase_number(phrase, entries);
        mm_phrase_text(phrase, entries == 1 ? " entry" : " entries");
    }
    bytes_say(facts, phrase);
    bool known = growth->steps != MM_UNKNOWN && growth->steps > 0;
    if (growth->settled == MM_SETTLED_LEAK && known && growth->grown_bytes != MM_UNKNOWN &&
        growth->grown_bytes >= growth->steps) {
        mm_phrase_text(phrase, ", ");
        mm_phrase_bytes(phrase, growth->grown_bytes / growth->steps);
        mm_phrase_text(phrase, " more every step");
    } else if (growth->settled != MM_SETTLED_LEAK) {
        settled_say(facts, phrase);
    }
}

// A variable of C code: its name stands nowhere, what it refers to has a type.
static void by_table_say(const mm_grown *grown, const mm_grown_facts *facts, mm_phrase *phrase) {
    const mm_graph *graph = grown->work->graph;
    const mm_growth_finding *growth = facts->growth;
    const char *type = mm_graph_type_short(graph, growth->table);
    mm_phrase_text(phrase, "One ");
    mm_phrase_text(phrase, type);
    mm_phrase_text(phrase, " that only C code refers to keeps ");
    mm_phrase_number(phrase, growth->grown_objects);
    mm_phrase_text(phrase, " more ");
    mm_phrase_text(phrase, facts->object_text);
    mm_phrase_text(phrase, " alive");
    mm_grown_say_rate(phrase, growth->grown_objects, growth->steps);
    mm_phrase_text(phrase, ": no Python object leads to that ");
    mm_phrase_text(phrase, type);
}

static void by_c_say(const mm_grown *grown, const mm_grown_facts *facts, mm_phrase *phrase) {
    const mm_growth_finding *growth = facts->growth;
    if (growth->table != MM_NONE) {
        by_table_say(grown, facts, phrase);
        return;
    }
    bool born = growth->grown_objects != MM_UNKNOWN && growth->grown_objects > 0;
    if (born) {
        mm_phrase_number(phrase, growth->grown_objects);
        mm_phrase_text(phrase, " more ");
    }
    mm_phrase_text(phrase, facts->object_text);
    mm_phrase_text(phrase,
                   born ? " are kept by unaccounted references" : " gained unaccounted references");
    if (growth->steps != MM_UNKNOWN) {
        mm_phrase_text(phrase, " after ");
        mm_phrase_number(phrase, growth->steps);
        mm_phrase_text(phrase, " steps");
    }
    bool counted = growth->missing_per_1000_steps != MM_UNKNOWN;
    mm_grown_say_rate(phrase, counted ? growth->missing_per_1000_steps : growth->grown_objects,
                      counted ? 1000 : growth->steps);
    mm_phrase_text(phrase,
                   ": no Python object holds them, C code forgot to release them or hides that "
                   "it holds them");
}

static void invisible_say(const mm_grown_facts *facts, mm_phrase *phrase) {
    const mm_growth_finding *growth = facts->growth;
    mm_phrase_number(phrase, growth->grown_objects);
    mm_phrase_text(phrase, " more ");
    mm_phrase_text(phrase, facts->object_text);
    mm_phrase_text(phrase, " are there");
    mm_grown_say_rate(phrase, growth->grown_objects, growth->steps);
    mm_phrase_text(phrase,
                   ": no Python object leads to them, and the collector cannot see that they are "
                   "garbage: their ring runs through an object that hides a reference from it");
}

MM_STATUS mm_grown_say(const mm_grown *grown, const mm_grown_facts *facts, mm_finding *finding) {
    mm_phrase phrase = {.used = 0};
    switch (facts->growth->kind) {
        case MM_GROWTH_HELD:
            held_say(facts, &phrase);
            break;
        case MM_GROWTH_ONE_OBJECT:
            one_say(grown, facts, &phrase);
            break;
        case MM_GROWTH_BY_C:
            by_c_say(grown, facts, &phrase);
            break;
        case MM_GROWTH_GC_INVISIBLE:
            invisible_say(facts, &phrase);
            break;
        case MM_GROWTH_NATIVE:
            mm_phrase_text(&phrase, "memory grows");
            break;
    }
    finding->sentence = mm_phrase_keep(&phrase, grown->work->arena);
    return finding->sentence == NULL ? MM_E_NOMEM : MM_OK;
}

// ": 12.5 KiB more".
static void more_bytes_say(const mm_grown_facts *facts, mm_phrase *phrase) {
    bytes_say(facts, phrase);
    mm_phrase_text(phrase, facts->bytes != MM_UNKNOWN && facts->bytes > 0 ? " more" : "");
    if (facts->growth->settled == MM_SETTLED_BOUNDED) {
        settled_say(facts, phrase);
    }
}

// ", 200 more than in the first snapshot: 12.5 KiB more".
static void more_say(const mm_grown_facts *facts, uint64_t before, uint64_t after,
                     mm_phrase *phrase) {
    mm_phrase_text(phrase, ", ");
    mm_phrase_number(phrase, after - before);
    mm_phrase_text(phrase, " more than in the first snapshot");
    more_bytes_say(facts, phrase);
}

static void shape_one_say(const mm_grown_facts *facts, mm_phrase *phrase) {
    holder_say(facts, phrase);
    if (facts->growth->grown_objects > 0) {
        mm_phrase_text(phrase, " has ");
        mm_phrase_number(phrase, facts->growth->grown_objects);
        mm_phrase_text(phrase, " more entries than in the first snapshot");
    } else {
        mm_phrase_text(phrase, " is larger than in the first snapshot");
    }
    more_bytes_say(facts, phrase);
}

MM_STATUS mm_grown_say_shape(const mm_grown *grown, const mm_grown_facts *facts, uint64_t before,
                             uint64_t after, mm_finding *finding) {
    mm_phrase phrase = {.used = 0};
    bool chain = facts->growth->chain;
    MM_ASSERT(after >= before);
    switch (facts->growth->kind) {
        case MM_GROWTH_ONE_OBJECT:
            shape_one_say(facts, &phrase);
            break;
        case MM_GROWTH_HELD:
            holder_say(facts, &phrase);
            mm_phrase_text(&phrase, chain ? " keeps a chain of " : " keeps ");
            mm_phrase_number(&phrase, after);
            mm_phrase_text(&phrase, " ");
            mm_phrase_text(&phrase, facts->object_text);
            mm_phrase_text(&phrase, chain ? " alive, each held by the next" : " alive");
            more_say(facts, before, after, &phrase);
            break;
        default:
            mm_phrase_number(&phrase, after);
            mm_phrase_text(&phrase, " ");
            mm_phrase_text(&phrase, facts->object_text);
            mm_phrase_text(&phrase, " are kept by references that no Python object accounts for");
            more_say(facts, before, after, &phrase);
            break;
    }
    finding->sentence = mm_phrase_keep(&phrase, grown->work->arena);
    return finding->sentence == NULL ? MM_E_NOMEM : MM_OK;
}
