// The walker on a heap that is made for it, object by object: what each kind refers to, with the
// name, the flags and the order of every reference; what is written as text and what is not.
//
// Every test runs for each minor version and for two layouts that have no offset in common.
#include <string.h>

#include "scene.h"

enum { FLAG_HIDDEN = MM_REF_HIDDEN, FLAG_BORROWED = MM_REF_BORROWED };

static void test_sequences(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    uint64_t a = fake_int(&at.heap);
    uint64_t b = fake_str(&at.heap, "b");
    uint64_t list = fake_list(&at.heap, (uint64_t[]){a, 0, 0, b, a}, 5);
    uint64_t nothing = fake_list(&at.heap, (uint64_t[]){0, 0, 0}, 3);
    uint64_t empty = fake_list(&at.heap, NULL, 0);
    uint64_t hole = fake_tuple(&at.heap, (uint64_t[]){0, a}, 2);
    uint64_t pair = fake_track(&at.heap, fake_tuple(&at.heap, (uint64_t[]){hole, list}, 2), 3);
    uint64_t set = fake_set_object(&at.heap, (uint64_t[]){a, 0, b}, 3);
    uint64_t large = fake_set_object(&at.heap, (uint64_t[]){a, b, 0, a, b, a, b, a, b, a}, 10);
    uint64_t self = fake_list(&at.heap, (uint64_t[]){0}, 1);
    fake_put(fake_get(self + fake_at(&at.heap, MM_AT_LIST_ITEMS)), self);
    scene_run(&at);
    EXPECT(&at, list, "list items, empty slots passed over", {0, 0, a}, {0, 3, b}, {0, 4, a});
    EXPECT_NONE(&at, nothing, "a list of empty slots");
    EXPECT_NONE(&at, empty, "an empty list");
    EXPECT(&at, hole, "a tuple that is being filled", {0, 1, a});
    EXPECT(&at, pair, "a tuple of the permanent generation", {0, 0, hole}, {0, 1, list});
    EXPECT(&at, set, "members of a set, the dummy left out", {MM_NAME_MEMBER, 0, a},
           {MM_NAME_MEMBER, 0, b});
    is_u64(dense(&at, large) == MM_NONE ? 0
                                        : at.capture.file.reference_start[dense(&at, large) + 1] -
                                              at.capture.file.reference_start[dense(&at, large)],
           9, "%s: members of a large set", at.label);
    EXPECT(&at, self, "a list in itself", {0, 0, self});
    ok((flags_of(&at, list) & MM_OBJECT_TRACKED) != 0 &&
           (flags_of(&at, hole) & MM_OBJECT_TRACKED) == 0,
       "%s: tracked or not", at.label);
    is_u64(at.capture.result.unreadable_count, 0, "%s: nothing was unreadable", at.label);
    scene_close(&at);
}

