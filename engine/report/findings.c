// A report is read like the answer of `why`: what is wrong first, in capitals and in one sentence,
// then the chain with an arrow at the reference to cut, what goes when it is cut, where it is made,
// and what to write instead. Three findings are enough to begin with; the rest is one line.
//
//     SUSPECTS  Within._seen keeps 10,000 Exam alive: 10.4 MiB
//
//           module shop
//             .Within    class
//               ._seen   dict, 10,000 entries
//          ──>    [key]  Exam             this reference; nothing else holds them
//
//           Cut it and 10.4 MiB go.
//           Look at shop.py:3, used in Within.__init__ (shop.py:5):
//
//               _seen = {}
//
//           Cure: make it a weakref.WeakKeyDictionary
#include "report/findings.h"

#include <string.h>

#include "base/free/bytes.h"
#include "report/place.h"
#include "report/sites.h"
#include "report/steps.h"
#include "report/table.h"

enum { OWN_ROWS_MAX = 40, TYPE_ROWS_MAX = 30, ALSO_MAX = 5, WORD_BYTES = 32, FEW_STEPS = 200 };

static mm_verdict verdict_of(const mm_finding *finding) {
    static const mm_verdict verdicts[] = {
        [MM_FINDING_GROWTH] = MM_VERDICT_SUSPECTS,
        [MM_FINDING_HOLDER] = MM_VERDICT_SUSPECTS,
        [MM_FINDING_CYCLE] = MM_VERDICT_WAITING,
        [MM_FINDING_HELD_BY_C] = MM_VERDICT_HELD_BY_C,
        [MM_FINDING_GC_INVISIBLE] = MM_VERDICT_GC_INVISIBLE,
        [MM_FINDING_NATIVE] = MM_VERDICT_NATIVE,
        [MM_FINDING_WEAK_CONTAINER] = MM_VERDICT_SUSPECTS,
    };
    MM_ASSERT(finding->kind <= MM_FINDING_WEAK_CONTAINER);
    mm_verdict verdict = verdicts[finding->kind];
    if (!finding->is_leak && verdict <= MM_VERDICT_GC_INVISIBLE) {
        return MM_VERDICT_SUSPECTS;
    }
    return finding->is_leak && verdict == MM_VERDICT_SUSPECTS ? MM_VERDICT_LEAK : verdict;
}

// "SUSPECTS  Within._seen keeps 10,000 Exam alive: 10.4 MiB"
static void verdict_print(mm_lines *lines, mm_verdict verdict, const char *text,
                          const char *sentence) {
    char word[WORD_BYTES];
    size_t length = 0;
    for (; text[length] != '\0' && length < sizeof(word) - 1; length++) {
        char letter = text[length];
        word[length] = letter >= 'a' && letter <= 'z' ? (char)(letter - 'a' + 'A') : letter;
    }
    word[length] = '\0';
    mm_lines_start(lines, 0);
    lines->indent = 4;
    mm_lines_colour(lines, verdict == MM_VERDICT_CLEAN ? MM_COLOUR_STRONG : MM_COLOUR_GUILTY);
    mm_lines_tight(lines, word);
    mm_lines_colour(lines, MM_COLOUR_NONE);
    // Two blanks, unless the sentence begins on a line of its own.
    size_t first = mm_text_columns(sentence, strcspn(sentence, " "));
    if (lines->column + 2 + first <= lines->width) {
        mm_lines_column(lines, lines->column + 1);
    }
    mm_lines_colour(lines, MM_COLOUR_STRONG);
    mm_lines_words(lines, sentence);
    mm_lines_colour(lines, MM_COLOUR_NONE);
    mm_lines_end(lines);
}

static void size_piece(mm_lines *lines, uint64_t bytes, const char *after) {
    mm_text piece;
    mm_text_init(&piece, lines->out->arena);
    mm_text_size(&piece, bytes);
    mm_text_put(&piece, after);
    // A number and its unit stay on one line.
    mm_lines_piece(lines, mm_steps_piece_end(&piece, lines));
}

// By its type's name where only that is known.
static mm_step_unit unit_of(const mm_why_step *step, const char *object) {
    static const char *const items[] = {"list", "tuple", "deque", "collections.deque"};
    static const char *const members[] = {"set", "frozenset"};
    uint32_t kind = step != NULL ? step->kind : MM_NONE;
    if (kind == MM_KIND_LIST || kind == MM_KIND_TUPLE) {
        return MM_STEP_ITEMS;
    }
    if (kind == MM_KIND_SET) {
        return MM_STEP_MEMBERS;
    }
    for (size_t i = 0; i < MM_COUNTOF(items); i++) {
        if (strcmp(object, items[i]) == 0) {
            return MM_STEP_ITEMS;
        }
    }
    for (size_t i = 0; i < MM_COUNTOF(members); i++) {
        if (strcmp(object, members[i]) == 0) {
            return MM_STEP_MEMBERS;
        }
    }
    return MM_STEP_ENTRIES;
}

