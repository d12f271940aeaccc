// Reading the target. A page that cannot be read as a whole is not cached: the bytes asked for may
// still be readable, at the end of a mapping that is no multiple of our page.
#include <string.h>

#include "base/free/bytes.h"
#include "base/free/search.h"
#include "locate/locator.h"

static const uint8_t *peek_page(mm_locator *locator, uint64_t page) {
    mm_peek_cache *cache = locator->cache;
    size_t slot = (size_t)((page / PEEK_PAGE_BYTES) % PEEK_PAGES);
    if (cache->page[slot] != (page | 1)) {
        cache->page[slot] = 0;
        if (locator->reader->read(locator->reader->context, page, cache->bytes[slot],
                                  PEEK_PAGE_BYTES) != MM_OK) {
            return NULL;
        }
        cache->page[slot] = page | 1;
    }
    MM_ASSERT(page % PEEK_PAGE_BYTES == 0);
    MM_ASSERT(slot < PEEK_PAGES);
    return cache->bytes[slot];
}

/// Is `address` inside a mapping? Wild words are answered here, without a system call.
static bool peek_mapped(const mm_locator *locator, uint64_t address) {
    const mm_mapping *mappings = locator->reader->mappings;
    size_t count = locator->reader->mapping_count;
    // The first that ends behind the address.
    size_t at = address == UINT64_MAX || count == 0
                    ? count
                    : mm_lower_bound_u64(&mappings->end, sizeof *mappings, count, address + 1);
    return at < count && mappings[at].start <= address;
}

bool mm_peek_bytes(mm_locator *locator, uint64_t address, void *to, size_t count) {
    uint8_t *at = to;
    if (address > UINT64_MAX - count) {
        return false;
    }
    while (count > 0) {
        uint64_t page = address & ~(uint64_t)(PEEK_PAGE_BYTES - 1);
        size_t skip = (size_t)(address - page);
        size_t take = PEEK_PAGE_BYTES - skip < count ? PEEK_PAGE_BYTES - skip : count;
        if (!peek_mapped(locator, address)) {
            return false;
        }
        const uint8_t *bytes = peek_page(locator, page);
        if (bytes == NULL) {
            return false;
        }
        memcpy(at, bytes + skip, take);
        at += take;
        address += take;
        count -= take;
    }
    return true;
}

uint64_t mm_peek_word(mm_locator *locator, uint64_t address) {
    uint64_t word = 0;
    return mm_peek_bytes(locator, address, &word, sizeof word) ? word : 0;
}

uint32_t mm_peek_int(mm_locator *locator, uint64_t address) {
    uint32_t word = 0;
    return mm_peek_bytes(locator, address, &word, sizeof word) ? word : 0;
}

bool mm_peek_text(mm_locator *locator, uint64_t address, char *to, size_t room) {
    MM_ASSERT(room > 0);
    for (size_t i = 0; i < room; ++i) {
        if (!mm_peek_bytes(locator, address + i, &to[i], 1)) {
            return false;
        }
        if (to[i] == '\0') {
            return true;
        }
    }
    return false;
}

uint32_t mm_locator_text(mm_locator *locator, const char *text) {
    MM_ASSERT(locator->text_bytes > 0);
    size_t count = strlen(text) + 1;
    if (count == 1 || count > TEXT_BYTES_MAX - locator->text_bytes) {
        return 0;
    }
    size_t at = locator->text_bytes;
    memcpy(locator->text + at, text, count);
    locator->text_bytes += count;
    return (uint32_t)at;
}
