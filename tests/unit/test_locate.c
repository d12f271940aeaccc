// Locating where there is no Python. What it finds where there is one is compared in tests/py.
#include "base/os/pages.h"
#include "locate/layouts.h"
#include "locate/locate.h"
#include "tap.h"

static void test_no_python(void) {
    mm_os_pages pages;
    mm_arena arena;
    mm_reader reader;
    mm_target *target = NULL;
    mm_locate_report report;
    mm_error error = {0};
    mm_os_pages_init(&pages);
    mm_arena_init(&arena, mm_os_pages_view(&pages), 1 << 20);
    ok(mm_reader_self(&arena, &reader, &error) == MM_OK, "this process can be read");
    ok(reader.mapping_count > 5, "it has mappings");
    ok(mm_locate(&reader, NULL, &arena, &target, &report, &error) == MM_E_NOT_FOUND, "no Python");
    ok(target == NULL && error.code == MM_E_NOT_FOUND && error.message != NULL, "and it says so");
    reader.mapping_count = 0;
    ok(mm_locate(&reader, NULL, &arena, &target, &report, &error) == MM_E_NOT_FOUND, "no memory");
    mm_os_pages_deinit(&pages);
}

static bool rows_rise(mm_words words) {
    for (size_t i = 1; i < words.count; ++i) {
        if (words.rows[i - 1].offset >= words.rows[i].offset) {
            return false;
        }
    }
    return true;
}

/// What the code takes for granted about generated tables.
static void test_table(const mm_version_table *table) {
    static const enum mm_at needed[] = {
        MM_AT_OB_REFCNT,   MM_AT_OB_TYPE,       MM_AT_TYPE_TRAVERSE,   MM_AT_DICT_KEYS,
        MM_AT_TUPLE_ITEMS, MM_AT_FUNCTION_CODE, MM_AT_CODE_NAME,       MM_AT_IFRAME_LOCALSPLUS,
        MM_AT_STR_STATE,   MM_AT_GEN_IFRAME,    MM_AT_THREAD_NATIVE_ID};
    unsigned minor = table->minor;
    for (size_t i = 0; i < MM_COUNTOF(needed); ++i) {
        ok(table->at[needed[i]] != MM_AT_NONE, "3.%u has offset %d", minor, (int)needed[i]);
    }
    ok((table->at[MM_AT_THREAD_CFRAME] == MM_AT_NONE) !=
           (table->at[MM_AT_THREAD_CURRENT_FRAME] == MM_AT_NONE),
       "3.%u has one way to the current frame", minor);
    bool grouped = true;
    uint32_t gone = 0;
    for (size_t i = 1; i < table->field_count; ++i) {
        if (table->fields[i].kind != table->fields[i - 1].kind) {
            gone |= (uint32_t)1 << table->fields[i - 1].kind;
        }
        grouped = grouped && (gone >> table->fields[i].kind & 1) == 0;
    }
    ok(grouped, "3.%u: fields are grouped by kind", minor);
    ok(rows_rise(table->interpreter) && rows_rise(table->thread) && rows_rise(table->runtime),
       "3.%u: state words rise", minor);
    ok(table->place[MM_PLACE_ATEXIT_ARGS] == table->place[MM_PLACE_ATEXIT_FUNC] + 8,
       "3.%u: atexit's words are in the order of the places", minor);
}

int main(void) {
    test_no_python();
    test_table(&mm_table_3_11);
    test_table(&mm_table_3_12);
    test_table(&mm_table_3_13);
    return done_testing();
}
