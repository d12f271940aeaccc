// Each step stands on a line of its own: the reference that leads to an object, then the object.
// References move to the right as the chain goes down; objects share a column as far as there is
// room for it.
//
//      module shop
//        .Within    class
//          ._seen   dict, 10,000 entries
//     ──>    [key]  Exam             this reference
#include "report/steps.h"

#include <string.h>

#include "base/free/bytes.h"

// STEP_REST: how much further in a name goes on that no line can hold.
enum { ARROW_COLUMN = 5, STEP_REST = 4 };

const char *mm_steps_piece_end(mm_text *piece, mm_lines *lines) {
    const char *text = "";
    size_t count = 0;
    if (mm_text_end(piece, &text, &count, NULL) != MM_OK) {
        lines->out->failed = true;
    }
    return text;
}

void mm_steps_number(mm_lines *lines, uint64_t number, const char *after) {
    mm_text piece;
    mm_text_init(&piece, lines->out->arena);
    mm_text_number(&piece, number);
    mm_text_put(&piece, after);
    mm_lines_piece(lines, mm_steps_piece_end(&piece, lines));
}

// What an object is, after the name that led to it: ".Within" -> "class", not "class Within".
static const char *object_short(const mm_step *before, const mm_step *step) {
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

static const char *object_words(mm_lines *lines, const mm_step *before, const mm_step *step) {
    static const char *const words[][2] = {
        [MM_STEP_ENTRIES] = {" entry", " entries"},
        [MM_STEP_ITEMS] = {" item", " items"},
        [MM_STEP_MEMBERS] = {" member", " members"},
    };
    mm_text piece;
    mm_text_init(&piece, lines->out->arena);
    mm_text_put(&piece, object_short(before, step));
    if (step->entries != UINT64_MAX) {
        mm_text_put(&piece, ", ");
        mm_text_number(&piece, step->entries);
        mm_text_put(&piece, words[step->unit][step->entries != 1]);
    }
    return mm_steps_piece_end(&piece, lines);
}

static const char *edge_words(const char *edge) {
    return edge[0] == ' ' ? edge + 1 : edge;
}

// Column of step `i`'s edge: two more for each step, as long as half the line is left for names.
static size_t step_indent(const mm_lines *lines, uint32_t i) {
    size_t indent = MM_STEPS_INDENT + 2 * (size_t)i;
    size_t most = lines->width / 4;
    return indent < most ? indent : most;
}

static size_t object_column(const mm_lines *lines, const mm_step *steps, uint32_t step_count) {
    size_t column = 0;
    for (uint32_t i = 1; i < step_count; i++) {
        const char *edge = edge_words(steps[i - 1].edge);
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

// Beside the step when there is room, else below it.
static void note_print_beside(mm_lines *lines, const char *words) {
    size_t column = lines->column + 3;
    size_t columns = mm_text_columns(words, strlen(words));
    bool beside = column + columns <= lines->width;
    bool fits = columns + MM_STEPS_INDENT < lines->width;
    if (!beside) {
        mm_lines_end(lines);
        mm_lines_start(lines, fits ? lines->width - columns : (size_t)MM_STEPS_INDENT);
    }
    mm_lines_column(lines, beside ? column : 0);
    mm_lines_colour(lines, MM_COLOUR_FAINT);
    if (beside || fits) {
        mm_lines_tight(lines, words);
    } else {
        mm_lines_words(lines, words);
    }
    mm_lines_colour(lines, MM_COLOUR_NONE);
}

static void step_print(mm_lines *lines, const mm_step *steps, uint32_t i, size_t objects_at) {
    const mm_step *step = &steps[i];
    const mm_step *before = i > 0 ? &steps[i - 1] : NULL;
    size_t indent = step_indent(lines, i);
    bool guilty = before != NULL && before->guilty;
    mm_lines_start(lines, 0);
    lines->indent = indent + STEP_REST;
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
    if (guilty && before->note != NULL) {
        note_print_beside(lines, before->note);
    }
    mm_lines_end(lines);
    if (step->edge != NULL && strcmp(step->edge, "...") == 0) {
        mm_lines_start(lines, indent);
        mm_steps_number(lines, step->left_out, " more steps like these");
        mm_lines_end(lines);
    }
}

void mm_steps_print(mm_lines *lines, const mm_step *steps, uint32_t step_count) {
    size_t objects_at = object_column(lines, steps, step_count);
    for (uint32_t i = 0; i < step_count; i++) {
        MM_ASSERT(steps[i].object != NULL);
        MM_ASSERT(steps[i].edge != NULL || i + 1 == step_count);
        step_print(lines, steps, i, objects_at);
    }
}
