// What there is more of in snapshots of different processes. The findings are those of growth, with
// other words: nothing was seen to be born, there are more of a shape, and no more is said.
//
// Nothing here is ever a leak: another process may have had more to do. What belongs to modules
// that only the last process has loaded is said in one note.
#include <string.h>

#include "base/free/sort.h"
#include "explain/grown.h"

enum { MODULES_SAID_MAX = 5, TEXT_BYTES = 320 };

static MM_STATUS shapes_prepare(mm_grown *grown, const mm_shapes_input *input) {
    mm_explain *work = grown->work;
    size_t nodes = (size_t)work->graph->root_node + 1;
    uint32_t *number = NULL;
    mm_mark *mark = MM_ARENA_NEW(work->arena, mm_mark, 1);
    grown->from = MM_ARENA_NEW(work->arena, uint32_t, nodes);
    grown->stamp = MM_ARENA_NEW(work->arena, uint32_t, nodes);
    grown->queue = MM_ARENA_NEW(work->arena, uint32_t, nodes);
    if (mark == NULL || grown->from == NULL || grown->stamp == NULL || grown->queue == NULL) {
        return MM_E_NOMEM;
    }
    MM_TRY(mm_type_names_of(input->shapes->names, work->graph, work->arena, &number, work->err));
    // Of the marks of growth no more than the types is asked.
    mark->count = work->graph->root_node;
    mark->rows = MM_ARENA_NEW(work->arena, mm_mark_short, nodes);
    for (uint32_t node = 0; mark->rows != NULL && node < mark->count; node++) {
        mm_mark_row row = {.type = number[work->file->type[node]]};
        MM_TRY(mm_mark_row_put(mark, work->arena, node, &row));
    }
    if (mark->rows == NULL) {
        return MM_E_NOMEM;
    }
    grown->mark = mark;
    return mm_explain_prepare_light(work);
}

static MM_STATUS shape_add(mm_grown *grown, const mm_shape_finding *shape) {
    mm_grown_facts facts;
    const mm_growth_finding *growth = &shape->growth;
    mm_finding *finding = mm_explain_finding(grown->work);
    if (finding == NULL) {
        return MM_E_NOMEM;
    }
    finding->kind = growth->kind == MM_GROWTH_BY_C ? MM_FINDING_HELD_BY_C : MM_FINDING_GROWTH;
    finding->hidden = growth->echo || shape->minor || growth->settled == MM_SETTLED_BOUNDED;
    MM_TRY(mm_grown_explain(grown, growth, finding, &facts));
    finding->count = growth->kind == MM_GROWTH_ONE_OBJECT ? 1 : shape->after;
    MM_TRY(mm_grown_say_shape(grown, &facts, shape->before, shape->after, finding));
    // Nobody knows whether there is anything to mend.
    finding->cure = NULL;
    finding->cure_text = NULL;
    finding->cut.role = NULL;
    uint64_t hash = mm_explain_hash(MM_FORMAT_CHECKSUM_START, mm_finding_kind_text(finding->kind));
    hash = mm_explain_hash(hash, finding->type);
    finding->fingerprint =
        mm_explain_hash(hash, finding->cut.reference != NULL ? finding->cut.reference : "");
    return MM_OK;
}

// What is told before what is hidden.
static MM_STATUS shapes_order(const mm_explain *work, mm_findings *ret) {
    uint64_t bytes = 0;
    bool suspected = false;
    ret->findings = MM_ARENA_NEW(work->arena, mm_finding, (size_t)work->finding_count + 1);
    if (ret->findings == NULL) {
        return MM_E_NOMEM;
    }
    for (int hidden = 0; hidden < 2; hidden++) {
        for (uint32_t i = 0; i < work->finding_count; i++) {
            const mm_finding *finding = work->findings[i];
            if (finding->hidden != (hidden != 0)) {
                continue;
            }
            ret->findings[ret->finding_count++] = *finding;
            if (hidden == 0) {
                suspected = true;
                bytes += finding->retained_bytes;
            }
        }
    }
    if (suspected) {
        ret->verdicts[ret->verdict_count++] = (mm_verdict_bytes){MM_VERDICT_SUSPECTS, bytes};
    }
    return MM_OK;
}

