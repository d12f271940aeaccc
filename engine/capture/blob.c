// The walker as a blob: one entry, all its words in one block, nothing outside. It can be copied to
// any address of any process and called there on a small stack.
#include "capture/blob.h"

// The door may have put the structures somewhere that this code was not compiled for: it checks
// sizes.
MM_SECTION(".text.mm_blob_entry")
mm_status mm_blob_entry(mm_blob_call *call) {
    if (call->size_bytes != sizeof *call || call->version != MM_BLOB_VERSION) {
        return MM_E_ARGUMENT;
    }
    return mm_capture(call->target, call->pages, call->sink, &call->options, &call->result);
}
