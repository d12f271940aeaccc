// The one entry of the walker's freestanding build.
#ifndef MM_CAPTURE_BLOB_H
#define MM_CAPTURE_BLOB_H

#include "capture/capture.h"

#define MM_BLOB_VERSION 1u

/// Everything a call needs. The function pointers in it are addresses of the process that it runs
/// in.
typedef struct mm_blob_call {
    uint32_t size_bytes;  ///< sizeof(mm_blob_call), so that an old blob refuses a new caller
    uint32_t version;     ///< MM_BLOB_VERSION
    const mm_target *target;
    mm_pages pages;
    mm_sink sink;
    mm_capture_options options;
    mm_capture_result result;
} mm_blob_call;

/// Run mm_capture() with what `call` says. Answers MM_E_ARGUMENT for a call of another version.
/// COST of stack: under 64 KiB.
mm_status mm_blob_entry(mm_blob_call *call);

#endif
