// A snapshot explained: the analyses in their order, then the findings in theirs. What a person
// should look at first has the most bytes; what is only told under -v comes last.
#include "explain/findings.h"

#include <string.h>

#include "base/free/sort.h"
#include "explain/explain.h"

enum { TEXT_BYTES = 320 };

const char *mm_verdict_text(mm_verdict verdict) {
    static const char *const texts[] = {"leak",           "held by C", "gc-invisible", "native",
                                        "waiting for gc", "suspects",  "clean"};
    return texts[verdict < MM_VERDICT_CLEAN ? verdict : MM_VERDICT_CLEAN];
}

const char *mm_finding_kind_text(mm_finding_kind kind) {
    static const char *const texts[] = {"growth",       "holder", "cycle",         "held by C",
                                        "gc-invisible", "native", "weak container"};
    MM_ASSERT(kind <= MM_FINDING_WEAK_CONTAINER);
    return texts[kind];
}

mm_finding *mm_explain_finding(mm_explain *work) {
    if (work->finding_count == work->finding_room) {
        uint32_t room = work->finding_room == 0 ? 64 : work->finding_room * 2;
        mm_finding **grown = MM_ARENA_NEW(work->arena, mm_finding *, room);
        if (grown == NULL) {
            return NULL;
        }
        if (work->finding_count > 0) {
            memcpy(grown, work->findings, work->finding_count * sizeof(*grown));
        }
        work->findings = grown;
        work->finding_room = room;
    }
    mm_finding *finding = MM_ARENA_NEW(work->arena, mm_finding, 1);
    if (finding != NULL) {
        finding->grown_objects = MM_UNKNOWN;
        finding->steps = MM_UNKNOWN;
        finding->retained_bytes = MM_UNKNOWN;
        finding->cut.freed_bytes = MM_UNKNOWN;
        finding->cut.other_holders = MM_UNKNOWN;
        finding->cut.would_drop_at_once = MM_UNKNOWN;
        work->findings[work->finding_count++] = finding;
    }
    return finding;
}

static int texts_compare(const char *a, const char *b) {
    return strcmp(a != NULL ? a : "", b != NULL ? b : "");
}

static bool finding_before(const void *left, const void *right, const void *context) {
    const mm_finding *a = *(mm_finding *const *)left;
    const mm_finding *b = *(mm_finding *const *)right;
    (void)context;
    if (a->hidden != b->hidden) {
        return b->hidden;
    }
    if (a->retained_bytes != b->retained_bytes) {
        return a->retained_bytes > b->retained_bytes;
    }
    if (a->count != b->count) {
        return a->count > b->count;
    }
    int by_text = texts_compare(a->sentence, b->sentence);
    return by_text != 0 ? by_text < 0 : a->fingerprint < b->fingerprint;
}

static MM_STATUS findings_order(mm_explain *work, mm_findings *ret) {
    uint32_t count = work->finding_count;
    mm_finding **buffer = MM_ARENA_NEW(work->arena, mm_finding *, (size_t)count + 1);
    ret->findings = MM_ARENA_NEW(work->arena, mm_finding, (size_t)count + 1);
    if (buffer == NULL || ret->findings == NULL) {
        return MM_E_NOMEM;
    }
    mm_sort(work->findings, buffer, count, sizeof(*buffer), finding_before, NULL);
    uint64_t suspects = 0;
    bool suspected = false;
    bool waiting = false;
    for (uint32_t i = 0; i < count; i++) {
        const mm_finding *finding = work->findings[i];
        ret->findings[i] = *finding;
        if (!finding->hidden && finding->kind == MM_FINDING_HOLDER) {
            suspected = true;
            suspects += finding->retained_bytes;
        }
        waiting = waiting || (!finding->hidden && finding->kind == MM_FINDING_CYCLE);
    }
    ret->finding_count = count;
    if (waiting) {
        ret->verdicts[ret->verdict_count++] =
            (mm_verdict_bytes){MM_VERDICT_WAITING, work->waiting_bytes};
    }
    if (suspected) {
        ret->verdicts[ret->verdict_count++] = (mm_verdict_bytes){MM_VERDICT_SUSPECTS, suspects};
    }
    return MM_OK;
}

static bool own_before(const void *left, const void *right, const void *context) {
    const mm_own_objects *a = left;
    const mm_own_objects *b = right;
    (void)context;
    if (a->bytes != b->bytes) {
        return a->bytes > b->bytes;
    }
    return a->count != b->count ? a->count > b->count : strcmp(a->type, b->type) < 0;
}

// What the best chain to an object ends with.
static MM_STATUS held_by(const mm_explain *work, uint32_t node, const char **ret) {
    const mm_graph *graph = work->graph;
    char who[TEXT_BYTES];
    mm_phrase phrase = {.used = 0};
    uint32_t link = work->paths.link[node];
    *ret = NULL;
    switch ((mm_via)work->paths.via[node]) {
        case MM_VIA_NOTHING:
            return MM_OK;
        case MM_VIA_ROOT:
            (void)mm_graph_root_text(graph, link, who, sizeof(who));
            mm_phrase_text(&phrase, who);
            break;
        case MM_VIA_EDGE:
            mm_explain_reference_text(graph, mm_graph_edge_source(graph, link), link, &phrase);
            break;
        case MM_VIA_C:
            mm_phrase_text(&phrase, "C code");
            break;
        default:
            (void)mm_graph_holder_text(graph, mm_paths_parent(graph, &work->paths, node), true, who,
                                       sizeof(who));
            mm_phrase_text(&phrase, who);
            break;
    }
    *ret = mm_phrase_keep(&phrase, work->arena);
    return *ret == NULL ? MM_E_NOMEM : MM_OK;
}

