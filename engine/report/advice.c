// Advice goes by the status alone, so that it is right whatever the message says.
#include "report/advice.h"

#include <errno.h>

const char *mm_advice_text(mm_status code, int sys_errno) {
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
        case MM_E_IO:
            return sys_errno == ENOSPC || sys_errno == EFBIG || sys_errno == EDQUOT
                       ? "make room or choose another place"
                       : NULL;
        default:
            return NULL;
    }
}
