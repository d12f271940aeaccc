// Growth explained: what grows in the order in which the analysis ranks it, then what waits for the
// collector, then memory that no object explains. What settled, and shadows of other findings, come
// last and are told under -v.
//
// "Clean" is said of nothing that grows: where the process grows and neither an object nor memory
// of C's is found, that is a finding of its own, without a holder.
#include <string.h>

#include "base/free/sort.h"
#include "explain/grown.h"

enum { NATIVE_ROUNDS_MAX = 16 };

// META `native_round`: "steps malloc_bytes rss_bytes", one for each round. False for anything else:
// a file may come from anywhere.
static bool round_parse(const char *text, uint64_t ret[3]) {
    for (int i = 0; i < 3; i++) {
        size_t length = strspn(text, "0123456789");
        if (length == 0 || length > 18 || text[length] != (i < 2 ? ' ' : '\0')) {
            return false;
        }
        ret[i] = 0;
        for (size_t at = 0; at < length; at++) {
            ret[i] = ret[i] * 10 + (uint64_t)(text[at] - '0');
        }
        text += length + (i < 2);
    }
    return true;
}

// Bytes a step by which memory grew in the rounds that took nothing from it.
static uint64_t native_growth(const mm_file *file) {
    uint64_t malloc_bytes[NATIVE_ROUNDS_MAX];
    uint64_t rss_bytes[NATIVE_ROUNDS_MAX];
    uint64_t steps = 0;
    uint32_t count = 0;
    uint64_t growth = 0;
    for (uint32_t i = 0; i < file->meta_count && count < NATIVE_ROUNDS_MAX; i++) {
        uint64_t parts[3];
        if (strcmp(file->meta[i].key, "native_round") == 0 &&
            round_parse(file->meta[i].value, parts)) {
            steps = parts[0];
            malloc_bytes[count] = parts[1];
            rss_bytes[count] = parts[2];
            count++;
        }
    }
    if (count > 2 && steps > 0) {
        mm_growth_native(malloc_bytes, rss_bytes, count, steps, &growth);
    }
    return growth;
}

