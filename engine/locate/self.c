// This process, read as if it were a stranger.
#include "locate/locate.h"

static mm_status self_read(void *context, uint64_t address, void *to, size_t count) {
    (void)context;
    return mm_os_peek_self(address, to, count);
}

mm_status mm_reader_self(mm_arena *arena, mm_reader *ret, mm_error *err) {
    mm_mapping *mappings = NULL;
    size_t count = 0;
    MM_TRY(mm_os_maps_read(0, arena, &mappings, &count, err));
    *ret = (mm_reader){.read = self_read, .mappings = mappings, .mapping_count = count};
    return MM_OK;
}
