// What the programs of bench/heap share: a clock, a row of output, the same random numbers.
//
// Each program is one way to manage objects, and prints a line `case nanoseconds` for every case
// that it has. Times are CPU time of the process for each object; `bytes` are resident bytes.
#ifndef BENCH_HEAP_MEASURE_H
#define BENCH_HEAP_MEASURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/// Rounds in which a random graph grows old, and how much of it is replaced in each.
enum { AGING_ROUNDS = 3, AGING_PART = 2 };

static inline double now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/// Resident bytes of the process.
static inline double resident_bytes(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%*s %ld", &pages) != 1) {
        exit(3);
    }
    (void)fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static inline void row(const char *name, double nanoseconds, double count) {
    printf("%s %.3f\n", name, nanoseconds / count);
}

/// The same numbers in every program, bench/heap/python.py included.
static inline uint32_t random_below(uint32_t *state, uint32_t limit) {
    *state = *state * 1103515245u + 12345u;
    return (*state >> 8) % limit;
}

static inline size_t count_of(int count, char **arguments) {
    size_t objects = count > 1 ? strtoul(arguments[1], NULL, 10) : 0;
    if (objects < 1000) {
        fprintf(stderr, "usage: %s OBJECTS (1000 or more)\n", arguments[0]);
        exit(2);
    }
    return objects;
}

static inline void *need(void *memory) {
    if (memory == NULL) {
        fprintf(stderr, "no memory\n");
        exit(3);
    }
    return memory;
}

/// Keep the compiler from taking a loop away.
static inline void keep(const void *pointer) {
    __asm__ volatile("" : : "r"(pointer) : "memory");
}

#endif