static void test_dicts(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    uint64_t secret = fake_str(&at.heap, "hunter2");
    uint64_t number = fake_int(&at.heap);
    uint64_t keys[] = {secret, number, secret};
    uint64_t values[] = {number, 0, secret};
    uint64_t general = fake_dict(&at.heap, FAKE_GENERAL, keys, values, 3);
    uint64_t unicode = fake_dict(&at.heap, FAKE_UNICODE, keys, values, 3);
    uint64_t shared = fake_keys(&at.heap, FAKE_SPLIT, keys, NULL, 3);
    uint64_t split = fake_split_dict(&at.heap, shared, values, 3, false);
    uint64_t inside = fake_split_dict(&at.heap, shared, values, 3, true);
    uint64_t many_keys[400];
    for (size_t i = 0; i < MM_COUNTOF(many_keys); i++) {
        many_keys[i] = number;
    }
    uint64_t many = fake_dict(&at.heap, FAKE_GENERAL, many_keys, many_keys, 400);
    scene_run(&at);
    EXPECT(&at, general, "general dict", {MM_NAME_KEY, 0, secret}, {MM_NAME_VALUE, 0, number},
           {MM_NAME_KEY, 0, secret}, {MM_NAME_VALUE, 0, secret});
    ok((flags_of(&at, general) & MM_OBJECT_HIDDEN_KEYS) == 0, "%s: its keys are visited", at.label);
    EXPECT(&at, unicode, "dict of str keys", {MM_NAME_KEY | FLAG_HIDDEN, 0, secret},
           {MM_NAME_VALUE, 0, number}, {MM_NAME_KEY | FLAG_HIDDEN, 0, secret},
           {MM_NAME_VALUE, 0, secret});
    ok((flags_of(&at, unicode) & MM_OBJECT_HIDDEN_KEYS) != 0, "%s: its keys are hidden", at.label);
    EXPECT(&at, split, "split dict: keys are named, not held",
           {MM_NAME_KEY | FLAG_BORROWED, 0, secret}, {MM_NAME_VALUE, 0, number},
           {MM_NAME_KEY | FLAG_BORROWED, 0, secret}, {MM_NAME_VALUE, 0, secret});
    if (minor >= 13) {
        EXPECT_NONE(&at, inside, "a dict whose values stand in the instance");
    }
    uint32_t object = dense(&at, many);
    is_u64(object == MM_NONE ? 0
                             : at.capture.file.reference_start[object + 1] -
                                   at.capture.file.reference_start[object],
           800, "%s: a dict with indices of two bytes", at.label);
    ok(has_text(&at, secret, NULL), "%s: a data key has no text", at.label);
    ok(memmem(at.capture.bytes, at.capture.count, "hunter2", 7) == NULL,
       "%s: nor is it anywhere in the file", at.label);
    scene_close(&at);
}

static void test_dict_keys_asked_for(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    char text[200];
    memset(text, 'k', sizeof text);
    text[sizeof text - 1] = '\0';
    uint64_t longer = fake_str(&at.heap, text);
    uint64_t key = fake_str(&at.heap, "session");
    uint64_t value = fake_str(&at.heap, "hunter2");
    uint64_t keys[] = {key, longer};
    (void)fake_dict(&at.heap, FAKE_UNICODE, keys, (uint64_t[]){value, value}, 2);
    at.capture.options.keys = true;
    scene_run(&at);
    ok(has_text(&at, key, "session"), "%s: a data key, asked for", at.label);
    memcpy(text + 120, "\xe2\x80\xa6", 4);
    ok(has_text(&at, longer, text), "%s: cut at 120 characters", at.label);
    ok(has_text(&at, value, NULL), "%s: never a value", at.label);
    ok(at.capture.file_status == MM_OK &&
           strcmp(mm_file_meta_of(&at.capture.file, "keys"), "yes") == 0,
       "%s: the file says that it has keys", at.label);
    scene_close(&at);
}

static void test_ordered_dict(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    uint64_t key = fake_str(&at.heap, "k");
    uint64_t value = fake_int(&at.heap);
    uint64_t type = at.heap.types[MM_KIND_ORDERED_DICT];
    uint64_t dict = fake_object(&at.heap, type, 128);
    uint64_t own = fake_dict(&at.heap, FAKE_UNICODE, &key, &value, 1);
    uint64_t node = fake_take(&at.heap, 32);
    fake_set(&at.heap, node, MM_AT_ODICT_NODE_KEY, key);
    fake_set(&at.heap, dict, MM_AT_DICT_USED, 1);
    fake_set(&at.heap, dict, MM_AT_DICT_KEYS, fake_keys(&at.heap, FAKE_UNICODE, &key, &value, 1));
    fake_set(&at.heap, dict, MM_AT_ODICT_FIRST, node);
    fake_set(&at.heap, dict, MM_AT_ODICT_INST_DICT, own);
    fake_track(&at.heap, dict, 0);
    scene_run(&at);
    EXPECT(&at, dict, "OrderedDict: entry, own dict, the key once more",
           {MM_NAME_KEY | FLAG_HIDDEN, 0, key}, {MM_NAME_VALUE, 0, value},
           {MM_NAME_WORD, word_of(&at, MM_AT_ODICT_INST_DICT), own}, {MM_NAME_KEY, 0, key});
    scene_close(&at);
}

