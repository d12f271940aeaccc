// An answer is read from the top by somebody in a hurry. First all direct references with their
// count; then, for each kind of holder, the chain from something with a name down to the object,
// with an arrow at the reference to look at; then one sentence on what such a holder means, and the
// place in the source. No word of graph theory.
//
//      module shop
//        .Within    class
//          ._seen   dict, 10,000 entries
//     ──>    [key]  Exam             this reference
#include "report/why.h"

#include <string.h>

#include "report/lines.h"

enum { NAMES_MAX = 8, CHAIN_INDENT = 6, SOURCE_INDENT = 4, ARROW_COLUMN = 5, WORDS_BYTES = 1024 };

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
    [MM_HOLDER_CACHE] = "is a cache: what is put in stays until it is taken out.",
    [MM_HOLDER_METHOD] = "is a bound method: it keeps its object alive.",
    [MM_HOLDER_FIELD] = "is a field of an object made in C.",
    [MM_HOLDER_INSTANCES] = "",
    [MM_HOLDER_ROOT] = "is kept by the interpreter itself.",
    [MM_HOLDER_C] = "is kept by C code: no Python object refers to it.",
};

const char *mm_holder_text(mm_holder kind) {
    MM_ASSERT(kind < MM_HOLDER_COUNT);
    return holder_words[kind];
}

static const char *plural(uint64_t count, const char *one, const char *many) {
    return count == 1 ? one : many;
}

// A piece of text made of several parts, NUL-terminated in the arena; "" when memory is out, which
// the text it goes into notices by itself.
static const char *piece_end(mm_text *piece, mm_lines *lines) {
    const char *text = "";
    size_t count = 0;
    if (mm_text_end(piece, &text, &count) != MM_OK) {
        lines->out->failed = true;
    }
    return text;
}

static void number_piece(mm_lines *lines, uint64_t number, const char *after) {
    mm_text piece;
    mm_text_init(&piece, lines->out->arena);
    mm_text_number(&piece, number);
    mm_text_put(&piece, after);
    mm_lines_piece(lines, piece_end(&piece, lines));
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
    mm_lines_piece(lines, piece_end(&piece, lines));
}

static void references_print(mm_lines *lines, const mm_why *why) {
    uint32_t shown = why->reference_kind_count;
    shown = shown > NAMES_MAX + 1 ? NAMES_MAX : shown;
    uint64_t hidden = why->reference_kind_count - shown;
    bool any = why->reference_count > 0;
    if (why->class_alone) {
        mm_lines_start(lines, 0);
        mm_lines_words(lines, "No object of type");
        mm_lines_piece(lines, why->what);
        mm_lines_words(lines, "is in this snapshot. The class itself has");
        mm_lines_end(lines);
    }
    mm_lines_start(lines, 0);
    mm_lines_colour(lines, MM_COLOUR_STRONG);
    number_piece(lines, why->reference_count,
                 plural(why->reference_count, " reference", " references"));
    if (why->by_type) {
        mm_lines_piece(lines, "to");
        number_piece(lines, why->object_count, "");
        mm_lines_piece(lines, why->what);
    }
    mm_lines_tight(lines, any ? ":" : "");
    mm_lines_colour(lines, MM_COLOUR_NONE);
    lines->indent = 4;
    for (uint32_t i = 0; i < shown; i++) {
        bool more = i + 1 < shown || hidden > 0 || why->unaccounted_count > 0;
        reference_piece(lines, &why->references[i], more);
    }
    if (hidden > 0) {
        number_piece(lines, hidden, why->unaccounted_count > 0 ? " more," : " more");
    }
    if (why->unaccounted_count > 0) {
        number_piece(lines, why->unaccounted_count, " unaccounted");
    }
    mm_lines_end(lines);
}

// What an object is, after the name that led to it: ".Within" -> "class", not "class Within".
static const char *object_short(const mm_why_step *before, const mm_why_step *step) {
    static const char *const kinds[] = {"class ", "module "};
    for (size_t i = 0; before != NULL && before->edge != NULL && i < MM_COUNTOF(kinds); i++) {
        size_t length = strlen(kinds[i]);
        if (strncmp(step->object, kinds[i], length) == 0 && before->edge[0] == '.' &&
            strcmp(step->object + length, before->edge + 1) == 0) {
            return i == 0 ? "class" : "module";
        }
    }
    return step->object;
}

static const char *object_words(mm_lines *lines, const mm_why_step *before,
                                const mm_why_step *step) {
    mm_text piece;
    mm_text_init(&piece, lines->out->arena);
    mm_text_put(&piece, object_short(before, step));
    if (step->entries != UINT64_MAX) {
        bool list = step->kind == MM_KIND_LIST || step->kind == MM_KIND_TUPLE;
        bool set = step->kind == MM_KIND_SET;
        mm_text_put(&piece, ", ");
        mm_text_number(&piece, step->entries);
        mm_text_put(&piece, list  ? plural(step->entries, " item", " items")
                            : set ? plural(step->entries, " member", " members")
                                  : plural(step->entries, " entry", " entries"));
    }
    return piece_end(&piece, lines);
}