// "only the last snapshot has the modules json, json.decoder and 12 more: 1.2 MiB; what they made
// when they were loaded is left out."
static MM_STATUS modules_note(const mm_explain *work, const mm_shape_growth *growth,
                              mm_findings *ret) {
    char text[TEXT_BYTES];
    mm_phrase phrase = {.used = 0};
    uint32_t count = growth->new_module_count;
    uint32_t said = count <= MODULES_SAID_MAX + 1 ? count : MODULES_SAID_MAX;
    if (count == 0) {
        return MM_OK;
    }
    mm_phrase_text(&phrase, count == 1 ? "only the last snapshot has the module "
                                       : "only the last snapshot has the modules ");
    for (uint32_t i = 0; i < said; i++) {
        (void)mm_graph_name_text(work->graph, growth->new_modules[i], text, sizeof(text));
        mm_phrase_text(&phrase, i == 0 ? "" : i + 1 == said && said == count ? " and " : ", ");
        mm_phrase_text(&phrase, text);
    }
    if (said < count) {
        mm_phrase_text(&phrase, " and ");
        mm_phrase_number(&phrase, count - said);
        mm_phrase_text(&phrase, " more");
    }
    mm_phrase_text(&phrase, ": ");
    mm_phrase_bytes(&phrase, growth->new_module_bytes);
    mm_phrase_text(&phrase, "; what hangs on what was loaded late is not told of by itself.");
    ret->notes[ret->note_count] = mm_phrase_keep(&phrase, work->arena);
    return ret->notes[ret->note_count++] == NULL ? MM_E_NOMEM : MM_OK;
}

static MM_STATUS shapes_notes(const mm_shapes_input *input, const mm_explain *work,
                              const mm_shape_growth *growth, mm_findings *ret) {
    ret->notes = MM_ARENA_NEW(work->arena, const char *, 2);
    if (ret->notes == NULL) {
        return MM_E_NOMEM;
    }
    MM_TRY(modules_note(work, growth, ret));
    if (ret->verdict_count > 0 && input->mark_count == 2) {
        ret->notes[ret->note_count++] =
            "two processes do not tell what grows from what one of them had more of; give a third "
            "one that ran longer, or two snapshots of one process.";
    }
    return MM_OK;
}

static bool module_before(const void *left, const void *right, const void *context) {
    char a[TEXT_BYTES];
    char b[TEXT_BYTES];
    const mm_graph *graph = context;
    (void)mm_graph_name_text(graph, *(const uint32_t *)left, a, sizeof(a));
    (void)mm_graph_name_text(graph, *(const uint32_t *)right, b, sizeof(b));
    return strcmp(a, b) < 0;
}

// Modules in the order of their names, whatever their addresses.
static MM_STATUS modules_order(const mm_explain *work, mm_shape_growth *growth) {
    uint32_t *buffer = MM_ARENA_NEW(work->arena, uint32_t, (size_t)growth->new_module_count + 1);
    if (buffer == NULL) {
        return MM_E_NOMEM;
    }
    mm_sort(growth->new_modules, buffer, growth->new_module_count, sizeof(*buffer), module_before,
            work->graph);
    return MM_OK;
}

static MM_STATUS shapes_explain(mm_grown *grown, const mm_shapes_input *input, mm_findings *ret) {
    mm_explain *work = grown->work;
    mm_shape_growth growth;
    MM_TRY(mm_shapes_compare(input, work->arena, &growth, work->err));
    grown->birth = growth.birth;
    MM_TRY(shapes_prepare(grown, input));
    for (uint32_t i = 0; i < growth.finding_count; i++) {
        MM_TRY(shape_add(grown, &growth.findings[i]));
    }
    MM_TRY(shapes_order(work, ret));
    MM_TRY(modules_order(work, &growth));
    MM_TRY(shapes_notes(input, work, &growth, ret));
    ret->watched = (mm_watched){.known = true,
                                .by_shapes = true,
                                .rounds = input->mark_count - 1,
                                .steps = MM_UNKNOWN,
                                .round_steps = MM_UNKNOWN,
                                .nanoseconds = MM_UNKNOWN,
                                .smallest_bytes_per_step = MM_UNKNOWN};
    return mm_explain_own_objects(work, ret);
}

MM_STATUS mm_findings_of_shapes(const mm_shapes_input *input, mm_arena *arena, mm_findings *ret,
                                mm_error *err) {
    MM_ASSERT(input->mark_count > 1);
    MM_ASSERT(input->graph != NULL);
    mm_explain work = {
        .graph = input->graph, .file = input->graph->file, .arena = arena, .err = err};
    mm_growth_input names = {.names = input->shapes->names, .mark_count = input->mark_count};
    mm_grown grown = {.work = &work, .input = &names};
    mm_findings findings = {
        .file = input->graph->file, .rss_bytes = MM_UNKNOWN, .rss_accounted_percent = MM_UNKNOWN};
    mm_status status = shapes_explain(&grown, input, &findings);
    if (status != MM_OK) {
        return status == MM_E_NOMEM ? mm_fail(err, status, "no memory to explain", 0) : status;
    }
    *ret = findings;
    return MM_OK;
}
