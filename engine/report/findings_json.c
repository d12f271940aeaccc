// Findings for programs. docs/findings.schema.json is the contract: every field is always there,
// null where nothing was measured.
#include "report/findings.h"

#include "explain/cures.h"
#include "report/json.h"
#include "report/sites.h"
#include "report/summary.h"

static void amount_write(mm_json *json, const char *key, uint64_t value) {
    mm_json_number_known(json, key, value, value != MM_UNKNOWN);
}

static void path_write(mm_json *json, const mm_finding *finding) {
    mm_json_array(json, "path");
    for (uint32_t i = 0; i < finding->path_count; i++) {
        mm_json_object(json, NULL);
        mm_json_text(json, "object", finding->path[i].object);
        mm_json_text(json, "edge", finding->path[i].edge);
        mm_json_bool(json, "guilty", finding->path[i].guilty);
        mm_json_close(json, '}');
    }
    mm_json_close(json, ']');
    mm_json_array(json, "ring");
    for (uint32_t i = 0; i < finding->ring_count; i++) {
        mm_json_object(json, NULL);
        mm_json_text(json, "object", finding->ring[i].object);
        mm_json_text(json, "edge", finding->ring[i].edge);
        mm_json_bool(json, "back", finding->ring[i].back);
        mm_json_close(json, '}');
    }
    mm_json_close(json, ']');
}

static void cut_write(mm_json *json, const mm_finding *finding, const mm_fix *fix) {
    const mm_finding_cut *cut = &finding->cut;
    mm_json_object(json, "cut");
    mm_json_array(json, "references");
    if (cut->reference != NULL) {
        mm_json_text(json, NULL, cut->reference);
    }
    for (uint32_t i = 0; i < finding->more_cut_count; i++) {
        mm_json_text(json, NULL, finding->more_cuts[i]);
    }
    mm_json_close(json, ']');
    amount_write(json, "freed_bytes", cut->freed_bytes);
    amount_write(json, "other_holders", cut->other_holders);
    amount_write(json, "would_drop_at_once", cut->would_drop_at_once);
    mm_json_text(json, "role", fix != NULL && fix->role != NULL ? fix->role : cut->role);
    mm_json_close(json, '}');
}

static void checked_write(mm_json *json, const mm_fix *fix) {
    if (fix == NULL) {
        mm_json_text(json, "checked", NULL);
        return;
    }
    mm_json_array(json, "checked");
    for (uint32_t i = 0; i < fix->checked_count; i++) {
        mm_text words;
        const char *bytes = NULL;
        size_t count = 0;
        mm_error err = {MM_OK, NULL, 0, 0};
        mm_text_init(&words, json->out->arena);
        mm_fix_check_text(fix, i, &words);
        if (mm_text_end(&words, &bytes, &count, &err) != MM_OK) {
            json->out->failed = true;
        } else if (count > 0) {
            mm_json_text(json, NULL, bytes);
        }
    }
    mm_json_close(json, ']');
}

static void tried_write(mm_json *json, const mm_fix *fix) {
    if (fix == NULL || fix->proven < 0) {
        mm_json_text(json, "proven", NULL);
        mm_json_text(json, "tried", NULL);
        return;
    }
    mm_json_bool(json, "proven", fix->proven == 1);
    mm_json_object(json, "tried");
    amount_write(json, "before_objects", fix->before_objects);
    amount_write(json, "before_steps", fix->before_steps);
    amount_write(json, "after_objects", fix->after_objects);
    amount_write(json, "after_steps", fix->after_steps);
    mm_json_close(json, '}');
}

// What the terminal says behind "Cure:".
static void summary_write(mm_json *json, const mm_fix *fix) {
    mm_text text;
    const char *words = mm_cure_text(fix->cure);
    const char *told = NULL;
    size_t count = 0;
    mm_text_init(&text, json->out->arena);
    mm_text_put(&text, words != NULL ? words : "");
    mm_text_put(&text, fix->hint != NULL ? ". " : "");
    mm_text_put(&text, fix->hint != NULL ? fix->hint : "");
    if (mm_text_end(&text, &told, &count, NULL) != MM_OK) {
        json->out->failed = true;
    }
    mm_json_text(json, "summary", words != NULL ? told : NULL);
}