static void test_instances(unsigned minor, bool odd) {
    static const char *const slots[] = {"left", "right"};
    static const char *const more[] = {"third"};
    static const char *const attributes[] = {"alpha", "beta", "gamma"};
    scene at;
    scene_open(&at, minor, odd);
    uint64_t object = at.heap.types[MM_KIND_OBJECT];
    uint64_t base = fake_class(&at.heap, "Base", object, slots, 2, NULL, 0);
    uint64_t type = fake_class(&at.heap, "Exam", base, more, 1, attributes, 3);
    uint64_t a = fake_int(&at.heap);
    uint64_t b = fake_str(&at.heap, "value");
    uint64_t slotted = fake_instance(&at.heap, base);
    fake_put(slotted + 16, a);
    fake_put(slotted + 24, b);
    uint64_t full = fake_instance(&at.heap, type);
    fake_put(full + 24, a);
    fake_put(full + 32, b);
    fake_attributes(&at.heap, full, (uint64_t[]){b, 0, a}, 3);
    uint64_t bare = fake_instance(&at.heap, type);
    uint64_t dict = fake_dict(&at.heap, FAKE_UNICODE, &b, &a, 1);
    if (minor >= 13) {
        uint64_t values = bare + 40;
        fake_put8(values + fake_at(&at.heap, MM_AT_VALUES_VALID), 0);
    }
    fake_attribute_dict(&at.heap, bare, dict);
    scene_run(&at);
    EXPECT(&at, slotted, "slots", {MM_NAME_WORD, 2, a}, {MM_NAME_WORD, 3, b});
    EXPECT(&at, full, "slots of class and base, then attributes", {MM_NAME_WORD, 4, b},
           {MM_NAME_WORD, 3, a}, {MM_NAME_INLINE, 0, b}, {MM_NAME_INLINE, 2, a});
    const mm_file *file = &at.capture.file;
    uint32_t bare_id = dense(&at, bare);
    uint32_t first = bare_id == MM_NONE ? 0 : file->reference_start[bare_id];
    ok(bare_id != MM_NONE && file->reference_start[bare_id + 1] == first + 1 &&
           file->reference_naming[first] == MM_NAME_NAMED &&
           file->address[file->reference_target[first]] == dict &&
           strcmp(file->names[file->reference_argument[first]], "__dict__") == 0,
       "%s: an instance with a dict of its own", at.label);
    ok(has_text(&at, b, "value"), "%s: keys of an instance dict are names", at.label);
    uint32_t info = dense(&at, full) == MM_NONE ? 0 : file->type[dense(&at, full)];
    ok(file->types[info].key_count == 3 && strcmp(file->types[info].name, "Exam") == 0 &&
           strcmp(mm_file_text_of(file, file->keys[file->types[info].key_start + 2]), "gamma") == 0,
       "%s: shared keys stand in the type with their texts", at.label);
    ok((file->types[info].flags & (MM_TYPE_CLASS | MM_TYPE_HEAP | MM_TYPE_HAS_DICT)) ==
           (MM_TYPE_CLASS | MM_TYPE_HEAP | MM_TYPE_HAS_DICT),
       "%s: flags of the type", at.label);
    ok(mm_file_storage_of(file, dense(&at, full)) >= 24, "%s: attribute storage is counted",
       at.label);
    scene_close(&at);
}

static void test_hidden_dict_beside_values(unsigned minor, bool odd) {
    static const char *const attributes[] = {"alpha"};
    scene at;
    scene_open(&at, minor, odd);
    uint64_t type =
        fake_class(&at.heap, "Exam", at.heap.types[MM_KIND_OBJECT], NULL, 0, attributes, 1);
    uint64_t a = fake_int(&at.heap);
    uint64_t instance = fake_instance(&at.heap, type);
    fake_attributes(&at.heap, instance, &a, 1);
    uint64_t keys = fake_get(type + fake_at(&at.heap, MM_AT_HEAPTYPE_CACHED_KEYS));
    uint64_t dict = fake_split_dict(&at.heap, keys, &a, 1, true);
    if (minor == 13) {
        fake_attribute_dict(&at.heap, instance, dict);
    }
    scene_run(&at);
    if (minor == 13) {
        uint32_t object = dense(&at, instance);
        const mm_file *file = &at.capture.file;
        uint32_t first = object == MM_NONE ? 0 : file->reference_start[object];
        ok(object != MM_NONE && file->reference_start[object + 1] == first + 2 &&
               file->reference_naming[first] == MM_NAME_INLINE &&
               file->reference_naming[first + 1] == (MM_NAME_NAMED | MM_REF_HIDDEN),
           "%s: a materialised dict beside values is hidden", at.label);
    } else {
        EXPECT(&at, instance, "one attribute", {MM_NAME_INLINE, 0, a});
    }
    scene_close(&at);
}