static const char *cut_words(const mm_finding *finding) {
    if (finding->cut.other_holders != 0) {
        return "this reference";
    }
    return finding->count == 1 ? "this reference; nothing else holds it"
                               : "this reference; nothing else holds them";
}

static void finding_path_print(mm_lines *lines, const mm_finding *finding) {
    const mm_why_chain *chain = finding->chain;
    bool same = chain != NULL && chain->step_count == finding->path_count;
    mm_step *steps = MM_ARENA_NEW(lines->out->arena, mm_step, (size_t)finding->path_count);
    if (steps == NULL) {
        lines->out->failed = true;
        return;
    }
    for (uint32_t i = 0; i < finding->path_count; i++) {
        const mm_finding_step *step = &finding->path[i];
        steps[i] = (mm_step){
            .object = step->object,
            .edge = step->edge,
            .entries = step->entries,
            .unit = unit_of(same ? &chain->steps[i] : NULL, step->object),
            .guilty = step->guilty,
            .note = step->guilty ? cut_words(finding) : NULL,
            .left_out = same ? chain->left_out_count : 0,
        };
    }
    mm_steps_print(lines, steps, finding->path_count);
}

// Once around, with the first object again at the end.
static void ring_print(mm_lines *lines, const mm_finding *finding) {
    uint32_t count = finding->ring_count;
    mm_step *steps = MM_ARENA_NEW(lines->out->arena, mm_step, (size_t)count + 1);
    mm_text piece;
    if (steps == NULL) {
        lines->out->failed = true;
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        const mm_finding_step *step = &finding->ring[i];
        steps[i] = (mm_step){
            .object = step->object,
            .edge = step->edge != NULL ? step->edge : " its",
            .entries = step->entries,
            .unit = unit_of(NULL, step->object),
            .guilty = step->back,
            .note = step->back ? "this reference leads back" : NULL,
        };
    }
    mm_text_init(&piece, lines->out->arena);
    mm_text_put(&piece, finding->ring[0].object);
    mm_text_put(&piece, ", the first one");
    steps[count] = (mm_step){.object = mm_steps_piece_end(&piece, lines), .entries = UINT64_MAX};
    mm_steps_print(lines, steps, count + 1);
}

static void cut_print(mm_lines *lines, const mm_finding *finding, bool verbose) {
    const mm_finding_cut *cut = &finding->cut;
    bool shared = cut->other_holders != MM_UNKNOWN && cut->other_holders > 0;
    if (cut->reference == NULL || cut->freed_bytes == MM_UNKNOWN ||
        finding->kind == MM_FINDING_CYCLE) {
        return;  // of a ring the sentence says already what waits with it
    }
    mm_lines_start(lines, MM_STEPS_INDENT);
    if (cut->freed_bytes == 0) {
        mm_lines_words(lines, "Cutting it alone frees nothing:");
        if (shared) {
            mm_steps_number(lines, cut->other_holders, "");
        }
        mm_lines_words(lines, !shared                   ? "something else holds"
                              : cut->other_holders == 1 ? "other reference holds"
                                                        : "other references hold");
        mm_lines_words(lines, finding->count == 1 ? "it too." : "them too.");
        mm_lines_end(lines);
        return;
    }
    mm_lines_words(lines, "Cut it and");
    size_piece(lines, cut->freed_bytes, "");
    mm_lines_words(lines, shared ? "go;" : "go.");
    if (shared) {
        mm_steps_number(lines, cut->other_holders, "");
        mm_lines_words(lines, cut->other_holders == 1 ? "other reference holds some of it too."
                                                      : "other references hold some of it too.");
    }
    if (verbose && cut->would_drop_at_once != MM_UNKNOWN) {
        mm_steps_number(lines, cut->would_drop_at_once, "");
        mm_lines_words(lines, cut->would_drop_at_once == 1
                                  ? "object would go at once, by counting."
                                  : "objects would go at once, by counting.");
    }
    mm_lines_end(lines);
}