static uint64_t meta_steps(const mm_file *file, const char *key) {
    const char *text = mm_file_meta_of(file, key);
    uint64_t value = 0;
    size_t length = text == NULL ? 0 : strspn(text, "0123456789");
    for (size_t i = 0; i < length && length <= 18; i++) {
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    return value;
}

// What a leak's cut would free is measured; of what may be none, nothing is.
static bool is_cut(const mm_growth *growth) {
    for (uint32_t i = 0; i < growth->finding_count; i++) {
        if (growth->findings[i].settled == MM_SETTLED_LEAK) {
            return true;
        }
    }
    return false;
}

static MM_STATUS grown_prepare(mm_grown *grown, const mm_growth *growth) {
    mm_explain *work = grown->work;
    size_t nodes = (size_t)work->graph->root_node + 1;
    grown->from = MM_ARENA_NEW(work->arena, uint32_t, nodes);
    grown->stamp = MM_ARENA_NEW(work->arena, uint32_t, nodes);
    grown->queue = MM_ARENA_NEW(work->arena, uint32_t, nodes);
    if (grown->from == NULL || grown->stamp == NULL || grown->queue == NULL) {
        return MM_E_NOMEM;
    }
    return is_cut(growth) ? mm_explain_prepare(work) : mm_explain_prepare_light(work);
}

static mm_finding_kind kind_of(const mm_growth_finding *growth) {
    switch (growth->kind) {
        case MM_GROWTH_BY_C:
            return MM_FINDING_HELD_BY_C;
        case MM_GROWTH_GC_INVISIBLE:
            return MM_FINDING_GC_INVISIBLE;
        case MM_GROWTH_NATIVE:
            return MM_FINDING_NATIVE;
        case MM_GROWTH_HELD:
        case MM_GROWTH_ONE_OBJECT:
            break;
    }
    return MM_FINDING_GROWTH;
}

static uint64_t grown_fingerprint(const mm_finding *finding) {
    uint64_t hash = mm_explain_hash(MM_FORMAT_CHECKSUM_START, mm_finding_kind_text(finding->kind));
    hash = mm_explain_hash(hash, finding->type != NULL ? finding->type : "");
    return mm_explain_hash(hash, finding->cut.reference != NULL ? finding->cut.reference : "");
}

// What a running function has just put into a variable. Two snapshots show that of everything that
// runs; if there is more to it, a third one does.
static bool passes_by(const mm_grown *grown, const mm_growth_finding *growth) {
    const mm_growth_input *input = grown->input;
    const mm_graph *graph = grown->work->graph;
    return input->mark_count == 2 && growth->guilty.source == graph->root_node &&
           graph->file->roots[growth->guilty.edge].kind == MM_ROOT_FRAME;
}

static MM_STATUS growth_add(mm_grown *grown, const mm_growth_finding *growth,
                            mm_grown_facts *facts) {
    mm_finding *finding = mm_explain_finding(grown->work);
    if (finding == NULL) {
        return MM_E_NOMEM;
    }
    finding->kind = kind_of(growth);
    finding->growth = growth;
    finding->is_leak = growth->settled == MM_SETTLED_LEAK && !growth->echo;
    finding->hidden = growth->echo || passes_by(grown, growth) ||
                      (growth->settled != MM_SETTLED_LEAK && growth->settled != MM_SETTLED_UNKNOWN);
    MM_TRY(mm_grown_explain(grown, growth, finding, facts));
    MM_TRY(mm_grown_say(grown, facts, finding));
    if (growth->echo ||
        (growth->settled != MM_SETTLED_LEAK && growth->settled != MM_SETTLED_UNKNOWN)) {
        // There is nothing to mend here.
        finding->cure = NULL;
        finding->cure_text = NULL;
        finding->cut.role = NULL;
    }
    finding->fingerprint = grown_fingerprint(finding);
    return MM_OK;
}

static bool texts_equal(const char *a, const char *b) {
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

// Do two findings tell of entries of one container, each of which grows by itself, in the same
// words? `a` and `b` are of the analysis, `first` and `second` what is said of them.
static bool entries_alike(const mm_growth_finding *a, const mm_growth_finding *b,
                          const mm_finding *first, const mm_finding *second) {
    return a->kind == MM_GROWTH_ONE_OBJECT && b->kind == a->kind && a->settled == b->settled &&
           a->echo == b->echo && a->guilty.source == b->guilty.source &&
           first->hidden == second->hidden && texts_equal(first->type, second->type) &&
           texts_equal(first->holder, second->holder) &&
           texts_equal(first->cut.reference, second->cut.reference);
}

static void known_add(uint64_t *sum, uint64_t more) {
    *sum = *sum == MM_UNKNOWN || more == MM_UNKNOWN ? MM_UNKNOWN : *sum + more;
}

// The last finding is told with an earlier one of another entry of the same container.
static MM_STATUS entries_merge(mm_grown *grown, mm_growth *growth, mm_grown_facts *facts) {
    mm_explain *work = grown->work;
    uint32_t last = work->finding_count - 1;
    const mm_finding *second = work->findings[last];
    uint32_t number = (uint32_t)(second->growth - growth->findings);
    for (uint32_t i = 0; i < last; i++) {
        mm_finding *first = work->findings[i];
        uint32_t at = (uint32_t)(first->growth - growth->findings);
        mm_growth_finding *into = &growth->findings[at];
        if (!entries_alike(into, second->growth, first, second)) {
            continue;
        }
        into->places++;
        known_add(&into->grown_bytes, second->growth->grown_bytes);
        known_add(&first->retained_bytes, second->retained_bytes);
        known_add(&first->cut.freed_bytes, second->cut.freed_bytes);
        known_add(&facts[at].bytes, facts[number].bytes);
        work->finding_count--;
        return mm_grown_say(grown, &facts[at], first);
    }
    return MM_OK;
}

// Memory that no object explains: `believed` bytes a step that every round confirmed, or, where
// that is 0, what the process grew by and nothing says why.
static MM_STATUS native_add(mm_grown *grown, uint64_t believed, uint64_t unexplained,
                            uint64_t steps) {
    mm_explain *work = grown->work;
    mm_phrase phrase = {.used = 0};
    mm_finding *finding = mm_explain_finding(work);
    if (finding == NULL) {
        return MM_E_NOMEM;
    }
    uint64_t bytes = believed > 0 ? believed : unexplained;
    finding->kind = MM_FINDING_NATIVE;
    finding->is_leak = believed > 0;
    finding->count = MM_UNKNOWN;
    finding->steps = steps;
    bool countable = steps != MM_UNKNOWN && steps > 0 && bytes < UINT64_MAX / steps;
    finding->retained_bytes = countable ? bytes * steps : MM_UNKNOWN;
    mm_phrase_text(&phrase, "memory grows by ");
    mm_phrase_bytes(&phrase, bytes);
    mm_phrase_text(&phrase, believed > 0 ? " every step, unaccounted: no object that we see "
                                           "explains it; C code holds it or forgets to free it"
                                         : " a step; no Python object that we see holds it");
    finding->sentence = mm_phrase_keep(&phrase, work->arena);
    finding->fingerprint = grown_fingerprint(finding);
    return finding->sentence == NULL ? MM_E_NOMEM : MM_OK;
}

// Nothing but growth that goes on explains memory, or a container that is still filling: one that
// replaces its entries takes no more.
static bool memory_is_explained(const mm_growth *growth) {
    for (uint32_t i = 0; i < growth->finding_count; i++) {
        if (!growth->findings[i].echo && growth->findings[i].settled != MM_SETTLED_REPLACES) {
            return true;
        }
    }
    return false;
}

// From one number to another; MM_UNKNOWN where one of them is not known, or no such number can be.
static uint64_t rise(uint64_t before, uint64_t after) {
    return before == MM_UNKNOWN || after == MM_UNKNOWN || after < before ? MM_UNKNOWN
                                                                         : after - before;
}

static MM_STATUS growth_explain(mm_grown *grown, const mm_graph *garbage, mm_growth *ret,
                                mm_findings *findings) {
    mm_explain *work = grown->work;
    const mm_mark *marks = grown->input->marks;
    const mm_mark *last = &marks[grown->input->mark_count - 1];
    MM_TRY(mm_growth_find(grown->input, work->arena, ret, work->err));
    grown->birth = ret->birth;
    MM_TRY(grown_prepare(grown, ret));
    mm_grown_facts *facts =
        MM_ARENA_NEW(work->arena, mm_grown_facts, (size_t)ret->finding_count + 1);
    if (facts == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t i = 0; i < ret->finding_count; i++) {
        MM_TRY(growth_add(grown, &ret->findings[i], &facts[i]));
        MM_TRY(entries_merge(grown, ret, facts));
    }
    uint64_t steps = rise(marks[0].process.steps, last->process.steps);
    uint64_t native = 0;
    if (garbage != NULL && !memory_is_explained(ret)) {
        native = native_growth(garbage->file);
    }
    if (native > 0 || ret->unexplained_bytes_per_step > 0) {
        MM_TRY(native_add(grown, native, ret->unexplained_bytes_per_step, steps));
    }
    findings->watched = (mm_watched){
        .known = true,
        .rounds = grown->input->mark_count - 1,
        .steps = steps,
        .round_steps = rise(marks[0].process.steps, marks[1].process.steps),
        .counted_steps = marks[grown->input->early].process.steps,
        .nanoseconds = rise(marks[0].process.nanoseconds, last->process.nanoseconds),
        .smallest_bytes_per_step = ret->smallest_bytes_per_step,
    };
    return MM_OK;
}

// Whose a ring of garbage is does not matter where a step makes it again and again: instances and
// code of libraries show its shape as well.
static void garbage_mark(mm_explain *work) {
    for (uint32_t node = 0; node < work->graph->root_node; node++) {
        if (work->reach.reached[node] != MM_REACHED_NOT ||
            (work->graph->node_flags[node] & MM_NODE_OWN) != 0) {
            continue;
        }
        uint32_t kind = mm_graph_kind(work->graph, node);
        bool class = (work->file->types[work->file->type[node]].flags & MM_TYPE_CLASS) != 0;
        switch (class && kind != MM_KIND_TYPE ? (uint32_t)MM_KIND_OBJECT : kind) {
            case MM_KIND_FOREIGN:
            case MM_KIND_OBJECT:
            case MM_KIND_EXCEPTION:
                work->marks[node] |= MM_EXPLAIN_OWN | MM_EXPLAIN_INSTANCE;
                break;
            case MM_KIND_FUNCTION:
            case MM_KIND_FRAME:
            case MM_KIND_GENERATOR:
            case MM_KIND_COROUTINE:
            case MM_KIND_ASYNC_GENERATOR:
                work->marks[node] |= MM_EXPLAIN_OWN | MM_EXPLAIN_LOCAL;
                break;
            default:
                break;
        }
    }
}

// Rings of what was made while the collector was off.
static MM_STATUS garbage_explain(mm_explain *work) {
    work->steps = meta_steps(work->file, "round_steps");
    if (work->steps == 0) {
        return MM_OK;
    }
    MM_TRY(mm_explain_prepare(work));
    garbage_mark(work);
    return mm_explain_rings(work);
}

static bool waits_before(const void *left, const void *right, const void *context) {
    const mm_finding *a = *(mm_finding *const *)left;
    const mm_finding *b = *(mm_finding *const *)right;
    (void)context;
    if (a->retained_bytes != b->retained_bytes) {
        return a->retained_bytes > b->retained_bytes;
    }
    return a->count != b->count ? a->count > b->count : a->fingerprint < b->fingerprint;
}

// Does it tell of rings that do not wait: the collector cannot see them?
static bool rings_are_invisible(const mm_growth_input *input, const mm_growth *growth,
                                const mm_finding *finding) {
    for (uint32_t i = 0; i < growth->finding_count; i++) {
        const mm_growth_finding *grown = &growth->findings[i];
        for (uint32_t k = 0; grown->kind == MM_GROWTH_GC_INVISIBLE && k < grown->type_count; k++) {
            const char *name = input->names->names[grown->types[k]];
            if (finding->type != NULL && strcmp(name, finding->type) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void invisible_drop(const mm_growth_input *input, const mm_growth *growth,
                           mm_explain *garbage) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < garbage->finding_count; i++) {
        if (!rings_are_invisible(input, growth, garbage->findings[i])) {
            garbage->findings[kept++] = garbage->findings[i];
        }
    }
    garbage->finding_count = kept;
}

// What is told before what is hidden; else growth in its order, then rings by their bytes.
static MM_STATUS growth_order(const mm_explain *work, mm_explain *garbage, mm_findings *ret) {
    uint32_t count = work->finding_count + (garbage != NULL ? garbage->finding_count : 0);
    ret->findings = MM_ARENA_NEW(work->arena, mm_finding, (size_t)count + 1);
    mm_finding **buffer = MM_ARENA_NEW(work->arena, mm_finding *, (size_t)count + 1);
    if (ret->findings == NULL || buffer == NULL) {
        return MM_E_NOMEM;
    }
    if (garbage != NULL) {
        mm_sort(garbage->findings, buffer, garbage->finding_count, sizeof(*buffer), waits_before,
                NULL);
    }
    for (int hidden = 0; hidden < 2; hidden++) {
        for (uint32_t i = 0; i < count; i++) {
            const mm_finding *finding = i < work->finding_count
                                            ? work->findings[i]
                                            : garbage->findings[i - work->finding_count];
            if (finding->hidden == (hidden != 0)) {
                ret->findings[ret->finding_count++] = *finding;
            }
        }
    }
    return MM_OK;
}

static void verdicts_fill(mm_findings *findings) {
    static const mm_verdict by_kind[] = {
        [MM_FINDING_GROWTH] = MM_VERDICT_LEAK,
        [MM_FINDING_HOLDER] = MM_VERDICT_SUSPECTS,
        [MM_FINDING_CYCLE] = MM_VERDICT_WAITING,
        [MM_FINDING_HELD_BY_C] = MM_VERDICT_HELD_BY_C,
        [MM_FINDING_GC_INVISIBLE] = MM_VERDICT_GC_INVISIBLE,
        [MM_FINDING_NATIVE] = MM_VERDICT_NATIVE,
        [MM_FINDING_WEAK_CONTAINER] = MM_VERDICT_LEAK,
    };
    for (int verdict = 0; verdict < MM_VERDICT_CLEAN; verdict++) {
        bool found = false;
        uint64_t bytes = 0;
        for (uint32_t i = 0; i < findings->finding_count; i++) {
            const mm_finding *finding = &findings->findings[i];
            mm_verdict own = by_kind[finding->kind];
            if (own <= MM_VERDICT_GC_INVISIBLE && !finding->is_leak) {
                own = MM_VERDICT_SUSPECTS;
            }
            if (!finding->hidden && own == (mm_verdict)verdict) {
                found = true;
                bytes += finding->retained_bytes == MM_UNKNOWN ? 0 : finding->retained_bytes;
            }
        }
        if (found) {
            findings->verdicts[findings->verdict_count++] =
                (mm_verdict_bytes){(mm_verdict)verdict, bytes};
        }
    }
}

// Without rounds behind a long run nobody knows whether it goes on: say what would tell.
static MM_STATUS advice_add(const mm_growth_input *input, mm_arena *arena, mm_findings *ret) {
    bool early_only = input->early + 1 == input->mark_count;
    if (!early_only || ret->finding_count == 0 || ret->findings[0].hidden) {
        return MM_OK;
    }
    ret->notes = MM_ARENA_NEW(arena, const char *, 1);
    if (ret->notes == NULL) {
        return MM_E_NOMEM;
    }
    ret->notes[ret->note_count++] =
        input->early == 1
            ? "two snapshots do not tell what grows from what is made once; take a third one "
              "later and give all three."
            : "snapshots do not tell a leak from a cache that is still filling; mortmain loop "
              "does, for a function that can be called again and again.";
    return MM_OK;
}

static MM_STATUS growth_findings(const mm_growth_input *input, const mm_graph *garbage,
                                 mm_explain *work, mm_findings *ret) {
    mm_grown grown = {.work = work, .input = input, .mark = &input->marks[input->early]};
    mm_explain waits = {.graph = garbage, .arena = work->arena, .err = work->err};
    mm_growth growth;
    MM_TRY(growth_explain(&grown, garbage, &growth, ret));
    if (garbage != NULL) {
        waits.file = garbage->file;
        MM_TRY(garbage_explain(&waits));
        invisible_drop(input, &growth, &waits);
    }
    MM_TRY(growth_order(work, garbage != NULL ? &waits : NULL, ret));
    verdicts_fill(ret);
    const mm_mark *last = &input->marks[input->mark_count - 1];
    ret->rss_bytes = last->process.rss_bytes;
    MM_TRY(advice_add(input, work->arena, ret));
    return mm_explain_own_objects(work, ret);
}

MM_STATUS mm_findings_of_growth(const mm_growth_input *input, const mm_graph *garbage,
                                mm_arena *arena, mm_findings *ret, mm_error *err) {
    MM_ASSERT(input->mark_count > 1);
    MM_ASSERT(input->early >= 1);
    MM_ASSERT(input->early < input->mark_count);
    const mm_graph *graph = input->early_graph;
    mm_explain work = {.graph = graph,
                       .file = graph->file,
                       .arena = arena,
                       .err = err,
                       .kept_reach = input->marks[input->early].reached};
    mm_findings findings = {
        .file = graph->file, .rss_bytes = MM_UNKNOWN, .rss_accounted_percent = MM_UNKNOWN};
    mm_status status = growth_findings(input, garbage, &work, &findings);
    if (status != MM_OK) {
        return status == MM_E_NOMEM ? mm_fail(err, status, "no memory to explain", 0) : status;
    }
    *ret = findings;
    return MM_OK;
}
