// The same answer for programs. docs/why.schema.json is the contract: every field is always there,
// null where nothing is known.
#include "report/json.h"
#include "report/summary.h"
#include "report/why.h"

static void reference_write(mm_json *json, const mm_why *why, const mm_why_reference *reference) {
    mm_json_object(json, NULL);
    mm_json_text(json, "name", reference->name);
    mm_json_text(json, "kind", mm_holder_text(reference->kind));
    mm_json_number(json, "count", reference->count);
    mm_json_bool(json, "from_root", reference->chained);
    mm_json_bool(json, "among_objects", reference->among);
    mm_json_bool(json, "inside", mm_why_is_inside(reference));
    mm_json_number_known(json, "chain", reference->chain, reference->chain < why->chain_count);
    mm_json_close(json, '}');
}

static void step_write(mm_json *json, const mm_why_step *step) {
    mm_json_object(json, NULL);
    mm_json_text(json, "object", step->object);
    mm_json_text(json, "edge", step->edge);
    mm_json_bool(json, "guilty", step->guilty);
    mm_json_number_known(json, "entries", step->entries, step->entries != UINT64_MAX);
    mm_json_text(json, "file", step->file);
    mm_json_number_known(json, "line", step->line, step->file != NULL && step->line != 0);
    mm_json_close(json, '}');
}

// Those that the name fits; of one object there are none.
static void type_counts_write(mm_json *json, const mm_selection *selection) {
    mm_json_array(json, "types");
    for (uint32_t i = 0; i < selection->type_count; i++) {
        mm_json_object(json, NULL);
        mm_json_text(json, "type", selection->types[i].text);
        mm_json_number(json, "objects", selection->types[i].count);
        mm_json_close(json, '}');
    }
    mm_json_close(json, ']');
}

// Its file is told in full, which a program can open wherever it runs.
static void source_write(mm_json *json, const mm_why_chain *chain, const mm_why_source *source) {
    if (source == NULL) {
        mm_json_text(json, "source", NULL);
        return;
    }
    mm_json_object(json, "source");
    mm_json_text(json, "file", chain->scope_file != NULL ? chain->scope_file : source->file);
    mm_json_number(json, "line", source->line);
    mm_json_text(json, "text", source->text);
    mm_json_close(json, '}');
}

static void chain_write(mm_json *json, const mm_why_chain *chain, const mm_why_source *source) {
    mm_json_object(json, NULL);
    mm_json_number(json, "reference", chain->reference);
    mm_json_text(json, "kind", mm_holder_text(chain->kind));
    mm_json_text(json, "holder", chain->holder);
    mm_json_text(json, "file", chain->file);
    mm_json_number_known(json, "line", chain->line, chain->file != NULL && chain->line != 0);
    source_write(json, chain, source);
    mm_json_array(json, "used_in");
    for (uint32_t i = 0; i < chain->user_count; i++) {
        mm_json_object(json, NULL);
        mm_json_text(json, "function", chain->users[i].name);
        mm_json_text(json, "file", chain->users[i].file);
        mm_json_number_known(json, "line", chain->users[i].line, chain->users[i].line != 0);
        mm_json_close(json, '}');
    }
    mm_json_close(json, ']');
    mm_json_number(json, "steps_left_out", chain->left_out_count);
    mm_json_array(json, "path");
    for (uint32_t i = 0; i < chain->step_count; i++) {
        step_write(json, &chain->steps[i]);
    }
    mm_json_close(json, ']');
    mm_json_close(json, '}');
}

MM_STATUS mm_why_json(const mm_why *why, const mm_why_source *sources, size_t source_count,
                      mm_arena *arena, const char **ret, size_t *ret_count, mm_error *err) {
    MM_ASSERT(sources != NULL || source_count == 0);
    mm_text text;
    mm_json json;
    mm_text_init(&text, arena);
    mm_json_init(&json, &text);
    mm_json_object(&json, NULL);
    mm_json_text(&json, "schema", "mortmain.why/1");
    mm_runtime_json(&json, why->file);
    mm_json_text(&json, "what", why->what);
    mm_json_text(&json, "type", why->type);
    mm_json_bool(&json, "by_type", why->by_type);
    mm_json_number(&json, "objects", why->object_count);
    type_counts_write(&json, &why->selection);
    mm_json_number(&json, "bytes", why->bytes);
    mm_json_number(&json, "reference_count", why->reference_count);
    mm_json_array(&json, "references");
    for (uint32_t i = 0; i < why->reference_kind_count; i++) {
        reference_write(&json, why, &why->references[i]);
    }
    mm_json_close(&json, ']');
    mm_json_number(&json, "among", why->among_count);
    mm_json_number(&json, "inside", why->inside_count);
    mm_json_number(&json, "unaccounted", why->unaccounted_count);
    mm_json_number(&json, "weak", why->weak_count);
    mm_json_number(&json, "waiting_for_gc", why->garbage_count);
    mm_json_number(&json, "held_by_asker", why->hidden_count);
    mm_json_array(&json, "chains");
    for (uint32_t i = 0; i < why->chain_count; i++) {
        chain_write(&json, &why->chains[i], mm_why_source_of(sources, source_count, i));
    }
    mm_json_close(&json, ']');
    mm_json_close(&json, '}');
    return mm_text_end(&text, ret, ret_count, err);
}
