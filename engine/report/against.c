// Slopes are told as two counts, so many objects in so many steps: nobody need divide to see that
// the second one is zero. Only what is called a leak counts; the rest is in the report of each.
//
//     before.py:step  LEAK  5,000 objects in 5,000 steps.
//         Within._seen (dict) keeps 5,021 Exam alive: 353.0 KiB, one more every step
//           Made at before.py:9 in step:
//
//               exam = Exam()
//
//     after.py:step   CLEAN  0 objects in 27,000 steps.
#include "report/against.h"

#include "base/free/bytes.h"
#include "report/json.h"
#include "report/lines.h"
#include "report/sites.h"
#include "report/steps.h"

enum { AGAINST_INDENT = 4, AGAINST_WORD_BYTES = 32 };

typedef struct against_sum {
    uint64_t objects;
    uint64_t steps;  // MM_UNKNOWN
} against_sum;

static against_sum against_count(const mm_findings *findings) {
    against_sum sum = {0, findings->watched.known ? findings->watched.steps : MM_UNKNOWN};
    for (uint32_t i = 0; i < findings->finding_count; i++) {
        const mm_finding *finding = &findings->findings[i];
        if (finding->is_leak && finding->grown_objects != MM_UNKNOWN) {
            sum.objects += finding->grown_objects;
            sum.steps = finding->steps != MM_UNKNOWN ? finding->steps : sum.steps;
        }
    }
    return sum;
}

static mm_verdict against_verdict(const mm_findings *findings) {
    return findings->verdict_count > 0 ? findings->verdicts[0].verdict : MM_VERDICT_CLEAN;
}

static void against_verdict_print(mm_lines *lines, mm_verdict verdict) {
    const char *text = mm_verdict_text(verdict);
    char word[AGAINST_WORD_BYTES];
    size_t length = 0;
    for (; text[length] != '\0' && length < sizeof(word) - 1; length++) {
        char letter = text[length];
        word[length] = letter >= 'a' && letter <= 'z' ? (char)(letter - 'a' + 'A') : letter;
    }
    word[length] = '\0';
    mm_lines_colour(lines, verdict == MM_VERDICT_CLEAN ? MM_COLOUR_STRONG : MM_COLOUR_GUILTY);
    mm_lines_words(lines, word);
    mm_lines_colour(lines, MM_COLOUR_NONE);
}

// `source`: a line of source came last, and goes on so in the answer.
static bool against_side_print(mm_lines *lines, const mm_against *side, bool source) {
    against_sum sum = against_count(side->findings);
    if (source) {
        mm_lines_end(lines);
    }
    source = false;
    mm_lines_start(lines, 0);
    lines->indent = AGAINST_INDENT;
    mm_lines_piece(lines, side->name);
    against_verdict_print(lines, against_verdict(side->findings));
    mm_steps_number(lines, sum.objects, sum.objects == 1 ? " object" : " objects");
    if (sum.steps != MM_UNKNOWN) {
        mm_lines_words(lines, "in");
        mm_steps_number(lines, sum.steps, sum.steps == 1 ? " step" : " steps");
    }
    mm_lines_tight(lines, ".");
    mm_lines_end(lines);
    for (uint32_t i = 0; i < side->findings->finding_count; i++) {
        if (side->findings->findings[i].is_leak) {
            if (source) {
                mm_lines_end(lines);
            }
            mm_lines_start(lines, AGAINST_INDENT);
            mm_lines_words(lines, side->findings->findings[i].sentence);
            mm_lines_end(lines);
            source = mm_sites_print(lines, &side->findings->findings[i], false);
        }
    }
    return source;
}

MM_STATUS mm_against_text(const mm_against sides[2], const mm_report_options *options,
                          mm_arena *arena, const char **ret, size_t *ret_count, mm_error *err) {
    mm_text text;
    mm_lines lines;
    mm_text_init(&text, arena);
    mm_lines_init(&lines, &text, options);
    lines.options.whole = true;  // there is no -v that would show it
    bool source = false;
    for (int i = 0; i < 2; i++) {
        source = against_side_print(&lines, &sides[i], source);
    }
    return mm_text_end(&text, ret, ret_count, err);
}

static void against_side_write(mm_json *json, const char *key, const mm_against *side) {
    against_sum sum = against_count(side->findings);
    mm_json_object(json, key);
    mm_json_text(json, "name", side->name);
    mm_json_text(json, "verdict", mm_verdict_text(against_verdict(side->findings)));
    mm_json_number(json, "grown_objects", sum.objects);
    mm_json_number_known(json, "steps", sum.steps, sum.steps != MM_UNKNOWN);
    mm_json_array(json, "leaks");
    for (uint32_t i = 0; i < side->findings->finding_count; i++) {
        if (side->findings->findings[i].is_leak) {
            mm_json_text(json, NULL, side->findings->findings[i].sentence);
        }
    }
    mm_json_close(json, ']');
    mm_json_array(json, "sites");
    for (uint32_t i = 0; i < side->findings->finding_count; i++) {
        if (side->findings->findings[i].is_leak) {
            mm_sites_json(json, NULL, &side->findings->findings[i]);
        }
    }
    mm_json_close(json, ']');
    mm_json_close(json, '}');
}

MM_STATUS mm_against_json(const mm_against sides[2], mm_arena *arena, const char **ret,
                          size_t *ret_count, mm_error *err) {
    mm_text text;
    mm_json json;
    mm_text_init(&text, arena);
    mm_json_init(&json, &text);
    mm_json_object(&json, NULL);
    mm_json_text(&json, "schema", "mortmain.against/1");
    against_side_write(&json, "before", &sides[0]);
    against_side_write(&json, "after", &sides[1]);
    mm_json_close(&json, '}');
    return mm_text_end(&text, ret, ret_count, err);
}