static const char *edge_words(const char *edge) {
    return edge[0] == ' ' ? edge + 1 : edge;
}

// Column of step `i`'s edge: two more for each step, as long as half the line is left for names.
static size_t step_indent(const mm_lines *lines, uint32_t i) {
    size_t indent = CHAIN_INDENT + 2 * (size_t)i;
    size_t most = lines->width / 4;
    return indent < most ? indent : most;
}

static size_t object_column(const mm_lines *lines, const mm_why_chain *chain) {
    size_t column = 0;
    for (uint32_t i = 1; i < chain->step_count; i++) {
        const char *edge = edge_words(chain->steps[i - 1].edge);
        size_t end = step_indent(lines, i) + mm_text_columns(edge, strlen(edge)) + 2;
        size_t most = lines->width / 2;
        if (end <= most && end > column) {
            column = end;
        }
    }
    return column;
}

static void arrow_print(mm_lines *lines, size_t indent) {
    mm_lines_column(lines, indent < ARROW_COLUMN + 4 ? indent - 4 : ARROW_COLUMN);
    mm_lines_colour(lines, MM_COLOUR_GUILTY);
    mm_lines_tight(lines, lines->options.ascii ? "-->" : "\xe2\x94\x80\xe2\x94\x80>");
    mm_lines_column(lines, indent);
}

static void step_print(mm_lines *lines, const mm_why *why, const mm_why_chain *chain, uint32_t i,
                       size_t objects_at) {
    const mm_why_step *step = &chain->steps[i];
    const mm_why_step *before = i > 0 ? &chain->steps[i - 1] : NULL;
    size_t indent = step_indent(lines, i);
    bool guilty = before != NULL && before->guilty;
    mm_lines_start(lines, 0);
    if (guilty) {
        arrow_print(lines, indent);
    } else {
        mm_lines_column(lines, indent);
    }
    if (before != NULL) {
        mm_lines_tight(lines, edge_words(before->edge));
        if (guilty) {
            mm_lines_colour(lines, MM_COLOUR_NONE);
        }
        size_t at = lines->column + 2 > objects_at ? lines->column + 2 : objects_at;
        mm_lines_column(lines, at);
    }
    mm_lines_tight(lines, object_words(lines, before, step));
    if (guilty) {
        bool alone = why->reference_kind_count == 1 && why->unaccounted_count == 0 &&
                     i + 1 == chain->step_count;
        const char *it =
            why->object_count == 1 ? "nothing else holds it" : "nothing else holds them";
        size_t full = sizeof("this reference; ") - 1 + strlen(it);
        size_t column = lines->column + 3;
        if (alone && column + full <= lines->width) {
            mm_lines_column(lines, column);
            mm_lines_colour(lines, MM_COLOUR_FAINT);
            mm_lines_tight(lines, "this reference; ");
            mm_lines_tight(lines, it);
            mm_lines_colour(lines, MM_COLOUR_NONE);
        } else if (column + sizeof("this reference") - 1 <= lines->width) {
            mm_lines_column(lines, column);
            mm_lines_colour(lines, MM_COLOUR_FAINT);
            mm_lines_tight(lines, "this reference");
            mm_lines_colour(lines, MM_COLOUR_NONE);
        }
    }
    mm_lines_end(lines);
    if (step->edge != NULL && strcmp(step->edge, "...") == 0) {
        mm_lines_start(lines, indent);
        number_piece(lines, chain->left_out_count, " more steps like these");
        mm_lines_end(lines);
    }
}