MM_STATUS mm_explain_own_objects(mm_explain *work, mm_findings *ret) {
    const mm_file *file = work->file;
    size_t types = (size_t)file->type_count + 1;
    uint64_t *count = MM_ARENA_NEW(work->arena, uint64_t, types);
    uint64_t *bytes = MM_ARENA_NEW(work->arena, uint64_t, types);
    uint32_t *sample = MM_ARENA_NEW(work->arena, uint32_t, types);
    ret->own = MM_ARENA_NEW(work->arena, mm_own_objects, types);
    mm_own_objects *buffer = MM_ARENA_NEW(work->arena, mm_own_objects, types);
    if (count == NULL || bytes == NULL || sample == NULL || ret->own == NULL || buffer == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t node = 0; node < file->object_count; node++) {
        uint32_t type = file->type[node];
        uint64_t own = mm_retained_own(file, node);
        bool ours = (work->graph->node_flags[node] & MM_NODE_OWN) != 0;
        ret->object_count += !ours;
        ret->bytes += ours ? 0 : own;
        if ((work->marks[node] & MM_EXPLAIN_INSTANCE) != 0) {
            if (count[type] > 0 && work->paths.via[sample[type]] == MM_VIA_NOTHING) {
                MM_TRY(mm_paths_settle(&work->paths, sample[type]));
            }
            bool better = count[type] == 0 || work->paths.via[sample[type]] == MM_VIA_NOTHING;
            sample[type] = better ? node : sample[type];
            count[type]++;
            bytes[type] += own;
        }
    }
    for (uint32_t type = 0; type < file->type_count; type++) {
        char text[TEXT_BYTES];
        if (count[type] == 0) {
            continue;
        }
        mm_own_objects *row = &ret->own[ret->own_count++];
        (void)mm_graph_type_text(work->graph, type, text, sizeof(text));
        row->type = mm_why_text_keep(work->arena, text);
        row->count = count[type];
        row->bytes = bytes[type];
        row->held_by = work->type_held[type];
        if (row->type == NULL) {
            return MM_E_NOMEM;
        }
        if (row->held_by == NULL) {
            MM_TRY(mm_paths_settle(&work->paths, sample[type]));
            MM_TRY(held_by(work, sample[type], &row->held_by));
        }
    }
    mm_sort(ret->own, buffer, ret->own_count, sizeof(*buffer), own_before, NULL);
    return MM_OK;
}

static MM_STATUS prepare_paths(mm_explain *work, bool whole) {
    mm_path_options options = {NULL, NULL};
    size_t types = (size_t)work->file->type_count + 1;
    work->type_held = MM_ARENA_NEW(work->arena, const char *, types);
    work->type_held_count = MM_ARENA_NEW(work->arena, uint32_t, types);
    if (work->type_held == NULL || work->type_held_count == NULL) {
        return MM_E_NOMEM;
    }
    MM_TRY(work->kept_reach != NULL
               ? mm_reach_again(work->graph, work->kept_reach, work->arena, &work->reach, work->err)
               : mm_reach_mark(work->graph, work->arena, &work->reach, work->err));
    MM_TRY(whole ? mm_paths_find(work->graph, &options, work->arena, &work->paths, work->err)
                 : mm_paths_begin(work->graph, &options, work->arena, &work->paths, work->err));
    return mm_explain_own(work);
}

static MM_STATUS prepare_retained(mm_explain *work) {
    MM_TRY(mm_flow_build(work->graph, &work->reach, work->arena, &work->flow, work->err));
    MM_TRY(mm_dominators_find(&work->flow, work->arena, &work->tree, work->err));
    return mm_retained_sum(&work->tree, work->arena, &work->retained, work->err);
}

MM_STATUS mm_explain_prepare_light(mm_explain *work) {
    MM_TRY(prepare_paths(work, false));
    for (uint32_t node = 0; node < work->graph->root_node; node++) {
        if ((work->marks[node] & MM_EXPLAIN_KEEPS) != 0) {
            return prepare_retained(work);
        }
    }
    return MM_OK;
}

MM_STATUS mm_explain_prepare(mm_explain *work) {
    MM_TRY(prepare_paths(work, true));
    MM_TRY(prepare_retained(work));
    return mm_cutter_init(work->graph, &work->reach, work->arena, &work->cutter, work->err);
}

static MM_STATUS explain(mm_explain *work, mm_findings *ret) {
    MM_TRY(mm_explain_prepare(work));
    MM_TRY(mm_explain_holds(work));
    if (!mm_explain_is_c_heap(work)) {
        // A holder is suspected by what its code says, and there is none to read.
        MM_TRY(mm_explain_holders(work));
    }
    MM_TRY(mm_explain_rings(work));
    MM_TRY(findings_order(work, ret));
    MM_TRY(mm_explain_own_objects(work, ret));
    return mm_explain_notes(work, ret);
}

MM_STATUS mm_findings_of_snapshot(const mm_graph *graph, mm_arena *arena, mm_findings *ret,
                                  mm_error *err) {
    MM_ASSERT(graph != NULL);
    MM_ASSERT(arena != NULL);
    mm_explain work = {.graph = graph, .file = graph->file, .arena = arena, .err = err};
    mm_findings findings = {
        .file = graph->file, .rss_bytes = MM_UNKNOWN, .rss_accounted_percent = MM_UNKNOWN};
    mm_status status = explain(&work, &findings);
    if (status != MM_OK) {
        return status == MM_E_NOMEM ? mm_fail(err, status, "no memory to explain", 0) : status;
    }
    *ret = findings;
    return MM_OK;
}