static void test_functions(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    fake_heap *heap = &at.heap;
    uint64_t name = fake_str(heap, "within");
    uint64_t global = fake_str(heap, "TABLE");
    uint64_t value = fake_str(heap, "hunter2");
    uint64_t globals = fake_dict(heap, FAKE_UNICODE, &global, &value, 1);
    uint64_t code = fake_code(heap, "within", 7, NULL, 0, 0);
    uint64_t cell = fake_object(heap, heap->types[MM_KIND_CELL], 64);
    fake_put(cell + body_word(&at) * 8u, value);
    uint64_t closure = fake_tuple(heap, &cell, 1);
    uint64_t function = fake_object(heap, heap->types[MM_KIND_FUNCTION], 128);
    fake_set(heap, function, MM_AT_FUNCTION_CODE, code);
    fake_set(heap, function, MM_AT_FUNCTION_GLOBALS, globals);
    fake_set(heap, function, MM_AT_FUNCTION_NAME, name);
    fake_set(heap, function, MM_AT_FUNCTION_CLOSURE, closure);
    fake_track(heap, function, 0);
    uint64_t weak = fake_object(heap, heap->types[MM_KIND_WEAKREF], 64);
    fake_set(heap, weak, MM_AT_WEAKREF_OBJECT, function);
    fake_track(heap, weak, 0);
    uint64_t method = fake_object(heap, heap->types[MM_KIND_METHOD], 64);
    fake_put(method + body_word(&at) * 8u, function);
    fake_put(method + body_word(&at) * 8u + 8, 3);  // a small number is no object
    fake_track(heap, method, 0);
    scene_run(&at);
    EXPECT(&at, function, "function, in the order of the field table",
           {MM_NAME_WORD, word_of(&at, MM_AT_FUNCTION_CODE), code},
           {MM_NAME_WORD, word_of(&at, MM_AT_FUNCTION_GLOBALS), globals},
           {MM_NAME_WORD, word_of(&at, MM_AT_FUNCTION_NAME), name},
           {MM_NAME_WORD, word_of(&at, MM_AT_FUNCTION_CLOSURE), closure});
    EXPECT(&at, cell, "cell", {MM_NAME_WORD, body_word(&at), value});
    EXPECT(&at, weak, "weak reference",
           {MM_NAME_WORD | MM_REF_WEAK, word_of(&at, MM_AT_WEAKREF_OBJECT), function});
    EXPECT(&at, method, "bound method", {MM_NAME_WORD, body_word(&at), function});
    ok(has_text(&at, name, "within") && has_text(&at, global, "TABLE"),
       "%s: names of functions and globals are text", at.label);
    ok(has_text(&at, value, NULL), "%s: values are not", at.label);
    is_u64(fact(&at, code, MM_FACT_FIRST_LINE), 7, "%s: first line", at.label);
    is_u64(fact(&at, code, MM_FACT_ARGUMENTS), 1, "%s: arguments", at.label);
    scene_close(&at);
}

