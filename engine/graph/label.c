// Appends never fail: what does not fit is counted and dropped, and the end takes back a character
// that was cut in the middle.
#include "graph/label.h"

#include <string.h>

#include "base/free/bytes.h"

void mm_label_init(mm_label *label, char *out, size_t out_bytes) {
    MM_ASSERT(out != NULL);
    MM_ASSERT(out_bytes > 0);
    label->out = out;
    label->out_bytes = out_bytes;
    label->length = 0;
    out[0] = '\0';
}

void mm_label_bytes(mm_label *label, const char *text, size_t count) {
    size_t room = label->out_bytes - 1;
    if (label->length < room) {
        size_t fits = room - label->length;
        memcpy(label->out + label->length, text, count < fits ? count : fits);
    }
    label->length += count;
}

void mm_label_text(mm_label *label, const char *text) {
    mm_label_bytes(label, text, strlen(text));
}

void mm_label_number(mm_label *label, uint64_t value) {
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    mm_label_bytes(label, digits + at, sizeof(digits) - at);
}

void mm_label_hex(mm_label *label, uint64_t value) {
    char digits[16];
    size_t at = sizeof(digits);
    do {
        digits[--at] = "0123456789abcdef"[value & 15];
        value >>= 4;
    } while (value != 0);
    mm_label_text(label, "0x");
    mm_label_bytes(label, digits + at, sizeof(digits) - at);
}

void mm_label_file(mm_label *label, const char *path) {
    mm_label_text(label, mm_path_base(path));
}

size_t mm_label_end(mm_label *label) {
    size_t end = label->length;
    if (end > label->out_bytes - 1) {
        end = label->out_bytes - 1;
        // Continuation bytes at the cut belong to a character that is not whole.
        while (end > 0 && ((unsigned char)label->out[end - 1] & 0xc0) == 0x80) {
            end--;
        }
        if (end > 0 && ((unsigned char)label->out[end - 1] & 0x80) != 0) {
            end--;
        }
    }
    label->out[end] = '\0';
    return label->length;
}