static void also_print(mm_lines *lines, const mm_finding *finding, bool verbose) {
    uint32_t shown =
        verbose || finding->also_count <= ALSO_MAX + 1 ? finding->also_count : (uint32_t)ALSO_MAX;
    if (shown == 0) {
        return;
    }
    mm_lines_start(lines, MM_STEPS_INDENT);
    mm_lines_words(lines, "Also held by");
    for (uint32_t i = 0; i < shown; i++) {
        mm_text piece;
        mm_text_init(&piece, lines->out->arena);
        mm_text_put(&piece, finding->also_held_by[i]);
        mm_text_put(&piece, i + 1 < finding->also_count ? "," : ".");
        mm_lines_piece(lines, mm_steps_piece_end(&piece, lines));
    }
    if (shown < finding->also_count) {
        mm_steps_number(lines, finding->also_count - shown, " more.");
    }
    mm_lines_end(lines);
}

// A cure may come with no line of its own: that of the holder, if there is one, is the one to name.
static void finding_place_print(mm_lines *lines, const mm_finding *finding,
                                const mm_why_source *found) {
    const mm_why_chain *chain = finding->chain;
    const mm_why_source *source = found != NULL && found->line != 0 ? found : NULL;
    bool same = chain != NULL && chain->line == finding->line && chain->file == finding->file;
    if (same || (chain != NULL && source != NULL)) {
        mm_place_print(lines, chain, source);
    } else if (finding->file != NULL) {
        mm_place_line_print(lines, finding->file, finding->line);
    }
}

static void cure_print(mm_lines *lines, const mm_finding *finding, bool verbose,
                       const mm_fix *fix) {
    const char *role = fix != NULL && fix->role != NULL ? fix->role : finding->cut.role;
    if (fix != NULL) {
        mm_fix_print(lines, fix, verbose);
    } else if (finding->cure_text != NULL) {
        mm_lines_start(lines, MM_STEPS_INDENT);
        mm_lines_words(lines, "Cure:");
        mm_lines_words(lines, finding->cure_text);
        mm_lines_end(lines);
    }
    if (verbose && (role != NULL || finding->library != NULL)) {
        if (fix != NULL && fix->patch != NULL) {
            mm_lines_end(lines);  // nothing stands beside a patch
        }
        mm_lines_start(lines, MM_STEPS_INDENT);
        mm_lines_words(lines, role != NULL ? "Understood as:" : "");
        mm_lines_words(lines, role != NULL ? role : "");
        mm_lines_words(lines, finding->library != NULL ? "Library:" : "");
        mm_lines_words(lines, finding->library != NULL ? finding->library : "");
        mm_lines_end(lines);
    }
}

static void finding_print(mm_lines *lines, const mm_finding *finding, bool verbose,
                          const mm_why_source *source) {
    // What grew and stopped is suspected of nothing.
    bool settled = finding->kind == MM_FINDING_GROWTH && !finding->is_leak && finding->hidden;
    mm_verdict verdict = settled ? MM_VERDICT_CLEAN : verdict_of(finding);
    verdict_print(lines, verdict, settled ? "note" : mm_verdict_text(verdict), finding->sentence);
    if (finding->path_count > 0) {
        mm_lines_end(lines);
        finding_path_print(lines, finding);
    }
    if (finding->ring_count > 0) {
        mm_lines_end(lines);
        ring_print(lines, finding);
    }
    size_t before = lines->out->count;
    mm_lines_end(lines);
    size_t after = lines->out->count;
    cut_print(lines, finding, verbose);
    also_print(lines, finding, verbose);
    if (mm_sites_print(lines, finding, verbose)) {
        before = lines->out->count;
        mm_lines_end(lines);
        after = lines->out->count;
    }
    finding_place_print(lines, finding, source);
    if (source != NULL && finding->chain != NULL &&
        (finding->cure_text != NULL || source->fix != NULL)) {
        mm_lines_end(lines);
    }
    cure_print(lines, finding, verbose, source != NULL ? source->fix : NULL);
    // No empty line before nothing.
    if (lines->out->count == after) {
        lines->out->count = before;
    }
}

static void own_print(mm_lines *lines, const mm_findings *findings) {
    uint32_t shown = findings->own_count < OWN_ROWS_MAX ? findings->own_count : OWN_ROWS_MAX;
    mm_table_row rows[OWN_ROWS_MAX];
    if (shown == 0) {
        return;
    }
    for (uint32_t i = 0; i < shown; i++) {
        const mm_own_objects *own = &findings->own[i];
        rows[i] = (mm_table_row){own->count, own->bytes, own->type,
                                 own->held_by != NULL ? own->held_by : "nothing"};
    }
    mm_lines_end(lines);
    mm_lines_start(lines, 0);
    mm_lines_words(lines, "The program's own objects:");
    mm_lines_end(lines);
    mm_lines_end(lines);
    mm_table_print(lines, "type", "held by", rows, shown);
    if (shown < findings->own_count) {
        mm_lines_start(lines, 2);
        mm_steps_number(lines, findings->own_count - shown, " more types");
        mm_lines_end(lines);
    }
}

