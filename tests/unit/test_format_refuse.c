// Each thing that a reader must check: a file that is right but for this one thing, and the reason
// that the reader gives.
#include "heap_model.h"
#include "tap.h"

// A case writes one thing that is wrong beside two good objects, ids 0 and 8, of type 0.
typedef void (*bad_part)(mm_writer *writer);

static void varints(mm_writer *writer, mm_stream stream, size_t count, const uint64_t *values) {
    for (size_t i = 0; i < count; i++) {
        mm_writer_varint(writer, stream, values[i]);
    }
}

#define VARINTS(writer, stream, ...)                                                  \
    varints((writer), (stream), sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), \
            (uint64_t[]){__VA_ARGS__})

static void object(mm_writer *writer, uint64_t sparse_id, uint64_t type, unsigned flags) {
    mm_object_record record = {sparse_id, type, 2, 0, 0, (uint8_t)flags};
    mm_writer_object(writer, &record);
}

static void type(mm_writer *writer, const char *name, size_t length, uint64_t base) {
    mm_writer_varint(writer, MM_STREAM_TYPE, 0);
    mm_writer_text(writer, MM_STREAM_TYPE, name, length);
    VARINTS(writer, MM_STREAM_TYPE, 2, 0, 16, 0, base, 0, 0);
}

static void reference(mm_writer *writer, mm_naming naming, uint64_t number, uint64_t target) {
    object(writer, 16, 0, 0);
    mm_writer_reference_extended(writer, naming, 0, number, target);
    mm_writer_object_end(writer);
}

