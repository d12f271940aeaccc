// The loader itself finds symbols by PT_DYNAMIC, DT_GNU_HASH (or DT_HASH), DT_SYMTAB and DT_STRTAB,
// so all of them are mapped in every dynamic image, stripped or not. Most loaders overwrite the
// addresses in the dynamic section with absolute ones; some leave them relative: what lies below
// the image is relative.
//
//     bloom filter ──▶ bucket of the hash ──▶ chain of hashes, last one odd ──▶ symbol
//
// Everything read is hostile until checked: counts are bounded, and every loop by a count.
#include "base/os/elf.h"

#include <elf.h>

#include "base/free/bytes.h"

enum { PROGRAM_HEADERS_MAX = 64, DYNAMIC_MAX = 256, CHAIN_MAX = 1 << 16, SYMBOL_BYTES_MAX = 64 };

static mm_status elf_read(const mm_elf *elf, uint64_t address, void *to, size_t count) {
    return elf->memory.read(elf->memory.context, address, to, count);
}

static mm_status elf_segments(mm_elf *elf, const Elf64_Ehdr *header) {
    Elf64_Phdr segments[PROGRAM_HEADERS_MAX];
    size_t count = header->e_phnum;
    if (count == 0 || count > PROGRAM_HEADERS_MAX || header->e_phentsize != sizeof(Elf64_Phdr)) {
        return MM_E_NOT_FOUND;
    }
    MM_TRY(elf_read(elf, elf->start + header->e_phoff, segments, count * sizeof segments[0]));
    uint64_t low = UINT64_MAX;
    uint64_t high = 0;
    uint64_t zeroed = 0;
    uint64_t dynamic = 0;
    for (size_t i = 0; i < count; ++i) {
        const Elf64_Phdr *segment = &segments[i];
        if (segment->p_type == PT_LOAD && segment->p_memsz < UINT64_MAX - segment->p_vaddr) {
            low = segment->p_vaddr < low ? segment->p_vaddr : low;
            uint64_t end = segment->p_vaddr + segment->p_memsz;
            if (end > high) {
                high = end;
                zeroed = segment->p_vaddr + segment->p_filesz;
            }
        } else if (segment->p_type == PT_DYNAMIC) {
            dynamic = segment->p_vaddr;
        }
    }
    if (low >= high || zeroed > high) {
        return MM_E_NOT_FOUND;
    }
    low &= ~(uint64_t)4095;
    elf->bias = elf->start - low;
    elf->end = elf->bias + high;
    elf->zeroed = elf->bias + zeroed;
    elf->dynamic = dynamic == 0 ? 0 : elf->bias + dynamic;
    return MM_OK;
}

mm_status mm_elf_open(mm_elf_read memory, uint64_t address, mm_elf *ret) {
    mm_elf elf = {.memory = memory, .start = address};
    Elf64_Ehdr header;
    if (elf_read(&elf, address, &header, sizeof header) != MM_OK ||
        !mm_same(header.e_ident, ELFMAG, SELFMAG) || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_ident[EI_DATA] != ELFDATA2LSB) {
        return MM_E_NOT_FOUND;
    }
    MM_TRY(elf_segments(&elf, &header));
    *ret = elf;
    return MM_OK;
}

static mm_status elf_dynamic(mm_elf *elf) {
    if (elf->dynamic == 0) {
        return MM_E_NOT_FOUND;
    }
    for (size_t i = 0; i < DYNAMIC_MAX; ++i) {
        Elf64_Dyn entry;
        MM_TRY(elf_read(elf, elf->dynamic + i * sizeof entry, &entry, sizeof entry));
        uint64_t address = entry.d_un.d_ptr;
        address += address < elf->start ? elf->bias : 0;
        switch (entry.d_tag) {
            case DT_NULL:
                return elf->symbols != 0 && elf->strings != 0 ? MM_OK : MM_E_NOT_FOUND;
            case DT_SYMTAB:
                elf->symbols = address;
                break;
            case DT_STRTAB:
                elf->strings = address;
                break;
            case DT_STRSZ:
                elf->strings_bytes = entry.d_un.d_val;
                break;
            case DT_GNU_HASH:
                elf->gnu_hash = address;
                break;
            case DT_HASH:
                elf->hash = address;
                break;
            default:
                break;
        }
    }
    return MM_E_NOT_FOUND;
}

