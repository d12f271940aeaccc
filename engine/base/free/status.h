// How every fallible function of the engine answers.
#ifndef MM_BASE_FREE_STATUS_H
#define MM_BASE_FREE_STATUS_H

#include "base/free/attr.h"

/// What became of a call. Zero is success, every failure is negative.
typedef enum mm_status {
    MM_OK = 0,
    MM_E_NOMEM = -1,         ///< memory could not be had
    MM_E_IO = -2,            ///< the system refused to open, read or write; `sys_errno` says why
    MM_E_FORMAT = -3,        ///< a file is not what it claims; `offset` says where
    MM_E_LIMIT = -4,         ///< more of something than this build can count
    MM_E_NOT_FOUND = -5,     ///< what was asked for is not there
    MM_E_BUSY = -6,          ///< the heap is inside a collection and cannot be read now
    MM_E_UNSUPPORTED = -7,   ///< this runtime or system is not one we can read
    MM_E_TARGET = -8,        ///< the target's memory contradicts itself
    MM_E_ARGUMENT = -9,      ///< the caller asked for something that cannot be
    MM_E_INTERRUPTED = -10,  ///< the work was stopped from outside
    MM_E_EXISTS = -11,       ///< the output exists already and may not be overwritten
} mm_status;

/// A failure in full. The message is a constant string, never freed. Unused numbers are zero.
typedef struct mm_error {
    mm_status code;
    const char *message;  ///< what is wrong, lower case, no full stop
    uint64_t offset;      ///< byte of the file, address, or id that the message speaks of
    int sys_errno;        ///< errno of the system call, if one failed
} mm_error;

/// Return type of a fallible function: the compiler insists that it is looked at.
#define MM_STATUS MM_MUST_USE mm_status

/// Propagate a failure to the caller.
#define MM_TRY(expr)                      \
    do {                                  \
        mm_status mm_try_status = (expr); \
        if (mm_try_status != MM_OK) {     \
            return mm_try_status;         \
        }                                 \
    } while (0)

/// Fill `err` (which may be NULL) and answer `code`.
static inline mm_status mm_fail(mm_error *err, mm_status code, const char *message,
                                uint64_t offset) {
    if (err != NULL) {
        err->code = code;
        err->message = message;
        err->offset = offset;
        err->sys_errno = 0;
    }
    return code;
}

/// As mm_fail(MM_E_IO), with the errno of the system call that failed.
static inline mm_status mm_fail_io(mm_error *err, const char *message, int sys_errno) {
    mm_status code = mm_fail(err, MM_E_IO, message, 0);
    if (err != NULL) {
        err->sys_errno = sys_errno;
    }
    return code;
}

/// What to do about a failure, for the end of its line, or NULL where nothing can be advised: one
/// wording for every front. A constant string.
static inline const char *mm_status_advice(mm_status code) {
    switch (code) {
        case MM_E_FORMAT:
            return "the file is damaged or was cut off: take the snapshot again";
        case MM_E_NOMEM:
            return "free some memory and try again";
        case MM_E_BUSY:
            return "call again when the collection is over, not from a gc callback or from a "
                   "finalizer that the collector runs";
        case MM_E_NOT_FOUND:
            return "give an address, a type such as shop.Exam, or a name such as shop:cache[0]";
        case MM_E_EXISTS:
            return "choose another name, or replace it with force";
        default:
            return NULL;
    }
}

#endif
