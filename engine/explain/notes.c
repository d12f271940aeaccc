// Notes: what a snapshot says beside its findings, a sentence each.
#include <string.h>

#include "explain/explain.h"

// The parts of META `unraisable`: "3 Exam.__del__ shop.py:12 ValueError". None but the place has a
// space in it.
typedef struct note_unraisable {
    uint64_t count;
    const char *name;
    size_t name_length;
    const char *place;  // file and line, the folders left out
    size_t place_length;
    const char *exception;
} note_unraisable;

// False for a text of another shape: a file may come from anywhere.
static bool unraisable_parse(const char *text, note_unraisable *ret) {
    const char *at = text;
    ret->count = 0;
    for (; *at >= '0' && *at <= '9' && at - text < 18; at++) {
        ret->count = ret->count * 10 + (uint64_t)(*at - '0');
    }
    const char *last = strrchr(text, ' ');
    if (ret->count == 0 || *at != ' ') {
        return false;
    }
    ret->name = at + 1;
    ret->name_length = strcspn(ret->name, " ");
    const char *place = ret->name + ret->name_length;
    if (ret->name_length == 0 || place >= last || last[1] == '\0') {
        return false;
    }
    place++;
    for (const char *letter = place; letter < last; letter++) {
        place = *letter == '/' ? letter + 1 : place;
    }
    ret->place = place;
    ret->place_length = (size_t)(last - place);
    ret->exception = last + 1;
    return true;
}

static void span_put(mm_phrase *phrase, const char *text, size_t length) {
    char copy[256];
    size_t cut = length < sizeof(copy) - 1 ? length : sizeof(copy) - 1;
    // No character is cut in two.
    while (cut > 0 && cut < length && ((unsigned char)text[cut] & 0xc0u) == 0x80u) {
        cut--;
    }
    memcpy(copy, text, cut);
    copy[cut] = '\0';
    mm_phrase_text(phrase, copy);
}

static const char *unraisable_note(const mm_explain *work, const note_unraisable *parts) {
    mm_phrase phrase = {.used = 0};
    span_put(&phrase, parts->name, parts->name_length);
    mm_phrase_text(&phrase, " raised ");
    span_put(&phrase, parts->exception, strlen(parts->exception));
    if (parts->count == 1) {
        mm_phrase_text(&phrase, " once, at ");
    } else {
        mm_phrase_text(&phrase, " ");
        mm_phrase_number(&phrase, parts->count);
        mm_phrase_text(&phrase, " times, first at ");
    }
    span_put(&phrase, parts->place, parts->place_length);
    mm_phrase_text(&phrase, ": what it was to clean up was not.");
    return mm_phrase_keep(&phrase, work->arena);
}

static const char *garbage_note(const mm_explain *work, uint64_t count) {
    mm_phrase phrase = {.used = 0};
    mm_phrase_text(&phrase, "gc.garbage keeps ");
    mm_phrase_number(&phrase, count);
    mm_phrase_text(&phrase, count == 1 ? " object" : " objects");
    mm_phrase_text(&phrase,
                   " that the collector found: gc.set_debug(gc.DEBUG_SAVEALL), which "
                   "gc.DEBUG_LEAK contains, makes it put them there.");
    return mm_phrase_keep(&phrase, work->arena);
}

MM_STATUS mm_explain_notes(const mm_explain *work, mm_findings *ret) {
    const mm_file *file = work->file;
    uint64_t garbage = 0;
    ret->notes = MM_ARENA_NEW(work->arena, const char *, (size_t)file->meta_count + 1);
    if (ret->notes == NULL) {
        return MM_E_NOMEM;
    }
    if (work->garbage_list != MM_NONE &&
        mm_graph_entries(work->graph, work->garbage_list, &garbage) && garbage != 0) {
        ret->notes[ret->note_count++] = garbage_note(work, garbage);
    }
    for (uint32_t i = 0; i < file->meta_count; i++) {
        note_unraisable parts;
        if (strcmp(file->meta[i].key, "unraisable") == 0 &&
            unraisable_parse(file->meta[i].value, &parts)) {
            ret->notes[ret->note_count++] = unraisable_note(work, &parts);
        }
    }
    for (uint32_t i = 0; i < ret->note_count; i++) {
        if (ret->notes[i] == NULL) {
            return MM_E_NOMEM;
        }
    }
    return MM_OK;
}
