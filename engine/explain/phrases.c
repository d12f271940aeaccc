// Words and numbers as findings say them.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "explain/explain.h"

void mm_phrase_text(mm_phrase *phrase, const char *text) {
    size_t room = sizeof(phrase->text) - 1 - phrase->used;
    size_t length = strlen(text);
    length = length < room ? length : room;
    // No character is cut in two.
    while (length > 0 && length == room && ((unsigned char)text[length] & 0xc0u) == 0x80u) {
        length--;
    }
    memcpy(phrase->text + phrase->used, text, length);
    phrase->used += length;
    phrase->text[phrase->used] = '\0';
}

void mm_phrase_number(mm_phrase *phrase, uint64_t number) {
    char digits[24];
    char out[32];
    int count = snprintf(digits, sizeof(digits), "%" PRIu64, number);
    size_t used = 0;
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            out[used++] = ',';
        }
        out[used++] = digits[i];
    }
    out[used] = '\0';
    mm_phrase_text(phrase, out);
}

void mm_phrase_bytes(mm_phrase *phrase, uint64_t bytes) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    char out[32];
    size_t unit = 0;
    double value = (double)bytes;
    while (value >= 1023.95 && unit + 1 < MM_COUNTOF(units)) {
        value /= 1024;
        unit++;
    }
    (void)snprintf(out, sizeof(out), unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    mm_phrase_text(phrase, out);
}

const char *mm_phrase_keep(const mm_phrase *phrase, mm_arena *arena) {
    return mm_why_text_keep(arena, phrase->text);
}

void mm_explain_edge_text(const mm_graph *graph, uint32_t edge, char *out, size_t out_bytes) {
    (void)mm_graph_edge_text(graph, edge, out, out_bytes);
    if (out[0] == '[' && strcmp(out, "[key]") != 0 && out_bytes > 3) {
        memcpy(out, "[*]", 4);
    }
}

void mm_explain_holder_text(const mm_graph *graph, uint32_t node, char *out, size_t out_bytes,
                            bool *ret_inside) {
    uint32_t at = node;
    bool inside = false;
    for (uint32_t steps = 0; steps < 4; steps++) {
        // The one strong reference to it, if there is but one.
        uint32_t holder = MM_NONE;
        uint32_t count = 0;
        for (uint32_t i = graph->reverse_start[at]; i < graph->reverse_start[at + 1]; i++) {
            uint32_t edge = graph->reverse_edge[i];
            bool field = mm_file_naming(graph->file, edge) == MM_NAME_WORD ||
                         mm_file_naming(graph->file, edge) == MM_NAME_NAMED;
            if (mm_graph_edge_owns(graph, edge)) {
                holder = field ? graph->reverse_source[i] : MM_NONE;
                count++;
            }
        }
        if (count != 1 || holder == MM_NONE || mm_graph_kind(graph, holder) != MM_KIND_FOREIGN ||
            (graph->file->types[graph->file->type[holder]].flags & MM_TYPE_CLASS) != 0) {
            break;
        }
        at = holder;
        inside = true;
    }
    (void)mm_graph_holder_text(graph, at, true, out, out_bytes);
    if (ret_inside != NULL) {
        *ret_inside = inside;
    }
}

void mm_explain_reference_text(const mm_graph *graph, uint32_t source, uint32_t edge,
                               mm_phrase *phrase) {
    static const char main_name[] = "__main__.";
    char step[256];
    char who[256];
    uint32_t owner = source;
    for (uint32_t i = 0; i < 4 && mm_graph_owner(graph, owner, NULL) != MM_NONE; i++) {
        owner = mm_graph_owner(graph, owner, NULL);
    }
    mm_explain_edge_text(graph, edge, step, sizeof(step));
    mm_explain_holder_text(graph, owner, who, sizeof(who), NULL);
    bool plain = strchr(".[ +", step[0]) != NULL;
    if (plain && step[0] == '.' && strcmp(who, "__main__") == 0) {
        mm_phrase_text(phrase, step + 1);
        return;
    }
    mm_phrase_text(phrase, plain ? who : step);
    mm_phrase_text(phrase, plain ? step : " of ");
    mm_phrase_text(phrase, plain ? "" : strncmp(who, main_name, 9) == 0 ? who + 9 : who);
}

uint64_t mm_explain_hash(uint64_t hash, const char *text) {
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    }
    // A separator: "ab", "c" is not "a", "bc".
    return (hash ^ 0xffu) * 0x100000001b3u;
}