static const char *file_short(const char *file) {
    const char *slash = strrchr(file, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : file;
}

static const char *place_piece(mm_lines *lines, const char *file, uint32_t line,
                               const char *after) {
    mm_text piece;
    mm_text_init(&piece, lines->out->arena);
    mm_text_put(&piece, file_short(file));
    if (line != 0) {
        mm_text_put(&piece, ":");
        mm_text_digits(&piece, line);
    }
    mm_text_put(&piece, after);
    return piece_end(&piece, lines);
}

// "class Within (near shop.py:5)": most classes know their methods' lines, not their own.
static void place_of_chain(mm_lines *lines, const mm_why_chain *chain) {
    const char *after = chain->user_count > 0 ? "," : ".";
    const char *class_text = NULL;
    for (uint32_t i = 0; i < chain->step_count; i++) {
        if (chain->steps[i].node == chain->place_node && chain->steps[i].kind == MM_KIND_TYPE) {
            class_text = chain->steps[i].object;
        }
    }
    if (class_text == NULL) {
        mm_lines_piece(lines, place_piece(lines, chain->file, chain->line, after));
        return;
    }
    mm_text piece;
    mm_text_init(&piece, lines->out->arena);
    mm_text_put(&piece, chain->near ? "" : "(");
    mm_text_put(&piece, place_piece(lines, chain->file, chain->line, ")"));
    mm_text_put(&piece, after);
    mm_lines_words(lines, class_text);
    if (chain->near) {
        mm_lines_piece(lines, "(near");
    }
    mm_lines_piece(lines, piece_end(&piece, lines));
}

// "shop.py:5": the very line, in a file that is called as the reader knows it.
static void place_of_source(mm_lines *lines, const mm_why_chain *chain) {
    mm_text piece;
    mm_text_init(&piece, lines->out->arena);
    mm_text_put(&piece, chain->source_file);
    mm_text_put(&piece, ":");
    mm_text_digits(&piece, chain->source_line);
    mm_text_put(&piece, chain->user_count > 0 ? "," : ":");
    mm_lines_piece(lines, piece_end(&piece, lines));
}

static void source_print(mm_lines *lines, const mm_why_chain *chain) {
    mm_lines_end(lines);
    mm_lines_start(lines, CHAIN_INDENT + SOURCE_INDENT);
    mm_lines_tight(lines, chain->source);
    mm_lines_end(lines);
}

static void place_print(mm_lines *lines, const mm_why_chain *chain) {
    if (chain->file == NULL && chain->user_count == 0) {
        return;
    }
    mm_lines_start(lines, CHAIN_INDENT);
    mm_lines_words(lines, "Look at");
    if (chain->source != NULL) {
        place_of_source(lines, chain);
    } else if (chain->file != NULL) {
        place_of_chain(lines, chain);
    }
    for (uint32_t i = 0; i < chain->user_count; i++) {
        const mm_why_user *user = &chain->users[i];
        mm_lines_words(lines, i == 0 && chain->file != NULL ? "used in" : "");
        mm_lines_piece(lines, user->name);
        mm_text place;
        mm_text_init(&place, lines->out->arena);
        mm_text_put(&place, "(");
        mm_text_put(&place, place_piece(lines, user->file, user->line, ")"));
        bool last = i + 1 == chain->user_count;
        mm_text_put(&place, !last ? "," : chain->source != NULL ? ":" : ".");
        mm_lines_piece(lines, piece_end(&place, lines));
    }
    mm_lines_end(lines);
    if (chain->source != NULL) {
        source_print(lines, chain);
    }
}

static void chain_print(mm_lines *lines, const mm_why *why, uint32_t number) {
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
    size_t objects_at = object_column(lines, chain);
    for (uint32_t i = 0; i < chain->step_count; i++) {
        step_print(lines, why, chain, i, objects_at);
    }
    mm_lines_end(lines);
    const char *hint = holder_hints[chain->kind];
    if (hint[0] != '\0') {
        mm_lines_start(lines, CHAIN_INDENT);
        mm_lines_piece(lines, chain->holder != NULL ? chain->holder : "It");
        mm_lines_words(lines, hint);
        mm_lines_end(lines);
    }
    place_print(lines, chain);
}

static void note_print(mm_lines *lines, uint64_t count, const char *one, const char *many) {
    if (count == 0) {
        return;
    }
    mm_lines_end(lines);
    mm_lines_start(lines, 2);
    number_piece(lines, count, "");
    mm_lines_words(lines, plural(count, one, many));
    mm_lines_end(lines);
}

static void notes_print(mm_lines *lines, const mm_why *why) {
    uint64_t among = 0;
    uint64_t inside = 0;
    for (uint32_t i = 0; i < why->reference_kind_count; i++) {
        const mm_why_reference *reference = &why->references[i];
        among += reference->among ? reference->count : 0;
        bool shown = reference->chained || reference->among ||
                     reference->kind == MM_HOLDER_INSTANCES || reference->root != MM_NONE;
        inside += shown ? 0 : reference->count;
    }
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
    note_print(lines, why->object_count > 1 ? among : 0,
               "reference leads from one of these objects to another.",
               "references lead from one of these objects to another.");
    if (why->garbage_count == 0) {
        note_print(lines, inside, "reference comes from something that nothing else leads to.",
                   "references come from things that nothing else leads to.");
    }
    note_print(lines, why->weak_count, "weak reference does not keep anything alive.",
               "weak references do not keep anything alive.");
}

static MM_STATUS text_finish(mm_text *text, const char **ret, size_t *ret_count, mm_error *err) {
    mm_status status = mm_text_end(text, ret, ret_count);
    return status == MM_OK ? MM_OK : mm_fail(err, status, "no memory to write the answer", 0);
}

MM_STATUS mm_why_text(const mm_why *why, const mm_report_options *options, mm_arena *arena,
                      const char **ret, size_t *ret_count, mm_error *err) {
    mm_text text;
    mm_lines lines;
    mm_text_init(&text, arena);
    mm_lines_init(&lines, &text, options);
    references_print(&lines, why);
    for (uint32_t i = 0; i < why->chain_count; i++) {
        chain_print(&lines, why, i);
    }
    notes_print(&lines, why);
    return text_finish(&text, ret, ret_count, err);
}

MM_STATUS mm_refs_text(const mm_why *why, const mm_report_options *options, mm_arena *arena,
                       const char **ret, size_t *ret_count, mm_error *err) {
    mm_text text;
    mm_lines lines;
    mm_text_init(&text, arena);
    mm_lines_init(&lines, &text, options);
    references_print(&lines, why);
    return text_finish(&text, ret, ret_count, err);
}