// What is not there to be read: notes, the ends of long lines, the rest of a patch.
static void notes_end_print(mm_lines *lines, const mm_findings *findings, uint32_t hidden) {
    for (uint32_t i = 0; i < findings->note_count; i++) {
        mm_lines_end(lines);
        mm_lines_start(lines, 0);
        lines->indent = 4;
        mm_lines_words(lines, "Note:");
        mm_lines_words(lines, findings->notes[i]);
        mm_lines_end(lines);
    }
    if (hidden > 0) {
        mm_lines_end(lines);
        mm_lines_start(lines, 0);
        mm_steps_number(lines, hidden, hidden == 1 ? " note" : " notes");
        mm_lines_words(lines, "hidden, -v shows");
        mm_lines_words(lines, hidden == 1 ? "it" : "them");
        mm_lines_end(lines);
    }
    if (lines->excerpt) {
        mm_lines_end(lines);
        mm_lines_start(lines, 0);
        mm_lines_words(lines, "-v shows the whole patch, for git apply");
        mm_lines_end(lines);
    }
    if (lines->cut) {
        mm_lines_end(lines);
        mm_lines_start(lines, 0);
        mm_lines_words(lines, "What ends in");
        mm_lines_words(lines, lines->options.ascii ? "..." : "\xe2\x80\xa6");
        mm_lines_words(lines, "was cut, -v shows it whole");
        mm_lines_end(lines);
    }
}

// "Compared: 3 snapshots of different processes, by path shapes: ..."
static void compared_print(mm_lines *lines, const mm_watched *watched) {
    mm_lines_end(lines);
    mm_lines_start(lines, 0);
    lines->indent = 4;
    mm_lines_words(lines, "Compared:");
    mm_steps_number(lines, watched->rounds + 1, " snapshots");
    mm_lines_words(lines,
                   "of different processes, by path shapes: how many objects the same names lead "
                   "to. No object is the same in two of them. Fewer than");
    mm_steps_number(lines, MM_SHAPES_OBJECTS_MIN, " objects");
    mm_lines_words(lines, "more, or less than");
    mm_steps_number(lines, MM_SHAPES_PERCENT_MIN, " percent");
    mm_lines_words(lines, "more, are not told, unless they weigh");
    size_piece(lines, MM_SHAPES_BYTES_MIN, ".");
    mm_lines_end(lines);
}

// "Watched: 2,340 steps in 8 rounds, 3 s. Less than 16 B a step, or than one object in 100 steps,
// would not have been seen."
static void watched_print(mm_lines *lines, const mm_watched *watched) {
    static const uint64_t second_ns = 1000000000;
    if (!watched->known) {
        return;
    }
    if (watched->by_shapes) {
        compared_print(lines, watched);
        return;
    }
    mm_lines_end(lines);
    mm_lines_start(lines, 0);
    lines->indent = 4;
    mm_lines_words(lines, "Watched:");
    if (watched->steps != MM_UNKNOWN) {
        mm_steps_number(lines, watched->steps, watched->steps == 1 ? " step" : " steps");
        mm_lines_words(lines, "in");
    }
    mm_steps_number(lines, watched->rounds, watched->rounds == 1 ? " round" : " rounds");
    if (watched->nanoseconds != MM_UNKNOWN) {
        mm_lines_tight(lines, ",");
        mm_steps_number(lines, (watched->nanoseconds + second_ns - 1) / second_ns, " s");
    }
    mm_lines_tight(lines, ".");
    if (watched->counted_steps != MM_UNKNOWN && watched->counted_steps < watched->steps &&
        watched->steps != MM_UNKNOWN) {
        // The late rounds tell whether it goes on; what is counted was there before them.
        mm_lines_words(lines, "Objects and bytes are counted after");
        mm_steps_number(lines, watched->counted_steps, " steps.");
    }
    bool rate = watched->round_steps != MM_UNKNOWN && watched->round_steps > 1;
    if (watched->smallest_bytes_per_step != MM_UNKNOWN || rate) {
        mm_lines_words(lines, "Less than");
        if (watched->smallest_bytes_per_step != MM_UNKNOWN) {
            size_piece(lines, watched->smallest_bytes_per_step, "");
            mm_lines_words(lines, rate ? "a step, or than" : "a step");
        }
        if (rate) {
            mm_lines_words(lines, "one object in");
            mm_steps_number(lines, watched->round_steps, " steps,");
        }
        mm_lines_words(lines, "would not have been seen.");
    }
    if (watched->steps < FEW_STEPS) {
        mm_lines_words(lines,
                       "The step is slow: so few calls cannot tell a leak from a cache that still "
                       "fills.");
    }
    mm_lines_end(lines);
}

