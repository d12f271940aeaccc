// An answer is read from the top by somebody in a hurry. First all direct references with their
// count; then, for each kind of holder, the chain from something with a name down to the object,
// with an arrow at the reference to look at; then one sentence on what such a holder means, and the
// place in the source. No word of graph theory.
#include "report/why.h"

#include <string.h>

#include "base/free/bytes.h"
#include "report/place.h"
#include "report/selection.h"
#include "report/steps.h"

enum { NAMES_MAX = 8, INSIDE_NAMES_MAX = 3 };

static const char *const holder_words[MM_HOLDER_COUNT] = {
    [MM_HOLDER_OTHER] = "reference",
    [MM_HOLDER_GLOBAL] = "module global",
    [MM_HOLDER_CLASS] = "class attribute",
    [MM_HOLDER_INSTANCE] = "instance attribute",
    [MM_HOLDER_FUNCTION] = "function attribute",
    [MM_HOLDER_ENTRY] = "container entry",
    [MM_HOLDER_DEFAULT] = "default of a parameter",
    [MM_HOLDER_CLOSURE] = "closure variable",
    [MM_HOLDER_LOCAL] = "running frame's local",
    [MM_HOLDER_SUSPENDED] = "suspended generator's local",
    [MM_HOLDER_EXCEPTION] = "stored exception",
    [MM_HOLDER_CACHE] = "cache",
    [MM_HOLDER_METHOD] = "bound method",
    [MM_HOLDER_FIELD] = "field of a C object",
    [MM_HOLDER_INSTANCES] = "instances",
    [MM_HOLDER_ROOT] = "interpreter",
    [MM_HOLDER_C] = "held by C",
    [MM_HOLDER_HELD] = "held by C",
    [MM_HOLDER_WEAK] = "weak reference",
};

static const char *const holder_hints[MM_HOLDER_COUNT] = {
    [MM_HOLDER_OTHER] = "",
    [MM_HOLDER_GLOBAL] = "is a module global: it lives until the program ends or removes it.",
    [MM_HOLDER_CLASS] =
        "is a class attribute: there is one for all instances, and it lives as long "
        "as the class.",
    [MM_HOLDER_INSTANCE] = "is an instance attribute: it lives as long as that instance.",
    [MM_HOLDER_FUNCTION] = "is an attribute of a function: it lives as long as the function.",
    [MM_HOLDER_ENTRY] = "is a container: what is put in stays until it is taken out.",
    [MM_HOLDER_DEFAULT] = "is made once, with the function, and shared by all calls.",
    [MM_HOLDER_CLOSURE] = "lives as long as the function that was made with it.",
    [MM_HOLDER_LOCAL] = "is a local of a running function: it goes when the function returns.",
    [MM_HOLDER_SUSPENDED] =
        "is a local of a suspended generator or coroutine: it goes when that "
        "ends or is closed.",
    [MM_HOLDER_EXCEPTION] =
        "is a stored exception: its traceback keeps the frames it passed, and "
        "all their locals.",
    [MM_HOLDER_CACHE] = "keeps arguments and results of calls until it is full or cleared.",
    [MM_HOLDER_METHOD] = "is a bound method: it keeps its object alive.",
    [MM_HOLDER_FIELD] = "is a field of an object made in C.",
    [MM_HOLDER_INSTANCES] = "",
    [MM_HOLDER_ROOT] = "is kept by the interpreter itself.",
    [MM_HOLDER_C] = "is kept by C code: no Python object refers to it.",
    [MM_HOLDER_HELD] = "is held by C code: it lives until that calls mort_release().",
    [MM_HOLDER_WEAK] = "",
};

const char *mm_holder_text(mm_holder kind) {
    MM_ASSERT(kind < MM_HOLDER_COUNT);
    return holder_words[kind];
}

static const char *plural(uint64_t count, const char *one, const char *many) {
    return count == 1 ? one : many;
}

static void reference_piece(mm_lines *lines, const mm_why_reference *reference, bool more) {
    mm_text piece;
    mm_text_init(&piece, lines->out->arena);
    if (reference->count > 1) {
        mm_text_number(&piece, reference->count);
        mm_text_put(&piece, reference->kind == MM_HOLDER_INSTANCES ? " "
                            : lines->options.ascii                 ? " x "
                                                                   : " \xc3\x97 ");
    } else if (reference->kind == MM_HOLDER_INSTANCES) {
        mm_text_put(&piece, "1 ");
    }
    mm_text_put(&piece, reference->kind == MM_HOLDER_INSTANCES && reference->count == 1
                            ? "instance"
                            : reference->name);
    mm_text_put(&piece, more ? "," : "");
    mm_lines_piece(lines, mm_steps_piece_end(&piece, lines));
}

