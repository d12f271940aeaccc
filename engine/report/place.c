// A holder is made on some line and used on others: both are told, the line itself where a front
// has found it, and a class by its name where only the lines of its methods are known.
#include "report/place.h"

#include <string.h>

#include "base/free/bytes.h"
#include "report/steps.h"

static const char *place_piece(mm_lines *lines, const char *file, uint32_t line,
                               const char *after) {
    mm_text piece;
    mm_text_init(&piece, lines->out->arena);
    mm_text_put(&piece, mm_path_base(file));
    if (line != 0) {
        mm_text_put(&piece, ":");
        mm_text_digits(&piece, line);
    }
    mm_text_put(&piece, after);
    return mm_steps_piece_end(&piece, lines);
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
    mm_lines_piece(lines, mm_steps_piece_end(&piece, lines));
}

// "shop.py:5": the very line, in a file that is called as the reader knows it.
static void place_of_source(mm_lines *lines, const mm_why_source *source, bool has_users) {
    mm_text piece;
    mm_text_init(&piece, lines->out->arena);
    mm_text_put(&piece, source->file);
    mm_text_put(&piece, ":");
    mm_text_digits(&piece, source->line);
    mm_text_put(&piece, has_users ? "," : ":");
    mm_lines_piece(lines, mm_steps_piece_end(&piece, lines));
}

static void users_print(mm_lines *lines, const mm_why_chain *chain, const char *end) {
    for (uint32_t i = 0; i < chain->user_count; i++) {
        const mm_why_user *user = &chain->users[i];
        mm_text place;
        mm_lines_words(lines, i == 0 && chain->file != NULL ? "used in" : "");
        mm_lines_piece(lines, user->name);
        mm_text_init(&place, lines->out->arena);
        mm_text_put(&place, "(");
        mm_text_put(&place, place_piece(lines, user->file, user->line, ")"));
        mm_text_put(&place, i + 1 < chain->user_count ? "," : end);
        mm_lines_piece(lines, mm_steps_piece_end(&place, lines));
    }
}

// Is the line of another file than the holder, such as of who fills one of the library's? Then it
// is not used where the holder is.
static bool is_elsewhere(const mm_why_chain *chain, const mm_why_source *source) {
    return source != NULL && chain->file != NULL &&
           strcmp(mm_path_base(source->file), mm_path_base(chain->file)) != 0;
}

void mm_place_print(mm_lines *lines, const mm_why_chain *chain, const mm_why_source *source) {
    if (chain->file == NULL && chain->user_count == 0 && source == NULL) {
        return;
    }
    mm_lines_start(lines, MM_STEPS_INDENT);
    bool has_users = chain->user_count > 0 && !is_elsewhere(chain, source);
    mm_lines_words(lines, "Look at");
    if (source != NULL) {
        place_of_source(lines, source, has_users);
    } else if (chain->file != NULL) {
        place_of_chain(lines, chain);
    }
    if (has_users) {
        users_print(lines, chain, source != NULL ? ":" : ".");
    }
    mm_lines_end(lines);
    if (source != NULL) {
        mm_lines_end(lines);
        mm_lines_start(lines, MM_STEPS_INDENT + MM_PLACE_SOURCE_INDENT);
        mm_lines_tight(lines, source->text);
        mm_lines_end(lines);
    }
}

void mm_place_line_print(mm_lines *lines, const char *file, uint32_t line) {
    MM_ASSERT(file != NULL);
    mm_lines_start(lines, MM_STEPS_INDENT);
    mm_lines_words(lines, "Look at");
    mm_lines_piece(lines, place_piece(lines, file, line, "."));
    mm_lines_end(lines);
}
