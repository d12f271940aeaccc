// TAP for C tests, the protocol that meson reads: https://testanything.org.
//
//     int main(void) {
//         ok(1 + 1 == 2, "addition");
//         is_u64(mm_popcount(7), 3, "popcount of %d", 7);
//         return done_testing();
//     }
//
// One test program, one thread, one .c file: the counters are its own.
#ifndef MM_TESTS_TAP_H
#define MM_TESTS_TAP_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned tap_count;
static unsigned tap_failed_count;

__attribute__((format(printf, 4, 5), unused)) static bool tap_result(bool passed, const char *file,
                                                                     int line, const char *name,
                                                                     ...) {
    va_list arguments;
    va_start(arguments, name);
    tap_count++;
    tap_failed_count += !passed;
    printf("%sok %u - ", passed ? "" : "not ", tap_count);
    vprintf(name, arguments);
    printf("\n");
    va_end(arguments);
    if (!passed) {
        printf("# failed at %s:%d\n", file, line);
    }
    fflush(stdout);  // a crash later must not swallow what was found
    return passed;
}

/// A remark in the output, for whoever reads a failure.
#define diag(...) (printf("# " __VA_ARGS__), printf("\n"), (void)fflush(stdout))

/// One test: a condition and a printf-like name. Answers the condition.
#define ok(condition, ...) tap_result((condition), __FILE__, __LINE__, __VA_ARGS__)

/// Two unsigned numbers are equal; both are shown when they are not.
#define is_u64(got, expected, ...)                                             \
    do {                                                                       \
        uint64_t tap_got = (got);                                              \
        uint64_t tap_expected = (expected);                                    \
        if (!ok(tap_got == tap_expected, __VA_ARGS__)) {                       \
            diag("got %" PRIu64 ", expected %" PRIu64, tap_got, tap_expected); \
        }                                                                      \
    } while (0)

/// Two strings are equal; both are shown when they are not.
#define is_text(got, expected, ...)                                     \
    do {                                                                \
        const char *tap_got = (got);                                    \
        const char *tap_expected = (expected);                          \
        if (!ok(strcmp(tap_got, tap_expected) == 0, __VA_ARGS__)) {     \
            diag("got \"%s\", expected \"%s\"", tap_got, tap_expected); \
        }                                                               \
    } while (0)

/// The plan, last. Answers main()'s status.
static inline int done_testing(void) {
    printf("1..%u\n", tap_count);
    return tap_failed_count == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