// "3 references to 3 Exam", and what comes after it.
static void headline_print(mm_lines *lines, const mm_why *why, const char *after) {
    mm_text piece;
    const char *references = plural(why->reference_count, "reference", "references");
    mm_steps_number(lines, why->reference_count, "");
    mm_text_init(&piece, lines->out->arena);
    if (!why->by_type) {
        mm_text_put(&piece, references);
    } else {
        mm_lines_piece(lines, references);
        mm_lines_piece(lines, "to");
        mm_steps_number(lines, why->object_count, "");
        mm_text_put(&piece, why->what);
    }
    mm_text_put(&piece, after);
    mm_lines_piece(lines, mm_steps_piece_end(&piece, lines));
}

static void references_print(mm_lines *lines, const mm_why *why) {
    uint32_t shown = why->reference_kind_count;
    shown = shown > NAMES_MAX + 1 ? NAMES_MAX : shown;
    uint64_t hidden = why->reference_kind_count - shown;
    bool any = why->reference_count > 0 || why->reference_kind_count > 0;
    mm_lines_start(lines, 0);
    lines->indent = 4;
    mm_lines_colour(lines, MM_COLOUR_STRONG);
    headline_print(lines, why, any ? ":" : "");
    mm_lines_colour(lines, MM_COLOUR_NONE);
    for (uint32_t i = 0; i < shown; i++) {
        bool more = i + 1 < shown || hidden > 0 || why->unaccounted_count > 0;
        reference_piece(lines, &why->references[i], more);
    }
    if (hidden > 0) {
        mm_steps_number(lines, hidden, why->unaccounted_count > 0 ? " more," : " more");
    }
    if (why->unaccounted_count > 0) {
        mm_steps_number(lines, why->unaccounted_count, " unaccounted");
    }
    mm_lines_end(lines);
}

// What the arrow means: that of many such references one is shown, or that there is no other.
static const char *guilty_words(mm_lines *lines, const mm_why *why, const mm_why_chain *chain,
                                uint32_t i) {
    const mm_why_reference *reference = &why->references[chain->reference];
    bool last = i + 1 == chain->step_count;
    mm_text piece;
    mm_text_init(&piece, lines->out->arena);
    mm_text_put(&piece, "this reference");
    if (reference->count > 1) {
        mm_text_put(&piece, ", for example");
    }
    if (last && why->reference_kind_count == 1 && why->unaccounted_count == 0) {
        mm_text_put(&piece, why->object_count == 1 ? "; nothing else holds it"
                                                   : "; nothing else holds them");
    }
    return mm_steps_piece_end(&piece, lines);
}

// The steps of a chain as the room prints them.
static void path_print(mm_lines *lines, const mm_why *why, const mm_why_chain *chain) {
    mm_step *steps = MM_ARENA_NEW(lines->out->arena, mm_step, (size_t)chain->step_count);
    if (steps == NULL) {
        lines->out->failed = true;
        return;
    }
    for (uint32_t i = 0; i < chain->step_count; i++) {
        const mm_why_step *step = &chain->steps[i];
        bool items = step->kind == MM_KIND_LIST || step->kind == MM_KIND_TUPLE;
        steps[i] = (mm_step){
            .object = step->object,
            .edge = step->edge,
            .entries = step->entries,
            .unit = items                       ? MM_STEP_ITEMS
                    : step->kind == MM_KIND_SET ? MM_STEP_MEMBERS
                                                : MM_STEP_ENTRIES,
            .guilty = step->guilty,
            .note = step->guilty ? guilty_words(lines, why, chain, i + 1) : NULL,
            .left_out = chain->left_out_count,
        };
    }
    mm_steps_print(lines, steps, chain->step_count);
}

static void chain_print(mm_lines *lines, const mm_why *why, uint32_t number,
                        const mm_why_source *source) {
    const mm_why_chain *chain = &why->chains[number];
    mm_lines_end(lines);
    if (why->chain_count > 1) {
        mm_lines_start(lines, 0);
        mm_lines_colour(lines, MM_COLOUR_STRONG);
        reference_piece(lines, &why->references[chain->reference], false);
        mm_lines_colour(lines, MM_COLOUR_NONE);
        mm_lines_end(lines);
        mm_lines_end(lines);
    }
    path_print(lines, why, chain);
    mm_lines_end(lines);
    const char *hint = holder_hints[chain->kind];
    if (hint[0] != '\0') {
        mm_lines_start(lines, MM_STEPS_INDENT);
        mm_lines_piece(lines, chain->holder != NULL ? chain->holder : "It");
        mm_lines_words(lines, hint);
        mm_lines_end(lines);
    }
    mm_place_print(lines, chain, source);
}

