// Names to addresses in a mapped ELF image, read from memory alone: the file may be gone, replaced,
// or on another machine.
#ifndef MM_BASE_OS_ELF_H
#define MM_BASE_OS_ELF_H

#include "base/free/status.h"

/// Access to the memory that holds the image.
typedef struct mm_elf_read {
    /// Copy `count` bytes from `address`; anything but MM_OK when not all of it is readable.
    mm_status (*read)(void *context, uint64_t address, void *to, size_t count);
    void *context;
} mm_elf_read;

/// A mapped image.
typedef struct mm_elf {
    mm_elf_read memory;
    uint64_t start;    ///< lowest address of its segments
    uint64_t end;      ///< first address after them, .bss included
    uint64_t zeroed;   ///< from here to the end is .bss
    uint64_t bias;     ///< what is added to addresses in the file
    uint64_t dynamic;  ///< address of the dynamic section; 0 = it has none
    uint64_t symbols;
    uint64_t strings;
    uint64_t strings_bytes;
    uint64_t gnu_hash;  ///< 0 = none
    uint64_t hash;      ///< 0 = none
} mm_elf;

/// A symbol that is looked for, and what became of it.
typedef struct mm_elf_symbol {
    const char *name;
    uint64_t address;  ///< 0 = not there
    uint64_t size_bytes;
} mm_elf_symbol;

/// Understand the image whose first mapping starts at `address`. MM_E_NOT_FOUND when no 64-bit
/// little-endian image starts there. COST: two small reads; the symbol tables are not touched.
MM_STATUS mm_elf_open(mm_elf_read memory, uint64_t address, mm_elf *ret);

/// Look up `count` names among the dynamic symbols that the image defines, through its hash table.
/// Names that it does not define keep address 0. MM_E_NOT_FOUND when the image has no symbols to
/// look in.
MM_STATUS mm_elf_find(mm_elf *elf, mm_elf_symbol *symbols, size_t count);

#endif
