// Comparing what is rendered with golden files. MM_GOLDEN_WRITE=1 in the environment writes them
// instead.
#ifndef MM_TESTS_GOLDEN_H
#define MM_TESTS_GOLDEN_H

#include "mm.h"
#include "tap.h"

/// Is the text what stands in a golden file of that folder?
static bool golden_same(const char *folder, const char *name, const char *text) {
    char path[512];
    snprintf(path, sizeof(path), "%s/%s/%s", MM_GOLDEN, folder, name);
    if (getenv("MM_GOLDEN_WRITE") != NULL) {
        FILE *out = fopen(path, "w");
        if (out != NULL) {
            fputs(text, out);
            fclose(out);
        }
    }
    FILE *in = fopen(path, "r");
    if (in == NULL) {
        return false;
    }
    size_t room = strlen(text) + 2;
    char *have = calloc(room, 1);
    size_t count = fread(have, 1, room - 1, in);
    bool same = count == strlen(text) && memcmp(have, text, count) == 0;
    free(have);
    fclose(in);
    return same;
}

/// Is no line wider, and does none end in a blank?
static bool lines_fit(const char *text, size_t width) {
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        if (mm_text_columns(text, length) > width || (length > 0 && text[length - 1] == ' ')) {
            diag("too wide or ends in a blank: %.*s", (int)length, text);
            return false;
        }
        text += length + (text[length] == '\n');
    }
    return true;
}

#endif
