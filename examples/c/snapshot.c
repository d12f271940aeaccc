// snapshot.c: ask who holds an object, long after the program could have told.
//
// Within remembers every exam that it ever graded. The exams are not needed any more, and yet there
// they are. A snapshot has every object with its count and its named references, and mortmain's
// commands read it as they read one of Python:
//
//     ./snapshot exams.mort
//     mortmain report --types exams.mort
//     mortmain why exams.mort Exam
//
// mort_snapshot() is a library of its own: docs/heap.md says how to link it.
#include <stdio.h>
#include <stdlib.h>

#include "mortmain.h"
#include "mortmain_snapshot.h"

enum { EXAMS = 1000 };

struct exam {
    mort_object head;
    char answers[1024];
};
static const mort_spec exam_spec = {.name = "Exam", .size = sizeof(struct exam)};

struct grade {
    mort_object head;
    struct exam *exam;
    int points;
};
MORT_FIELDS(grade, MORT_STRONG(grade, exam));
static const mort_spec grade_spec = {
    .name = "Grade", .size = sizeof(struct grade), .fields = grade_fields};

struct within {
    mort_object head;
    mort_array seen;
};
MORT_FIELDS(within, MORT_ARRAY(within, seen));
static const mort_spec within_spec = {
    .name = "Within", .size = sizeof(struct within), .fields = within_fields};

static void check(int status) {
    if (status != MORT_OK) {
        fprintf(stderr, "%s\n", mort_snapshot_strerror(status));
        exit(1);
    }
}

static void *make(mort_type *type) {
    void *object = mort_new(type);
    check(object == NULL ? MORT_ENOMEM : MORT_OK);
    return object;
}

int main(int argc, char **argv) {
    const char *path = argc > 1 ? argv[1] : "exams.mort";
    mort_heap *heap = NULL;
    mort_type *exam_type = NULL;
    mort_type *grade_type = NULL;
    mort_type *within_type = NULL;
    check(mort_heap_new(&heap, NULL));
    check(mort_type_new(&exam_type, heap, &exam_spec));
    check(mort_type_new(&grade_type, heap, &grade_spec));
    check(mort_type_new(&within_type, heap, &within_spec));

    struct within *within = make(within_type);
    for (int i = 0; i < EXAMS; i++) {
        struct exam *exam = make(exam_type);
        struct grade *grade = make(grade_type);
        grade->points = i % 101;
        mort_give(&grade->exam, exam);  // our references become those of grade and within
        check(mort_array_push(&within->seen, grade));
        mort_release(grade);
    }
    printf("%d exams are graded, none is needed any more, and %zu objects are alive.\n", EXAMS,
           mort_len(heap));
    check(mort_snapshot(heap, path));
    mort_release(within);
    printf("Without Within: %zu.\n", mort_len(heap));
    return mort_heap_free(heap) != 0;
}