// A line that a front has found in the source is the better one, and so is its cure.
static void fix_write(mm_json *json, const mm_finding *finding, const mm_why_source *source) {
    uint32_t line = source != NULL ? source->line : finding->line;
    const char *file = source != NULL ? source->file : finding->file;
    const mm_fix *fix = source != NULL ? source->fix : NULL;
    mm_json_object(json, "fix");
    mm_json_text(json, "cure", fix != NULL ? fix->cure : finding->cure);
    if (fix != NULL) {
        summary_write(json, fix);
    } else {
        mm_json_text(json, "summary", finding->cure_text);
    }
    checked_write(json, fix);
    mm_json_text(json, "file", file);
    mm_json_number_known(json, "line", line, file != NULL && line != 0);
    mm_json_text(json, "patch", fix != NULL ? fix->patch : NULL);
    tried_write(json, fix);
    mm_json_close(json, '}');
}

static void fingerprint_write(mm_json *json, uint64_t fingerprint) {
    static const char digits[] = "0123456789abcdef";
    char text[17];
    for (int i = 0; i < 16; i++) {
        text[i] = digits[(fingerprint >> (60 - 4 * i)) & 15];
    }
    text[16] = '\0';
    mm_json_text(json, "fingerprint", text);
}

static void finding_write(mm_json *json, const mm_finding *finding, uint32_t rank,
                          const mm_why_source *source) {
    mm_json_object(json, NULL);
    mm_json_number(json, "rank", rank);
    mm_json_text(json, "severity", finding->is_leak ? "leak" : "note");
    mm_json_text(json, "kind", mm_finding_kind_text(finding->kind));
    mm_json_text(json, "type", finding->type);
    amount_write(json, "count", finding->count);
    amount_write(json, "grown_objects", finding->grown_objects);
    amount_write(json, "steps", finding->steps);
    amount_write(json, "retained_bytes", finding->retained_bytes);
    mm_json_text(json, "sentence", finding->sentence);
    path_write(json, finding);
    mm_json_array(json, "also_held_by");
    for (uint32_t i = 0; i < finding->also_count; i++) {
        mm_json_text(json, NULL, finding->also_held_by[i]);
    }
    mm_json_close(json, ']');
    mm_sites_json(json, "sites", finding);
    mm_json_text(json, "library", finding->library);
    cut_write(json, finding, source != NULL ? source->fix : NULL);
    fix_write(json, finding, source);
    fingerprint_write(json, finding->fingerprint);
    mm_json_close(json, '}');
}

static void verdicts_write(mm_json *json, const mm_findings *findings) {
    mm_verdict first =
        findings->verdict_count > 0 ? findings->verdicts[0].verdict : MM_VERDICT_CLEAN;
    mm_json_text(json, "verdict", mm_verdict_text(first));
    mm_json_array(json, "verdicts");
    for (uint32_t i = 0; i < findings->verdict_count; i++) {
        mm_json_object(json, NULL);
        mm_json_text(json, "verdict", mm_verdict_text(findings->verdicts[i].verdict));
        amount_write(json, "bytes", findings->verdicts[i].bytes);
        mm_json_close(json, '}');
    }
    mm_json_close(json, ']');
}

static void watched_write(mm_json *json, const mm_watched *watched) {
    uint64_t seconds =
        watched->nanoseconds == MM_UNKNOWN ? MM_UNKNOWN : watched->nanoseconds / 1000000000u;
    if (!watched->known) {
        mm_json_text(json, "watched", NULL);
        return;
    }
    mm_json_object(json, "watched");
    mm_json_text(json, "compared", watched->by_shapes ? "path shapes" : "births");
    mm_json_number(json, "rounds", watched->rounds);
    amount_write(json, "steps", watched->steps);
    amount_write(json, "seconds", seconds);
    amount_write(json, "smallest_growth_seen_bytes_per_step", watched->smallest_bytes_per_step);
    mm_json_close(json, '}');
}

