// Files in memory. An image is told by the ELF header at the start of its first mapping; its extent
// comes from its program headers, so that .bss, which the maps show as nameless memory, is told
// from the heap behind it. The image that defines _PyRuntime is the interpreter: an executable, or
// a libpython that an executable, an embedder or nobody in particular has loaded.
#include <string.h>

#include "locate/locator.h"

static mm_status image_read(void *context, uint64_t address, void *to, size_t count) {
    return mm_peek_bytes(context, address, to, count) ? MM_OK : MM_E_TARGET;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static bool is_python_name(const char *path) {
    const char *name = base_name(path);
    return strncmp(name, "python", 6) == 0 || strncmp(name, "libpython", 9) == 0;
}

/// Does this image define the runtime? Then remember it.
static bool image_take_python(mm_locator *locator, mm_elf elf) {
    mm_elf_symbol symbols[] = {{.name = "_PyRuntime"}, {.name = "Py_Version"}};
    if (mm_elf_find(&elf, symbols, MM_COUNTOF(symbols)) != MM_OK || symbols[0].address == 0) {
        return false;
    }
    uint32_t version = symbols[1].address == 0 ? 0 : mm_peek_int(locator, symbols[1].address);
    if (version >> 24 != 3) {
        return false;
    }
    locator->python = elf;
    locator->version_hex = version;
    locator->runtime = symbols[0].address;
    locator->runtime_bytes = symbols[0].size_bytes;
    return true;
}

static mm_status images_collect(mm_locator *locator) {
    const mm_reader *reader = locator->reader;
    mm_elf_read memory = {image_read, locator};
    for (size_t i = 0; i < reader->mapping_count; ++i) {
        const mm_mapping *mapping = &reader->mappings[i];
        mm_elf elf;
        if (mapping->file[0] == '\0' || mapping->file_offset != 0 ||
            mm_elf_open(memory, mapping->start, &elf) != MM_OK) {
            continue;
        }
        if (locator->image_count == IMAGES_MAX) {
            return mm_fail(locator->err, MM_E_LIMIT, "too many files are mapped", IMAGES_MAX);
        }
        mm_image *image = &locator->images[locator->image_count];
        if (locator->image_count > 0 && image[-1].end > elf.start) {
            continue;  // a second look at a file inside an image
        }
        image->start = elf.start;
        image->end = elf.end;
        image->flags = MM_REGION_EXTENSION;
        ++locator->image_count;
        if (locator->runtime == 0 && is_python_name(mapping->file)) {
            (void)image_take_python(locator, elf);
        }
    }
    return MM_OK;
}

/// Look into the images whose names promise nothing.
static void images_search(mm_locator *locator) {
    mm_elf_read memory = {image_read, locator};
    for (size_t i = 0; i < locator->image_count && locator->runtime == 0; ++i) {
        mm_elf elf;
        if (mm_elf_open(memory, locator->images[i].start, &elf) == MM_OK) {
            (void)image_take_python(locator, elf);
        }
    }
}

static void region_add(mm_locator *locator, uint64_t start, uint64_t end, uint32_t flags) {
    if (start >= end) {
        return;
    }
    mm_region *last = &locator->regions[locator->region_count];
    if (locator->region_count > 0 && last[-1].end == start && last[-1].flags == flags) {
        last[-1].end = end;
        return;
    }
    MM_ASSERT(locator->region_count == 0 || last[-1].end <= start);
    last->start = start;
    last->end = end;
    last->flags = flags;
    ++locator->region_count;
}

/// Every mapping, cut where an image ends inside it.
static mm_status regions_build(mm_locator *locator) {
    const mm_reader *reader = locator->reader;
    size_t room = reader->mapping_count + 2 * locator->image_count + 1;
    locator->regions = MM_ARENA_NEW(locator->arena, mm_region, room);
    if (locator->regions == NULL) {
        return mm_fail(locator->err, MM_E_NOMEM, "no memory for the list of regions", room);
    }
    size_t next = 0;
    for (size_t i = 0; i < reader->mapping_count; ++i) {
        const mm_mapping *mapping = &reader->mappings[i];
        uint64_t at = mapping->start;
        uint32_t plain = mapping->flags | (mapping->file[0] != '\0' ? (uint32_t)MM_REGION_FILE : 0);
        while (next < locator->image_count && locator->images[next].end <= at) {
            ++next;
        }
        for (size_t j = next; j < locator->image_count && locator->images[j].start < mapping->end;
             ++j) {
            const mm_image *image = &locator->images[j];
            uint64_t from = image->start > at ? image->start : at;
            uint64_t to = image->end < mapping->end ? image->end : mapping->end;
            region_add(locator, at, from, plain);
            region_add(locator, from, to, mapping->flags | image->flags);
            at = to;
        }
        region_add(locator, at, mapping->end, plain);
    }
    return MM_OK;
}

mm_status mm_locate_images(mm_locator *locator) {
    MM_ASSERT(locator->image_count == 0);
    MM_ASSERT(locator->runtime == 0);
    locator->images = MM_ARENA_NEW(locator->arena, mm_image, IMAGES_MAX);
    if (locator->images == NULL) {
        return mm_fail(locator->err, MM_E_NOMEM, "no memory for the list of files", IMAGES_MAX);
    }
    MM_TRY(images_collect(locator));
    images_search(locator);
    if (locator->runtime == 0) {
        return mm_fail(locator->err, MM_E_NOT_FOUND, "no CPython 3.11 or later is loaded there", 0);
    }
    for (size_t i = 0; i < locator->image_count; ++i) {
        if (locator->images[i].start == locator->python.start) {
            locator->images[i].flags = MM_REGION_PYTHON;
        }
    }
    return regions_build(locator);
}
