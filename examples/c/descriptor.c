// descriptor.c: a table beside your objects that keeps them alive, and one that does not.
//
// Within remembers the grade of each exam. The exams belong to somebody else, who is done with them
// at some time; but a table that counts its keys never is. A mort_keymap does not count its keys:
// when an exam dies, its entry goes with it.
//
//     cc -std=c11 -Iheap examples/c/descriptor.c heap/*.c && ./a.out
#include <stdio.h>
#include <stdlib.h>

#include "mortmain.h"

struct exam {
    mort_object head;  // every object begins with it
};
static const mort_spec exam_spec = {.name = "Exam", .size = sizeof(struct exam)};

// What a map holds are objects, so a number needs a small one around it.
struct grade {
    mort_object head;
    int points;
};
static const mort_spec grade_spec = {.name = "int", .size = sizeof(struct grade)};

// An entry of the first table: both references are counted.
struct entry {
    mort_object head;
    struct exam *exam;
    struct grade *grade;
};
MORT_FIELDS(entry, MORT_STRONG(entry, exam), MORT_STRONG(entry, grade));
static const mort_spec entry_spec = {
    .name = "entry", .size = sizeof(struct entry), .fields = entry_fields};

// Stop where a program of yours would undo what it began, and say so.
static void check(int status) {
    if (status != MORT_OK) {
        fprintf(stderr, "%s\n", mort_strerror(status));
        exit(1);
    }
}

// A new object. The caller owns one reference to it, and gives it back with mort_release().
static void *make(mort_heap *heap, const mort_spec *spec) {
    mort_type *type = NULL;
    check(mort_type_new(&type, heap, spec));
    void *object = mort_new(type);
    check(object == NULL ? MORT_ENOMEM : MORT_OK);
    return object;
}

static struct grade *sixty(mort_heap *heap) {
    struct grade *grade = make(heap, &grade_spec);
    grade->points = 60;
    return grade;
}

static void strong_map(mort_heap *heap) {
    mort_array seen = {0};  // an array may stand in an object or, as here, in a variable
    struct exam *exam = make(heap, &exam_spec);
    struct entry *entry = make(heap, &entry_spec);
    mort_set(&entry->exam, exam);           // counts: now there are two references to the exam
    mort_give(&entry->grade, sixty(heap));  // does not: sixty()'s reference becomes the entry's
    check(mort_array_push(&seen, entry));
    mort_release(entry);  // the array has its own

    mort_release(exam);  // we are done with it; the table is not
    const struct entry *left = mort_array_peek(&seen, 0);
    printf("((<__main__.%s object at %p>, %d),)\n", mort_type_name(mort_type_of(left->exam)),
           (void *)left->exam, left->grade->points);
    printf("%zu entry\n", seen.len);
    mort_array_clear(&seen);  // outside of objects, an array ends by hand
}

static void weak_map(mort_heap *heap) {
    mort_keymap *seen = NULL;
    check(mort_keymap_new(&seen, heap, MORT_EPHEMERON));
    struct exam *exam = make(heap, &exam_spec);
    struct grade *grade = sixty(heap);
    check(mort_keymap_set(seen, exam, grade));  // counts the grade, not the exam
    mort_release(grade);
    const struct grade *found = mort_keymap_peek(seen, exam);  // borrowed: not released
    printf("while it lives: %d\n", found->points);

    mort_release(exam);  // the last reference: exam, entry and grade go before this returns
    mort_cursor start = {0};
    void *key = NULL;
    void *value = NULL;
    if (!mort_keymap_next(seen, &start, &key, &value)) {
        puts("()");
    }
    printf("%zu entries\n", mort_keymap_len(seen));
    mort_release(seen);  // a map is an object too
}

int main(void) {
    mort_heap *heap = NULL;
    check(mort_heap_new(&heap, NULL));
    puts("A table that counts its keys, when nobody else needs the exam:");
    strong_map(heap);
    puts("A table that does not:");
    weak_map(heap);
    return mort_heap_free(heap) != 0;  // 0: nothing was left in our hands
}