/// Is symbol `index` a definition of `wanted`? Then fill it.
static bool elf_symbol_is(const mm_elf *elf, uint64_t index, mm_elf_symbol *wanted) {
    Elf64_Sym symbol;
    char name[SYMBOL_BYTES_MAX];
    if (elf_read(elf, elf->symbols + index * sizeof symbol, &symbol, sizeof symbol) != MM_OK ||
        symbol.st_shndx == SHN_UNDEF || symbol.st_value == 0) {
        return false;
    }
    size_t length = mm_text_length(wanted->name, SYMBOL_BYTES_MAX);
    MM_ASSERT(length < SYMBOL_BYTES_MAX);
    if (symbol.st_name >= elf->strings_bytes ||
        elf_read(elf, elf->strings + symbol.st_name, name, length + 1) != MM_OK ||
        !mm_same(name, wanted->name, length + 1)) {
        return false;
    }
    wanted->address = elf->bias + symbol.st_value;
    wanted->size_bytes = symbol.st_size;
    return true;
}

static uint32_t gnu_hash_of(const char *name) {
    uint32_t hash = 5381;
    for (; *name != '\0'; ++name) {
        hash = hash * 33 + (uint8_t)*name;
    }
    return hash;
}

static void gnu_find(const mm_elf *elf, const uint32_t header[4], mm_elf_symbol *wanted) {
    uint32_t hash = gnu_hash_of(wanted->name);
    uint64_t buckets = elf->gnu_hash + 16 + (uint64_t)header[2] * 8;
    uint64_t chains = buckets + (uint64_t)header[0] * 4;
    uint64_t bloom = 0;
    uint64_t word = elf->gnu_hash + 16 + (uint64_t)(hash / 64 % header[2]) * 8;
    if (elf_read(elf, word, &bloom, sizeof bloom) != MM_OK ||
        (bloom >> hash % 64 & bloom >> (hash >> (header[3] & 31)) % 64 & 1) == 0) {
        return;
    }
    uint32_t index = 0;
    if (elf_read(elf, buckets + (uint64_t)(hash % header[0]) * 4, &index, 4) != MM_OK ||
        index < header[1]) {
        return;
    }
    for (size_t i = 0; i < CHAIN_MAX; ++i, ++index) {
        uint32_t here = 0;
        if (elf_read(elf, chains + (uint64_t)(index - header[1]) * 4, &here, 4) != MM_OK) {
            return;
        }
        if ((here | 1) == (hash | 1) && elf_symbol_is(elf, index, wanted)) {
            return;
        }
        if ((here & 1) != 0) {
            return;
        }
    }
}

static uint32_t sysv_hash_of(const char *name) {
    uint32_t hash = 0;
    for (; *name != '\0'; ++name) {
        hash = (hash << 4) + (uint8_t)*name;
        uint32_t high = hash & 0xf0000000u;
        hash = (hash ^ high >> 24) & ~high;
    }
    return hash;
}

static void sysv_find(const mm_elf *elf, const uint32_t header[2], mm_elf_symbol *wanted) {
    uint64_t buckets = elf->hash + 8;
    uint64_t chains = buckets + (uint64_t)header[0] * 4;
    uint32_t index = 0;
    uint64_t at = buckets + (uint64_t)(sysv_hash_of(wanted->name) % header[0]) * 4;
    for (size_t i = 0; i < CHAIN_MAX; ++i) {
        if (elf_read(elf, at, &index, 4) != MM_OK || index == 0 || index >= header[1] ||
            elf_symbol_is(elf, index, wanted)) {
            return;
        }
        at = chains + (uint64_t)index * 4;
    }
}

mm_status mm_elf_find(mm_elf *elf, mm_elf_symbol *symbols, size_t count) {
    MM_ASSERT(count > 0);
    if (elf->symbols == 0) {
        MM_TRY(elf_dynamic(elf));
    }
    uint32_t gnu[4] = {0};   // buckets, first symbol, words of the filter, shift
    uint32_t sysv[2] = {0};  // buckets, symbols
    bool has_gnu = elf->gnu_hash != 0 && elf_read(elf, elf->gnu_hash, gnu, sizeof gnu) == MM_OK &&
                   gnu[0] != 0 && gnu[2] != 0;
    bool has_sysv = !has_gnu && elf->hash != 0 &&
                    elf_read(elf, elf->hash, sysv, sizeof sysv) == MM_OK && sysv[0] != 0;
    if (!has_gnu && !has_sysv) {
        return MM_E_NOT_FOUND;
    }
    for (size_t i = 0; i < count; ++i) {
        symbols[i].address = 0;
        symbols[i].size_bytes = 0;
        if (has_gnu) {
            gnu_find(elf, gnu, &symbols[i]);
        } else {
            sysv_find(elf, sysv, &symbols[i]);
        }
    }
    return MM_OK;
}