static void test_modules_and_classes(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    fake_heap *heap = &at.heap;
    uint64_t keys[] = {fake_str(heap, "__file__"), fake_str(heap, "token"),
                       fake_str(heap, "_seen")};
    uint64_t file_name = fake_str(heap, "/srv/shop.py");
    uint64_t secret = fake_str(heap, "hunter2");
    uint64_t data = fake_dict(heap, FAKE_UNICODE, &secret, &secret, 1);
    uint64_t dict = fake_dict(heap, FAKE_UNICODE, keys, (uint64_t[]){file_name, secret, data}, 3);
    uint64_t name = fake_str(heap, "shop");
    uint64_t module = fake_object(heap, heap->types[MM_KIND_MODULE], 64);
    fake_set(heap, module, MM_AT_MODULE_DICT, dict);
    fake_set(heap, module, MM_AT_MODULE_NAME, name);
    fake_track(heap, module, 0);
    uint64_t type = fake_class(heap, "Exam", heap->types[MM_KIND_OBJECT], NULL, 0, NULL, 0);
    uint64_t member = fake_str(heap, "members");
    uint64_t module_key = fake_str(heap, "__module__");
    uint64_t own = fake_str(heap, "mortmain.cli");
    uint64_t namespace =
        fake_dict(heap, FAKE_UNICODE, (uint64_t[]){member, module_key}, (uint64_t[]){data, own}, 2);
    fake_set(heap, type, MM_AT_TYPE_DICT, namespace);
    fake_instance(heap, type);
    scene_run(&at);
    EXPECT(&at, module, "module", {MM_NAME_WORD, word_of(&at, MM_AT_MODULE_DICT), dict},
           {MM_NAME_WORD | FLAG_HIDDEN, word_of(&at, MM_AT_MODULE_NAME), name});
    uint64_t qualified = fake_get(type + fake_at(heap, MM_AT_HEAPTYPE_QUALNAME));
    EXPECT(&at, type, "class", {MM_NAME_WORD, word_of(&at, MM_AT_TYPE_DICT), namespace},
           {MM_NAME_WORD, word_of(&at, MM_AT_TYPE_BASE), heap->types[MM_KIND_OBJECT]},
           {MM_NAME_WORD | FLAG_HIDDEN, word_of(&at, MM_AT_HEAPTYPE_QUALNAME), qualified});
    EXPECT(
        &at, heap->types[MM_KIND_DICT], "a static type: all hidden",
        {MM_NAME_WORD | FLAG_HIDDEN, word_of(&at, MM_AT_TYPE_BASE), heap->types[MM_KIND_OBJECT]});
    ok(has_text(&at, keys[1], "token") && has_text(&at, member, "members") &&
           has_text(&at, qualified, "Exam") && has_text(&at, file_name, "/srv/shop.py"),
       "%s: namespaces and their file are text", at.label);
    ok(memmem(at.capture.bytes, at.capture.count, "hunter2", 7) == NULL,
       "%s: no value and no data key is in the file", at.label);
    uint32_t number = MM_NONE;
    for (uint32_t i = 0; i < at.capture.file.type_count; i++) {
        number = strcmp(at.capture.file.types[i].name, "Exam") == 0 ? i : number;
    }
    ok(number != MM_NONE && (at.capture.file.types[number].flags & MM_TYPE_OWN) != 0,
       "%s: mortmain's own class is marked", at.label);
    uint32_t builtin = dense(&at, heap->types[MM_KIND_DICT]);
    ok(builtin != MM_NONE && mm_file_size_of(&at.capture.file, builtin) ==
                                 fake_at(heap, MM_AT_TYPE_SIZEOF) + (minor >= 13 ? 0u : 16u),
       "%s: size of a static type, from 3.13 on without a collector's header", at.label);
    scene_close(&at);
}

static void test_static_dicts(unsigned minor, bool odd) {
    scene at;
    scene_open(&at, minor, odd);
    fake_heap *heap = &at.heap;
    uint64_t key = fake_str(heap, "append");
    uint64_t value = fake_int(heap);
    uint64_t dict = fake_dict(heap, FAKE_UNICODE, &key, &value, 1);
    uint64_t weak = fake_dict(heap, FAKE_GENERAL, &value, &value, 1);
    heap->static_dict = (mm_static_dict){heap->types[MM_KIND_LIST], dict, weak, 0, 0};
    fake_list(heap, NULL, 0);
    scene_run(&at);
    EXPECT(&at, heap->types[MM_KIND_LIST], "what a static type owns in the interpreter",
           {MM_NAME_WORD | FLAG_HIDDEN, word_of(&at, MM_AT_TYPE_BASE), heap->types[MM_KIND_OBJECT]},
           {MM_NAME_WORD | FLAG_HIDDEN, word_of(&at, MM_AT_TYPE_DICT), dict},
           {MM_NAME_WORD | FLAG_HIDDEN, word_of(&at, MM_AT_TYPE_SUBCLASSES), weak});
    ok(has_text(&at, key, "append"), "%s: its dict is a namespace", at.label);
    scene_close(&at);
}