MM_STATUS mm_findings_text(const mm_findings *findings, const mm_why_source *sources,
                           size_t source_count, bool verbose, const mm_report_options *options,
                           mm_arena *arena, const char **ret, size_t *ret_count, mm_error *err) {
    mm_text text;
    mm_lines lines;
    uint32_t shown = 0;
    MM_ASSERT(sources != NULL || source_count == 0);
    mm_text_init(&text, arena);
    mm_lines_init(&lines, &text, options);
    lines.options.whole = verbose || options->whole;
    bool clean = findings->verdict_count == 0 && findings->watched.known;
    if (clean) {
        verdict_print(&lines, MM_VERDICT_CLEAN, mm_verdict_text(MM_VERDICT_CLEAN),
                      findings->watched.by_shapes
                          ? "There is no more of anything: the snapshots differ by noise alone."
                          : "Nothing grows.");
    }
    for (uint32_t i = 0; i < findings->finding_count; i++) {
        const mm_finding *finding = &findings->findings[i];
        if (!verbose && (finding->hidden || shown == MM_FINDINGS_SHOWN)) {
            continue;
        }
        if (shown++ > 0 || clean) {
            mm_lines_end(&lines);
        }
        finding_print(&lines, finding, verbose, mm_why_source_of(sources, source_count, i));
    }
    if (shown == 0 && !clean) {
        verdict_print(&lines, MM_VERDICT_CLEAN, mm_verdict_text(MM_VERDICT_CLEAN),
                      "Nothing looks forgotten.");
    }
    watched_print(&lines, &findings->watched);
    notes_end_print(&lines, findings, findings->finding_count - shown);
    if (verbose) {
        own_print(&lines, findings);
    }
    return mm_text_end(&text, ret, ret_count, err);
}

MM_STATUS mm_cycles_text(const mm_findings *findings, const mm_report_options *options,
                         mm_arena *arena, const char **ret, size_t *ret_count, mm_error *err) {
    mm_text text;
    mm_lines lines;
    uint32_t shown = 0;
    mm_text_init(&text, arena);
    mm_lines_init(&lines, &text, options);
    for (uint32_t i = 0; i < findings->finding_count; i++) {
        if (findings->findings[i].kind != MM_FINDING_CYCLE) {
            continue;
        }
        if (shown++ > 0) {
            mm_lines_end(&lines);
        }
        finding_print(&lines, &findings->findings[i], true, NULL);
    }
    if (shown == 0) {
        verdict_print(&lines, MM_VERDICT_CLEAN, mm_verdict_text(MM_VERDICT_CLEAN),
                      "No cycle of the program's own objects waits for the collector.");
    }
    return mm_text_end(&text, ret, ret_count, err);
}

MM_STATUS mm_types_text(const mm_types *types, bool verbose, const mm_report_options *options,
                        mm_arena *arena, const char **ret, size_t *ret_count, mm_error *err) {
    mm_text text;
    mm_lines lines;
    uint32_t shown = verbose || types->row_count < TYPE_ROWS_MAX ? types->row_count : TYPE_ROWS_MAX;
    mm_table_row *rows = MM_ARENA_NEW(arena, mm_table_row, (size_t)shown + 1);
    mm_text_init(&text, arena);
    mm_lines_init(&lines, &text, options);
    if (rows == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory for a table", 0);
    }
    for (uint32_t i = 0; i < shown; i++) {
        const mm_type_row *row = &types->rows[i];
        rows[i] = (mm_table_row){row->count, row->bytes, row->name, NULL};
    }
    mm_lines_start(&lines, 0);
    mm_steps_number(&lines, types->object_count,
                    types->object_count == 1 ? " object," : " objects,");
    size_piece(&lines, types->bytes, "");
    mm_lines_end(&lines);
    mm_lines_end(&lines);
    mm_table_print(&lines, "type", NULL, rows, shown);
    if (shown < types->row_count) {
        mm_lines_end(&lines);
        mm_lines_start(&lines, 0);
        mm_steps_number(&lines, types->row_count - shown, " more types, -v shows them");
        mm_lines_end(&lines);
    }
    return mm_text_end(&text, ret, ret_count, err);
}
