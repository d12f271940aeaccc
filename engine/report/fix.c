// A cure that came out of the source, in the order in which a reader decides: what to write, what
// was checked before that was said, the lines that change, and whether it was tried. All of the
// patch is shown under -v, ready for `git apply`.
#include "report/fix.h"

#include <string.h>

#include "analyze/why.h"
#include "explain/cures.h"
#include "report/lines.h"
#include "report/steps.h"

enum { PATCH_INDENT = 4, PATCH_LINE_BYTES = 512 };

void mm_fix_check_text(const mm_fix *fix, uint32_t index, mm_text *out) {
    bool of_type = false;
    const char *words = mm_cure_check_text(fix->checked[index], &of_type);
    MM_ASSERT(index < fix->checked_count);
    if (words != NULL) {
        mm_text_put(out, of_type ? fix->type : "");
        mm_text_put(out, words);
    }
}

static void checked_print(mm_lines *lines, const mm_fix *fix) {
    if (fix->checked_count == 0) {
        return;
    }
    mm_lines_start(lines, MM_STEPS_INDENT);
    mm_lines_words(lines, "Checked:");
    for (uint32_t i = 0; i < fix->checked_count; i++) {
        mm_text words;
        mm_text_init(&words, lines->out->arena);
        mm_fix_check_text(fix, i, &words);
        mm_text_put(&words, i + 1 < fix->checked_count ? "," : ".");
        mm_lines_words(lines, mm_steps_piece_end(&words, lines));
    }
    mm_lines_end(lines);
}

// Is each character of a patch printed as it is? Else what is printed cannot be applied.
static bool patch_is_plain(const char *patch) {
    size_t count = strlen(patch);
    for (size_t at = 0; at < count;) {
        uint32_t code = 0;
        size_t length = mm_text_glyph(patch + at, count - at, &code);
        if (mm_text_is_control(code) && code != '\n' && code != '\t') {
            return false;
        }
        at += length;
    }
    return true;
}

// Lines that go and lines that come, or all of the patch. None is cut: they are there to be copied.
static void patch_print(mm_lines *lines, const char *patch, bool whole) {
    lines->excerpt = lines->excerpt || !whole;
    mm_lines_end(lines);
    for (const char *at = patch; *at != '\0';) {
        size_t length = strcspn(at, "\n");
        bool head = strncmp(at, "---", 3) == 0 || strncmp(at, "+++", 3) == 0;
        if (whole || (!head && (*at == '-' || *at == '+'))) {
            mm_lines_start(lines, whole ? 0 : MM_STEPS_INDENT + PATCH_INDENT);
            mm_lines_colour(lines, *at == '-' ? MM_COLOUR_GUILTY : MM_COLOUR_NONE);
            mm_lines_source(lines, at, length > 0);
            mm_lines_source(lines, " ", !whole && length > 1);
            mm_lines_source(lines, at + 1, length > 0 ? length - 1 : 0);
            mm_lines_colour(lines, MM_COLOUR_NONE);
            mm_lines_end(lines);
        }
        at += length;
        at += *at == '\n';
    }
    if (whole && !patch_is_plain(patch)) {
        mm_lines_end(lines);
        mm_lines_start(lines, MM_STEPS_INDENT);
        mm_lines_words(lines,
                       "It has characters that no terminal shows as they are: "
                       "take the patch from --json.");
        mm_lines_end(lines);
    }
}

// "10,000 in 1,000 steps"
static void rate_print(mm_lines *lines, uint64_t objects, uint64_t steps, const char *after) {
    mm_steps_number(lines, objects, "");
    mm_lines_words(lines, "in");
    mm_steps_number(lines, steps, steps == 1 ? " step" : " steps");
    mm_lines_tight(lines, after);
}

static void proof_print(mm_lines *lines, const mm_fix *fix) {
    bool counted = fix->before_objects != MM_UNKNOWN && fix->before_steps != MM_UNKNOWN &&
                   fix->after_objects != MM_UNKNOWN && fix->after_steps != MM_UNKNOWN;
    if (fix->proven < 0) {
        return;
    }
    if (fix->patch != NULL) {
        mm_lines_end(lines);
    }
    mm_lines_start(lines, MM_STEPS_INDENT);
    if (fix->proven == 0) {
        mm_lines_words(lines,
                       "A patch was tried and withdrawn: the growth went on, or the step "
                       "answered something else.");
    } else {
        mm_lines_words(lines, "Tried: the step answers the same, and nothing of it grows.");
    }
    if (counted) {
        mm_lines_words(lines, "Kept before:");
        rate_print(lines, fix->before_objects, fix->before_steps, ",");
        mm_lines_words(lines, "after:");
        rate_print(lines, fix->after_objects, fix->after_steps, ".");
    }
    mm_lines_end(lines);
}

void mm_fix_print(mm_lines *lines, const mm_fix *fix, bool verbose) {
    const char *words = mm_cure_text(fix->cure);
    if (words != NULL) {
        mm_lines_start(lines, MM_STEPS_INDENT);
        mm_lines_words(lines, "Cure:");
        mm_lines_words(lines, words);
        if (fix->hint != NULL) {
            mm_lines_tight(lines, ".");
            mm_lines_words(lines, fix->hint);
            mm_lines_tight(lines, ".");
        }
        mm_lines_end(lines);
    }
    checked_print(lines, fix);
    if (fix->patch != NULL) {
        patch_print(lines, fix->patch, verbose);
    }
    proof_print(lines, fix);
}