static void note_print(mm_lines *lines, uint64_t count, const char *one, const char *many) {
    if (count == 0) {
        return;
    }
    mm_lines_end(lines);
    mm_lines_start(lines, 2);
    mm_steps_number(lines, count, "");
    mm_lines_words(lines, plural(count, one, many));
    mm_lines_end(lines);
}

// "600 x Child.parent comes from what only these objects keep: not the cause."
static void inside_print(mm_lines *lines, const mm_why *why) {
    uint32_t shown = 0;
    uint64_t rest = why->inside_count;
    if (rest == 0 || why->garbage_count != 0) {
        return;
    }
    mm_lines_end(lines);
    mm_lines_start(lines, 2);
    for (uint32_t i = 0; i < why->reference_kind_count && shown < INSIDE_NAMES_MAX; i++) {
        const mm_why_reference *reference = &why->references[i];
        if (mm_why_is_inside(reference)) {
            rest -= reference->count;
            shown++;
            reference_piece(lines, reference, rest > 0);
        }
    }
    if (rest > 0) {
        mm_steps_number(lines, rest, " more");
    }
    mm_lines_words(lines, why->object_count == 1
                              ? "from what only this object keeps: not the cause."
                              : "from what only these objects keep: not the cause.");
    mm_lines_end(lines);
}

static void notes_print(mm_lines *lines, const mm_why *why) {
    uint64_t unshown = 0;
    for (uint32_t i = 0; i < why->reference_kind_count; i++) {
        const mm_why_reference *reference = &why->references[i];
        bool shown = reference->holder != MM_NONE || reference->root != MM_NONE;
        unshown += reference->chained && shown && reference->chain == MM_NONE;
    }
    note_print(lines, unshown, "more holder is not shown in full: -v shows it.",
               "more holders are not shown in full: -v shows more.");
    note_print(lines, why->garbage_count,
               "object waits for the collector: nothing reaches it from a root, and the cyclic "
               "collector will free it.",
               "objects wait for the collector: nothing reaches them from a root, and the cyclic "
               "collector will free them.");
    note_print(lines, why->hidden_count, "object is held by nothing but the code that asked.",
               "objects are held by nothing but the code that asked.");
    note_print(lines, why->unaccounted_count,
               "unaccounted reference: no object in the heap has it. C code holds it, or a "
               "running function that just uses the object.",
               "unaccounted references: no object in the heap has them. C code holds them, or "
               "running functions that just use the objects.");
    note_print(lines, why->object_count > 1 ? why->among_count : 0,
               "reference leads from one of these objects to another.",
               "references lead from one of these objects to another.");
    inside_print(lines, why);
    note_print(lines, why->weak_count, "weak reference does not keep anything alive.",
               "weak references do not keep anything alive.");
}

MM_STATUS mm_why_text(const mm_why *why, const mm_why_source *sources, size_t source_count,
                      const mm_report_options *options, mm_arena *arena, const char **ret,
                      size_t *ret_count, mm_error *err) {
    mm_text text;
    mm_lines lines;
    MM_ASSERT(sources != NULL || source_count == 0);
    mm_text_init(&text, arena);
    mm_lines_init(&lines, &text, options);
    if (why->by_type && why->object_count == 0) {
        mm_selection_none_print(&lines, why, true);
        return mm_text_end(&text, ret, ret_count, err);
    }
    mm_selection_types_print(&lines, why);
    references_print(&lines, why);
    for (uint32_t i = 0; i < why->chain_count; i++) {
        chain_print(&lines, why, i, mm_why_source_of(sources, source_count, i));
    }
    notes_print(&lines, why);
    return mm_text_end(&text, ret, ret_count, err);
}

MM_STATUS mm_refs_text(const mm_why *why, const mm_report_options *options, mm_arena *arena,
                       const char **ret, size_t *ret_count, mm_error *err) {
    mm_text text;
    mm_lines lines;
    mm_text_init(&text, arena);
    mm_lines_init(&lines, &text, options);
    if (why->by_type && why->object_count == 0) {
        mm_selection_none_print(&lines, why, false);
    } else {
        references_print(&lines, why);
    }
    return mm_text_end(&text, ret, ret_count, err);
}