static void nothing(mm_writer *w) {
    (void)w;
}
static void twice(mm_writer *w) {
    object(w, 8, 0, MM_OBJECT_LEAF);
}
static void outside(mm_writer *w) {
    object(w, 1u << MM_SLOT_BITS, 0, MM_OBJECT_LEAF);
}
static void no_type(mm_writer *w) {
    object(w, 16, 1, MM_OBJECT_LEAF);
}
static void odd_flags(mm_writer *w) {
    object(w, 16, 0, MM_OBJECT_LEAF | 128);
}
static void no_end(mm_writer *w) {
    object(w, 16, 0, 0);
}
static void cut_head(mm_writer *w) {
    w->object_count++;
    mm_writer_byte(w, MM_STREAM_OBJS, 2);
}
static void no_target(mm_writer *w) {
    reference(w, MM_NAME_MEMBER, 0, 24);
}
static void far_target(mm_writer *w) {
    reference(w, MM_NAME_MEMBER, 0, UINT64_MAX >> 8);
}
static void no_name(mm_writer *w) {
    reference(w, MM_NAME_NAMED, 0, 8);
}
static void no_key(mm_writer *w) {
    reference(w, MM_NAME_INLINE, 0, 8);
}
static void big_word(mm_writer *w) {
    reference(w, MM_NAME_WORD, MM_NONE, 8);
}
static void big_index(mm_writer *w) {
    reference(w, MM_NAME_INDEX, MM_NONE, 8);
}
static void naming_10(mm_writer *w) {
    reference(w, (mm_naming)10, 0, 8);
}
static void skip_to(mm_writer *w) {
    reference(w, MM_NAME_SKIP, 1, 8);
}
static void skips(mm_writer *w) {
    object(w, 16, 0, 0);
    mm_writer_skip(w, MM_NONE - 1);
    mm_writer_skip(w, 1);
    mm_writer_object_end(w);
}
static void long_number(mm_writer *w) {
    object(w, 16, 0, 0);
    for (unsigned i = 0; i < 11; i++) {
        mm_writer_byte(w, MM_STREAM_OBJS, 0x88);
    }
    mm_writer_object_end(w);
}
static void uncounted(mm_writer *w) {
    w->object_count--;
}
static void overcounted(mm_writer *w) {
    w->object_count++;
}
static void references_over(mm_writer *w) {
    w->reference_count += 3;
}
static void huge_count(mm_writer *w) {
    w->object_count = 1u << 31;
}
static void block_twice(mm_writer *w) {
    mm_writer_varint(w, MM_STREAM_BLKS, 0x7f123);
}
static void block_far(mm_writer *w) {
    mm_writer_varint(w, MM_STREAM_BLKS, (uint64_t)1 << 44);
}
static void block_cut(mm_writer *w) {
    mm_writer_byte(w, MM_STREAM_BLKS, 0x80);
}
static void base_far(mm_writer *w) {
    type(w, "t", 1, 3);
}
static void base_self(mm_writer *w) {
    type(w, "t", 1, 2);
}
static void base_ring(mm_writer *w) {
    type(w, "a", 1, 3);
    type(w, "b", 1, 4);
    type(w, "c", 1, 2);
}
static void text_nul(mm_writer *w) {
    type(w, "a\0b", 3, 0);
}
static void text_overlong(mm_writer *w) {
    type(w, "\xc0\x80", 2, 0);
}
static void text_overlong3(mm_writer *w) {
    type(w, "\xe0\x9f\xbf", 3, 0);
}
static void text_surrogate(mm_writer *w) {
    type(w, "\xed\xa0\x80", 3, 0);
}
static void text_high(mm_writer *w) {
    type(w, "\xf4\x90\x80\x80", 4, 0);
}
static void text_half(mm_writer *w) {
    mm_writer_name(w, "\xe2\x82", 2);
}
static void text_bare(mm_writer *w) {
    mm_writer_meta(w, "k", "\x80");
}
static void text_cut(mm_writer *w) {
    mm_writer_varint(w, MM_STREAM_NAME, 5);
}
static void many_fields(mm_writer *w) {
    mm_writer_varint(w, MM_STREAM_TYPE, 0);
    mm_writer_text(w, MM_STREAM_TYPE, "t", 1);
    VARINTS(w, MM_STREAM_TYPE, 2, 0, 16, 0, 0, MM_NONE - 1);
}
static void many_keys(mm_writer *w) {
    many_fields(w);
    w->streams[MM_STREAM_TYPE].at -= 5;
    VARINTS(w, MM_STREAM_TYPE, 0, MM_NONE - 1, 0);
}
static void key_lost(mm_writer *w) {
    many_fields(w);
    w->streams[MM_STREAM_TYPE].at -= 5;
    VARINTS(w, MM_STREAM_TYPE, 0, 1, 24);
}
static void root_name(mm_writer *w) {
    VARINTS(w, MM_STREAM_ROOT, 1, 0, 0, 1, 0, 8);
}
static void root_frame(mm_writer *w) {
    VARINTS(w, MM_STREAM_ROOT, 5, 0, 0, 0, 1, 8);
}
static void root_object(mm_writer *w) {
    VARINTS(w, MM_STREAM_ROOT, 1, 0, 0, 0, 0, 9);
}
static void root_flags(mm_writer *w) {
    VARINTS(w, MM_STREAM_ROOT, 1, 17, 0, 0, 0, 8);
}
static void root_cut(mm_writer *w) {
    VARINTS(w, MM_STREAM_ROOT, 1);
}
static void frame_thread(mm_writer *w) {
    VARINTS(w, MM_STREAM_THRD, 0, 1, 0);
    VARINTS(w, MM_STREAM_FRAM, 1, 0, 0, 0);
}
static void frame_code(mm_writer *w) {
    VARINTS(w, MM_STREAM_FRAM, 0, 2, 0, 0);
}
static void ephemeron_cut(mm_writer *w) {
    VARINTS(w, MM_STREAM_EPHE, 0, 8);
}
static void census_type(mm_writer *w) {
    VARINTS(w, MM_STREAM_CTYP, 1, 2, 64, 1);
}
static void census_loose(mm_writer *w) {
    VARINTS(w, MM_STREAM_CTYP, 0, 2, 64, 3);
}
static void census_cut(mm_writer *w) {
    VARINTS(w, MM_STREAM_CENS, 32, 2);
}
static void raw_cut(mm_writer *w) {
    VARINTS(w, MM_STREAM_CRAW, 32);
}
static void fact_object(mm_writer *w) {
    VARINTS(w, MM_STREAM_FACT, 3, 1, 1);
}

