// Strings are escaped as JSON asks for; bytes that are no UTF-8 cannot come from a file that was
// read.
#include "report/json.h"

#include <string.h>

void mm_json_init(mm_json *json, mm_text *out) {
    MM_ASSERT(out != NULL);
    json->out = out;
    json->depth = 0;
    json->filled[0] = false;
}

// One unit of UTF-16, which is what JSON escapes are.
static void escape_put_unit(mm_text *out, uint32_t unit) {
    static const char hex[] = "0123456789abcdef";
    const char escape[6] = {
        '\\', 'u', hex[unit >> 12], hex[unit >> 8 & 15], hex[unit >> 4 & 15], hex[unit & 15]};
    MM_ASSERT(unit <= 0xffff);
    mm_text_bytes(out, escape, sizeof(escape));
}

static void string_put(mm_text *out, const char *value) {
    size_t count = strlen(value);
    mm_text_put(out, "\"");
    for (size_t at = 0; at < count;) {
        uint32_t code = 0;
        size_t length = mm_text_glyph(value + at, count - at, &code);
        MM_ASSERT(length > 0);
        if (code == '"' || code == '\\') {
            mm_text_put(out, "\\");
            mm_text_bytes(out, value + at, 1);
        } else if (mm_text_is_control(code) && code > 0xffff) {
            escape_put_unit(out, 0xd800 + (code - 0x10000) / 0x400);
            escape_put_unit(out, 0xdc00 + code % 0x400);
        } else if (mm_text_is_control(code)) {
            escape_put_unit(out, code);
        } else {
            mm_text_bytes(out, value + at, length);
        }
        at += length;
    }
    mm_text_put(out, "\"");
}

static void member_start(mm_json *json, const char *key) {
    if (json->filled[json->depth]) {
        mm_text_put(json->out, ",");
    }
    json->filled[json->depth] = true;
    if (json->depth > 0) {
        mm_text_put(json->out, "\n");
        mm_text_fill(json->out, ' ', 2 * (size_t)json->depth);
    }
    if (key != NULL) {
        string_put(json->out, key);
        mm_text_put(json->out, ": ");
    }
}

static void nest(mm_json *json, const char *key, const char *bracket) {
    member_start(json, key);
    mm_text_put(json->out, bracket);
    MM_ASSERT(json->depth + 1 < MM_JSON_DEPTH_MAX);
    json->depth++;
    json->filled[json->depth] = false;
}

void mm_json_object(mm_json *json, const char *key) {
    nest(json, key, "{");
}

void mm_json_array(mm_json *json, const char *key) {
    nest(json, key, "[");
}

void mm_json_close(mm_json *json, char bracket) {
    MM_ASSERT(json->depth > 0);
    bool filled = json->filled[json->depth];
    json->depth--;
    if (filled) {
        mm_text_put(json->out, "\n");
        mm_text_fill(json->out, ' ', 2 * (size_t)json->depth);
    }
    mm_text_bytes(json->out, &bracket, 1);
    if (json->depth == 0) {
        mm_text_put(json->out, "\n");
    }
}

void mm_json_text(mm_json *json, const char *key, const char *value) {
    member_start(json, key);
    if (value != NULL) {
        string_put(json->out, value);
    } else {
        mm_text_put(json->out, "null");
    }
}

void mm_json_number(mm_json *json, const char *key, uint64_t value) {
    member_start(json, key);
    mm_text_digits(json->out, value);
}

void mm_json_number_known(mm_json *json, const char *key, uint64_t value, bool known) {
    if (known) {
        mm_json_number(json, key, value);
    } else {
        mm_json_text(json, key, NULL);
    }
}

void mm_json_bool(mm_json *json, const char *key, bool value) {
    member_start(json, key);
    mm_text_put(json->out, value ? "true" : "false");
}