MM_STATUS mm_findings_json(const mm_findings *findings, const mm_why_source *sources,
                           size_t source_count, mm_arena *arena, const char **ret,
                           size_t *ret_count, mm_error *err) {
    mm_text text;
    mm_json json;
    MM_ASSERT(sources != NULL || source_count == 0);
    mm_text_init(&text, arena);
    mm_json_init(&json, &text);
    mm_json_object(&json, NULL);
    mm_json_text(&json, "schema", "mortmain.findings/1");
    mm_runtime_json(&json, findings->file);
    mm_json_number(&json, "objects", findings->object_count);
    mm_json_number(&json, "bytes", findings->bytes);
    amount_write(&json, "rss_bytes", findings->rss_bytes);
    amount_write(&json, "rss_accounted_percent", findings->rss_accounted_percent);
    verdicts_write(&json, findings);
    watched_write(&json, &findings->watched);
    mm_json_array(&json, "findings");
    for (uint32_t i = 0; i < findings->finding_count; i++) {
        finding_write(&json, &findings->findings[i], i + 1,
                      mm_why_source_of(sources, source_count, i));
    }
    mm_json_close(&json, ']');
    mm_json_array(&json, "own_objects");
    for (uint32_t i = 0; i < findings->own_count; i++) {
        mm_json_object(&json, NULL);
        mm_json_text(&json, "type", findings->own[i].type);
        mm_json_number(&json, "count", findings->own[i].count);
        mm_json_number(&json, "bytes", findings->own[i].bytes);
        mm_json_text(&json, "held_by", findings->own[i].held_by);
        mm_json_close(&json, '}');
    }
    mm_json_close(&json, ']');
    mm_json_array(&json, "notes");
    for (uint32_t i = 0; i < findings->note_count; i++) {
        mm_json_text(&json, NULL, findings->notes[i]);
    }
    mm_json_close(&json, ']');
    mm_json_close(&json, '}');
    return mm_text_end(&text, ret, ret_count, err);
}

MM_STATUS mm_cycles_json(const mm_findings *findings, mm_arena *arena, const char **ret,
                         size_t *ret_count, mm_error *err) {
    mm_findings cycles = *findings;
    cycles.findings = MM_ARENA_NEW(arena, mm_finding, (size_t)findings->finding_count + 1);
    cycles.finding_count = 0;
    cycles.verdict_count = 0;
    if (cycles.findings == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory for cycles", 0);
    }
    for (uint32_t i = 0; i < findings->finding_count; i++) {
        if (findings->findings[i].kind == MM_FINDING_CYCLE) {
            cycles.findings[cycles.finding_count++] = findings->findings[i];
        }
    }
    for (uint32_t i = 0; i < findings->verdict_count; i++) {
        if (findings->verdicts[i].verdict == MM_VERDICT_WAITING) {
            cycles.verdicts[cycles.verdict_count++] = findings->verdicts[i];
        }
    }
    return mm_findings_json(&cycles, NULL, 0, arena, ret, ret_count, err);
}

MM_STATUS mm_types_json(const mm_types *types, const mm_file *file, mm_arena *arena,
                        const char **ret, size_t *ret_count, mm_error *err) {
    mm_text text;
    mm_json json;
    mm_text_init(&text, arena);
    mm_json_init(&json, &text);
    mm_json_object(&json, NULL);
    mm_json_text(&json, "schema", "mortmain.types/1");
    mm_runtime_json(&json, file);
    mm_json_number(&json, "objects", types->object_count);
    mm_json_number(&json, "bytes", types->bytes);
    mm_json_array(&json, "types");
    for (uint32_t i = 0; i < types->row_count; i++) {
        mm_json_object(&json, NULL);
        mm_json_text(&json, "type", types->rows[i].name);
        mm_json_number(&json, "count", types->rows[i].count);
        mm_json_number(&json, "bytes", types->rows[i].bytes);
        mm_json_close(&json, '}');
    }
    mm_json_close(&json, ']');
    mm_json_close(&json, '}');
    return mm_text_end(&text, ret, ret_count, err);
}
