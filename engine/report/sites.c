// Where the objects of a finding were made, most first. A line of a library says little by itself,
// so the program's own line that led there is told with it, and is the one that is shown.
#include "report/sites.h"

#include "report/place.h"
#include "report/steps.h"

enum { SITES_SHOWN = 3, PERCENT = 100 };

static uint64_t percent_of(uint64_t count, uint64_t all) {
    MM_ASSERT(all > 0);
    MM_ASSERT(count <= all);
    // Of counts that would overflow nobody asks for the last digit.
    return all > UINT64_MAX / PERCENT ? count / (all / PERCENT) : count * PERCENT / all;
}

static uint64_t sites_total(const mm_finding *finding) {
    uint64_t all = 0;
    for (uint32_t i = 0; i < finding->site_count; i++) {
        all += finding->sites[i].count;
    }
    return all;
}

// "shop.py:12 in Shop.add" and what follows.
static void line_put(mm_lines *lines, const mm_site_line *line, const char *after) {
    mm_text piece;
    mm_text_init(&piece, lines->out->arena);
    mm_text_put(&piece, line->shown);
    mm_text_put(&piece, ":");
    mm_text_digits(&piece, line->line);
    mm_text_put(&piece, line->function == NULL ? after : "");
    mm_lines_piece(lines, mm_steps_piece_end(&piece, lines));
    if (line->function != NULL) {
        mm_lines_piece(lines, "in");
        mm_text_init(&piece, lines->out->arena);
        mm_text_put(&piece, line->function);
        mm_text_put(&piece, after);
        mm_lines_piece(lines, mm_steps_piece_end(&piece, lines));
    }
}

// ", 600 of 1,000 (60 %)": the total stands with the first of several.
static void share_put(mm_lines *lines, const mm_site *site, uint64_t all, bool first) {
    mm_text share;
    mm_steps_number(lines, site->count, "");
    if (first) {
        mm_lines_words(lines, "of");
        mm_steps_number(lines, all, "");
    }
    mm_text_init(&share, lines->out->arena);
    mm_text_put(&share, "(");
    mm_text_digits(&share, percent_of(site->count, all));
    mm_text_put(&share, " %)");
    mm_lines_piece(lines, mm_steps_piece_end(&share, lines));
}

static bool site_print(mm_lines *lines, const mm_finding *finding, uint32_t index, uint64_t all) {
    const mm_site *site = &finding->sites[index];
    const char *text = site->called.line != 0 ? site->called.text : site->made.text;
    bool several = finding->site_count > 1;
    const char *end = text != NULL ? ":" : ".";
    mm_lines_start(lines, MM_STEPS_INDENT);
    mm_lines_words(lines, index == 0 ? "Made at" : "and at");
    line_put(lines, &site->made, site->called.line != 0 || several ? "," : end);
    if (site->called.line != 0) {
        mm_lines_words(lines, "called at");
        line_put(lines, &site->called, several ? "," : end);
    }
    if (several) {
        share_put(lines, site, all, index == 0);
        mm_lines_tight(lines, end);
    }
    mm_lines_end(lines);
    if (text != NULL) {
        mm_lines_end(lines);
        mm_lines_start(lines, MM_STEPS_INDENT + MM_PLACE_SOURCE_INDENT);
        mm_lines_tight(lines, text);
        mm_lines_end(lines);
    }
    return text != NULL;
}

bool mm_sites_print(mm_lines *lines, const mm_finding *finding, bool verbose) {
    uint64_t all = sites_total(finding);
    uint32_t shown = verbose || finding->site_count <= SITES_SHOWN + 1 ? finding->site_count
                                                                       : (uint32_t)SITES_SHOWN;
    bool source = false;
    for (uint32_t i = 0; i < shown; i++) {
        if (source) {
            mm_lines_end(lines);
        }
        source = site_print(lines, finding, i, all);
    }
    if (shown < finding->site_count) {
        if (source) {
            mm_lines_end(lines);
        }
        mm_lines_start(lines, MM_STEPS_INDENT);
        mm_lines_words(lines, "and at");
        mm_steps_number(lines, finding->site_count - shown, " more lines.");
        mm_lines_end(lines);
        source = false;
    }
    return source;
}

static void line_json(mm_json *json, const mm_site_line *line) {
    mm_json_text(json, "file", line->file);
    mm_json_number(json, "line", line->line);
    mm_json_text(json, "function", line->function);
}

void mm_sites_json(mm_json *json, const char *key, const mm_finding *finding) {
    uint64_t all = sites_total(finding);
    mm_json_array(json, key);
    for (uint32_t i = 0; i < finding->site_count; i++) {
        const mm_site *site = &finding->sites[i];
        mm_json_object(json, NULL);
        line_json(json, &site->made);
        mm_json_number(json, "objects", site->count);
        mm_json_number(json, "percent", percent_of(site->count, all));
        if (site->called.line != 0) {
            mm_json_object(json, "called_at");
            line_json(json, &site->called);
            mm_json_close(json, '}');
        } else {
            mm_json_text(json, "called_at", NULL);
        }
        mm_json_close(json, '}');
    }
    mm_json_close(json, ']');
}
