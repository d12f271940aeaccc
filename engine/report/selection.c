// Nothing is said where the answer goes without saying: one type of that name, and it has objects.
#include "report/selection.h"

static const char *selection_piece(mm_lines *lines, uint64_t count, const char *text,
                                   const char *after) {
    mm_text piece;
    const char *bytes = "";
    size_t length = 0;
    mm_text_init(&piece, lines->out->arena);
    mm_text_number(&piece, count);
    mm_text_put(&piece, " ");
    mm_text_put(&piece, text);
    mm_text_put(&piece, after);
    if (mm_text_end(&piece, &bytes, &length, NULL) != MM_OK) {
        lines->out->failed = true;
    }
    return bytes;
}

static void types_list(mm_lines *lines, const mm_selected_type *types, uint32_t count,
                       const char *after) {
    for (uint32_t i = 0; i < count; i++) {
        const char *behind = i + 1 < count ? "," : after;
        mm_lines_piece(lines, selection_piece(lines, types[i].count, types[i].text, behind));
    }
}

void mm_selection_types_print(mm_lines *lines, const mm_why *why) {
    const mm_selection *selected = &why->selection;
    if (selected->type_count < 2) {
        return;
    }
    uint32_t more = selected->type_left_out_count;
    mm_lines_start(lines, 0);
    mm_lines_piece(lines, selection_piece(lines, why->object_count, why->what, ":"));
    lines->indent = 4;
    types_list(lines, selected->types, selected->type_count, more > 0 ? "," : "");
    if (more > 0) {
        mm_lines_piece(lines, selection_piece(lines, more, "types more", ""));
    }
    mm_lines_end(lines);
    mm_lines_end(lines);
}

static void sentence_end(mm_lines *lines, const char *word) {
    mm_text piece;
    const char *bytes = "";
    size_t length = 0;
    mm_text_init(&piece, lines->out->arena);
    mm_text_put(&piece, word);
    mm_text_put(&piece, ".");
    if (mm_text_end(&piece, &bytes, &length, NULL) != MM_OK) {
        lines->out->failed = true;
    }
    mm_lines_piece(lines, bytes);
}

void mm_selection_none_print(mm_lines *lines, const mm_why *why, bool whole) {
    const mm_selection *selected = &why->selection;
    bool others = selected->other_count > 0;
    bool derive = selected->others_derive;
    MM_ASSERT(selected->by_type);
    MM_ASSERT(why->object_count == 0);
    mm_lines_start(lines, 0);
    mm_lines_colour(lines, MM_COLOUR_STRONG);
    mm_lines_words(lines, "No");
    // Where another class of that name is alive, only the full name is true.
    mm_lines_piece(lines, others && !derive ? why->type : why->what);
    mm_lines_words(lines, others ? "is alive in this snapshot" : "is alive in this snapshot.");
    mm_lines_colour(lines, MM_COLOUR_NONE);
    if (others) {
        bool one = selected->other_count == 1 && selected->others[0].count == 1;
        mm_lines_tight(lines, ",");
        mm_lines_words(lines, "but");
        types_list(lines, selected->others, selected->other_count, "");
        mm_lines_words(lines, !derive ? (one ? "is." : "are.")
                              : one   ? "is, which derives from it."
                                      : "are, which derive from it.");
    }
    mm_lines_end(lines);
    if (whole && selected->class_what != NULL) {
        mm_lines_start(lines, 0);
        mm_lines_words(lines, "The class");
        mm_lines_piece(lines, why->type);
        mm_lines_words(lines, "itself is there: ask for");
        sentence_end(lines, selected->class_what);
        mm_lines_end(lines);
    }
}