static const struct {
    const char *name;
    bad_part part;
    const char *why;  // NULL = the file is good
} cases[] = {
    {"nothing wrong", nothing, NULL},
    {"an object twice", twice, "two records for one object"},
    {"an object in no block", outside, "an object outside the blocks"},
    {"a type index", no_type, "a type outside TYPE"},
    {"object flags", odd_flags, "an object with unknown flags"},
    {"a record without its end", no_end, "the last record has no end"},
    {"half a fixed part", cut_head, "the last record is cut off"},
    {"a target without a record", no_target, "a reference to an object without a record"},
    {"a target in no block", far_target, "a reference to an object without a record"},
    {"a name", no_name, "a name outside NAME"},
    {"a shared key", no_key, "an attribute outside the type's shared keys"},
    {"a word", big_word, "a reference's number is out of range"},
    {"an index", big_index, "a reference's number is out of range"},
    {"a naming", naming_10, "a reference with an unknown naming"},
    {"a skip with a target", skip_to, "a skip that refers to something"},
    {"skips that overflow", skips, "an index out of range"},
    {"a number of 77 bits", long_number, "a number of more than 64 bits"},
    {"more objects than counted", uncounted, "more objects than END! says"},
    {"fewer objects than counted", overcounted, "fewer objects than END! says"},
    {"fewer references", references_over, "not as many references as END! says"},
    {"a count beyond the file", huge_count, "END! counts more than the file can hold"},
    {"a block twice", block_twice, "a block has two numbers"},
    {"a block too high", block_far, "a block outside the address space"},
    {"half a block", block_cut, "a block is cut off"},
    {"a base type", base_far, "a base type outside TYPE"},
    {"its own base", base_self, "a type is its own base"},
    {"a ring of bases", base_ring, "a type is its own base"},
    {"NUL", text_nul, "a text is not UTF-8 without NUL"},
    {"overlong, two bytes", text_overlong, "a text is not UTF-8 without NUL"},
    {"overlong, three bytes", text_overlong3, "a text is not UTF-8 without NUL"},
    {"a surrogate", text_surrogate, "a text is not UTF-8 without NUL"},
    {"beyond Unicode", text_high, "a text is not UTF-8 without NUL"},
    {"half a character", text_half, "a text is not UTF-8 without NUL"},
    {"a lone continuation", text_bare, "a text is not UTF-8 without NUL"},
    {"a text cut off", text_cut, "a text is cut off"},
    {"four billion fields", many_fields, "the last record is cut off"},
    {"four billion keys", many_keys, "the last record is cut off"},
    {"a shared key without a record", key_lost, "an object without a record"},
    {"a root's name", root_name, "a name outside NAME"},
    {"a root's frame", root_frame, "a frame outside FRAM"},
    {"a root's object", root_object, "an object without a record"},
    {"a root's flags", root_flags, "flags with unknown bits"},
    {"half a root", root_cut, "the last record is cut off"},
    {"a frame's thread", frame_thread, "a thread outside THRD"},
    {"a frame's code", frame_code, "an object without a record"},
    {"half an ephemeron", ephemeron_cut, "the last record is cut off"},
    {"a census of no type", census_type, "a type outside TYPE"},
    {"more loose blocks than blocks", census_loose, "more blocks than there are"},
    {"half a size class", census_cut, "the last record is cut off"},
    {"half a class of raw blocks", raw_cut, "the last record is cut off"},
    {"a fact's object", fact_object, "an object without a record"},
};

static heap_bytes file_with(bad_part part) {
    heap_bytes out = {0};
    mm_writer *writer = malloc(sizeof *writer);
    if (writer == NULL || mm_writer_begin(writer, heap_bytes_sink(&out)) != MM_OK) {
        abort();
    }
    mm_writer_varint(writer, MM_STREAM_BLKS, 0x7f123);
    type(writer, "object", 6, 0);
    object(writer, 0, 0, MM_OBJECT_LEAF);
    object(writer, 8, 0, 0);
    mm_writer_reference(writer, MM_NAME_INDEX, 0);
    mm_writer_object_end(writer);
    part(writer);
    if (mm_writer_end(writer, MM_OK) != MM_OK) {
        abort();
    }
    free(writer);
    return out;
}

int main(void) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        heap_bytes out = file_with(cases[i].part);
        mm_os_pages pages;
        mm_os_pages_init(&pages);
        mm_arena arena;
        mm_arena_init(&arena, mm_os_pages_view(&pages), 4096);
        mm_file file;
        mm_error err = {.message = "accepted"};
        mm_status status = mm_file_decode(out.bytes, out.count, &arena, &file, &err);
        bool inside = cases[i].why == NULL || (err.offset >= 32 && err.offset <= out.count);
        ok(status == (cases[i].why == NULL ? MM_OK : MM_E_FORMAT) && inside, "%s", cases[i].name);
        is_text(err.message, cases[i].why == NULL ? "accepted" : cases[i].why, "its reason");
        mm_os_pages_deinit(&pages);
        free(out.bytes);
    }
    return done_testing();
}