// Texts -----------------------------------------------------------------------------------------

static uint64_t named(fake_heap *heap, uint64_t name) {
    uint64_t function = fake_object(heap, heap->types[MM_KIND_FUNCTION], 128);
    fake_set(heap, function, MM_AT_FUNCTION_NAME, name);
    fake_track(heap, function, 0);
    return name;
}

static void test_texts(unsigned minor, bool odd) {
    static const uint32_t latin[] = {'n', 0xe4, 'h'};
    static const uint32_t bmp[] = {0x3b1, 0x20ac, 'x', 0xd800, 0xdfff, 0, 0xffff};
    static const uint32_t wide[] = {0x1f600, 0x10ffff, 'y', 0x110000};
    static const uint32_t nul[] = {'a', 0, 'b'};
    scene at;
    scene_open(&at, minor, odd);
    fake_heap *heap = &at.heap;
    uint64_t one = named(heap, fake_str_wide(heap, 1, true, latin, 3));
    uint64_t two = named(heap, fake_str_wide(heap, 2, true, bmp, 7));
    uint64_t four = named(heap, fake_str_wide(heap, 4, true, wide, 4));
    uint64_t apart = named(heap, fake_str_wide(heap, 4, false, wide, 3));
    uint64_t ascii = named(heap, fake_str_wide(heap, 1, true, nul, 3));
    uint64_t empty = named(heap, fake_str(heap, ""));
    uint32_t many[1001];
    char expected[1004];
    for (size_t i = 0; i < 1001; i++) {
        many[i] = 'z';
        expected[i] = 'z';
    }
    expected[1000] = '\0';
    uint64_t exact = named(heap, fake_str_wide(heap, 2, true, many, 1000));
    uint64_t longer = named(heap, fake_str_wide(heap, 4, true, many, 1001));
    uint64_t broken = named(heap, fake_str_wide(heap, 1, true, latin, 3));
    fake_put32(broken + fake_at(heap, MM_AT_STR_STATE), 3u << fake_at(heap, MM_AT_STR_KIND_BIT));
    uint64_t endless = named(heap, fake_str(heap, "endless"));
    fake_set(heap, endless, MM_AT_STR_LENGTH, UINT64_MAX / 2);
    uint64_t asked = fake_str(heap, "asked for");
    uint64_t holder = fake_list(heap, &asked, 1);
    at.capture.options.extra_text = asked;
    scene_run(&at);
    ok(has_text(&at, one, "n\xc3\xa4h"), "%s: one byte a character", at.label);
    ok(has_text(&at, two, "\xce\xb1\xe2\x82\xacx???\xef\xbf\xbf"),
       "%s: two bytes, halves of pairs and NUL become ?", at.label);
    ok(has_text(&at, four, "\xf0\x9f\x98\x80\xf4\x8f\xbf\xbfy?"), "%s: four bytes", at.label);
    ok(has_text(&at, apart, "\xf0\x9f\x98\x80\xf4\x8f\xbf\xbfy"), "%s: characters elsewhere",
       at.label);
    ok(has_text(&at, ascii, "a?b"), "%s: NUL in ASCII", at.label);
    ok(has_text(&at, empty, ""), "%s: an empty name", at.label);
    ok(has_text(&at, exact, expected), "%s: 1000 characters are kept", at.label);
    memcpy(expected + 1000, "\xe2\x80\xa6", 4);
    ok(has_text(&at, longer, expected), "%s: 1001 are cut", at.label);
    ok(has_text(&at, broken, NULL) && has_text(&at, endless, NULL),
       "%s: a str that makes no sense has no text", at.label);
    ok(has_text(&at, asked, "asked for") && dense(&at, holder) != MM_NONE,
       "%s: the one text that was asked for", at.label);
    scene_close(&at);
}

int main(void) {
    static const layout_test tests[] = {
        test_sequences,           test_dicts,
        test_dict_keys_asked_for, test_ordered_dict,
        test_instances,           test_hidden_dict_beside_values,
        test_functions,           test_modules_and_classes,
        test_static_dicts,        test_texts,
    };
    each_version(tests, MM_COUNTOF(tests));
    return done_testing();
}
