// base/free: the vocabulary everything else is written in.
//
// Knows: the C language and the compiler. Nothing here calls the system, allocates, or keeps state,
// so that all of it can be compiled freestanding and run inside a stranger's process.
// Must not know: files, processes, Python, or any other room.
#ifndef MM_BASE_FREE_ATTR_H
#define MM_BASE_FREE_ATTR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) || defined(__clang__)
/// The caller must look at the result.
#define MM_MUST_USE __attribute__((warn_unused_result))
/// The branch is rare.
#define MM_UNLIKELY(cond) __builtin_expect(!!(cond), 0)
/// The branch is the common one.
#define MM_LIKELY(cond) __builtin_expect(!!(cond), 1)
/// printf-like checking of argument `fmt` against those from `first`.
#define MM_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
/// Visible to other shared objects.
#define MM_EXPORT __attribute__((visibility("default")))
/// Put a function into a section of its own.
#define MM_SECTION(name) __attribute__((section(name)))
/// A type for memory that somebody else wrote: any alignment, any effective type.
#define MM_FOREIGN_MEMORY __attribute__((aligned(1), may_alias))
/// Bring a cache line near before it is needed. The empty statement is seen as an effect: without
/// it compilers leave out calls of a function that does nothing but this.
#define MM_PREFETCH(address)                               \
    do {                                                   \
        __builtin_prefetch((const void *)(address), 0, 3); \
        __asm__ volatile("");                              \
    } while (false)
#else
#define MM_MUST_USE
#define MM_UNLIKELY(cond) (cond)
#define MM_LIKELY(cond) (cond)
#define MM_PRINTF(fmt, first)
#define MM_EXPORT
#define MM_SECTION(name)
#define MM_FOREIGN_MEMORY
#define MM_PREFETCH(address) ((void)(address))
#endif

/// Elements of a fixed array.
#define MM_COUNTOF(array) (sizeof(array) / sizeof((array)[0]))

// In the hosted build a broken invariant aborts. The freestanding build has nobody to abort: there
// an operating check returns a status instead, and assertions vanish.
#if defined(MM_FREESTANDING) || defined(NDEBUG)
#define MM_ASSERT(cond) ((void)0)
#else
#include <assert.h>
#define MM_ASSERT(cond) assert(cond)
#endif

/// A number that was not measured. Reports write it as null, never as 0.
#define MM_UNKNOWN UINT64_MAX

#endif
