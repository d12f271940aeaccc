// engine/format: the .mort file, and nothing else.
//
// Knows: docs/format.md, byte by byte. write.h is freestanding and streams; read.h validates and
// hands out private copies. Must not know: where objects come from, what a heap means, CPython's
// layouts.
#ifndef MM_FORMAT_FORMAT_H
#define MM_FORMAT_FORMAT_H

#include "base/free/bytes.h"

/// First eight bytes of a file.
#define MM_FORMAT_MAGIC "\x89MORT\r\n\x1a"
#define MM_FORMAT_VERSION 1u
#define MM_FORMAT_HEADER_BYTES 32u
#define MM_FORMAT_END_BYTES 48u
/// Tag of the last chunk.
#define MM_FORMAT_END_TAG "END!"
/// Longest key or value of a META record that a writer takes.
#define MM_FORMAT_META_BYTES_MAX 65536u

/// A sparse id is a block number above this many bits of slot.
#define MM_SLOT_BITS 17u
/// Addresses are counted in units of 1 << MM_SLOT_SHIFT bytes.
#define MM_SLOT_SHIFT 3u
/// A block is 1 << MM_BLOCK_SHIFT bytes of address space.
#define MM_BLOCK_SHIFT 20u

/// Kinds of types that this version knows, 0 to one below: as mm_kind.
#define MM_FORMAT_KIND_COUNT 29u
/// The kind of root whose name is the index of a variable: as MM_ROOT_FRAME.
#define MM_FORMAT_ROOT_LOCAL 5u

/// Streams, in the order of the writer's buffers.
typedef enum mm_stream {
    MM_STREAM_OBJS,  ///< objects and references
    MM_STREAM_TYPE,  ///< types
    MM_STREAM_BLKS,  ///< where each block of sparse ids lies
    MM_STREAM_TEXT,  ///< what strings say that are names
    MM_STREAM_NAME,  ///< names that are no object
    MM_STREAM_ROOT,  ///< references from outside the heap
    MM_STREAM_FRAM,  ///< running frames
    MM_STREAM_THRD,  ///< threads
    MM_STREAM_FACT,  ///< numbers about objects
    MM_STREAM_META,  ///< about the snapshot
    MM_STREAM_EPHE,  ///< ephemeron entries
    MM_STREAM_CTYP,  ///< allocated objects that no reference led to, by type
    MM_STREAM_CENS,  ///< allocated blocks by size
    MM_STREAM_CRAW,  ///< of them, those in which no object is known
    MM_STREAM_COUNT
} mm_stream;

/// The four letters of each stream, one after the other (an array of pointers would need
/// relocation).
#define MM_STREAM_TAGS "OBJSTYPEBLKSTEXTNAMEROOTFRAMTHRDFACTMETAEPHECTYPCENSCRAW"

/// How a reference is named.
typedef enum mm_naming {
    MM_NAME_INDEX = 0,     ///< `[i]`
    MM_NAME_KEY = 1,       ///< the key of an entry
    MM_NAME_VALUE = 2,     ///< the value of the entry with the last KEY
    MM_NAME_WORD = 3,      ///< a word of the object: a field of its type
    MM_NAME_INLINE = 4,    ///< an attribute, by its number among the type's shared keys
    MM_NAME_MEMBER = 5,    ///< a member of a set
    MM_NAME_LOCAL = 6,     ///< a variable, by its number in the code
    MM_NAME_EXTENDED = 7,  ///< in the short form: what follows says more
    MM_NAME_NAMED = 8,     ///< a name of NAME; extended form only
    MM_NAME_SKIP = 9       ///< empty slots and no reference; extended form only
} mm_naming;

/// What a reference is worth: the high half of the naming byte.
enum {
    MM_REF_STRONG = 0,     ///< owned
    MM_REF_WEAK = 16,      ///< does not keep its target alive
    MM_REF_BORROWED = 32,  ///< a pointer that owns nothing
    MM_REF_HIDDEN = 64,    ///< owned, but tp_traverse does not report it
    MM_REF_GUESSED = 128   ///< a word that equals an address: counts only to fill a remainder
};

/// Flags of an object record.
enum {
    MM_OBJECT_SIZE = 1,         ///< a size follows; else it is the type's
    MM_OBJECT_STORAGE = 2,      ///< storage follows; else it is 0
    MM_OBJECT_LEAF = 4,         ///< no references and no end
    MM_OBJECT_ESTIMATED = 8,    ///< the size is estimated
    MM_OBJECT_TRACKED = 16,     ///< tracked by the collector
    MM_OBJECT_OPAQUE = 32,      ///< could not be walked
    MM_OBJECT_HIDDEN_KEYS = 64  ///< short KEY references of the record carry MM_REF_HIDDEN
};

/// Flags of a type record.
enum {
    MM_TYPE_HEAP = 1,          ///< made at run time
    MM_TYPE_COLLECTED = 2,     ///< its objects have a collector's header
    MM_TYPE_CLASS = 4,         ///< made by a class statement
    MM_TYPE_WEAKREFABLE = 8,   ///< its objects have a list of weak references
    MM_TYPE_HAS_DICT = 16,     ///< its objects have attributes of their own
    MM_TYPE_EXCEPTION = 32,    ///< a subclass of BaseException
    MM_TYPE_METATYPE = 64,     ///< its objects are types
    MM_TYPE_OWN = 128,         ///< mortmain's own
    MM_TYPE_INTERPRETER = 256  ///< static, in the file that holds the interpreter
};

/// Facts about objects.
typedef enum mm_fact {
    MM_FACT_FIRST_LINE = 1,         ///< of a code object, or of a class from 3.13 on
    MM_FACT_ARGUMENTS = 2,          ///< positional ones of a code object
    MM_FACT_KEYWORD_ARGUMENTS = 3,  ///< keyword-only ones
    MM_FACT_VARIABLES = 4,          ///< variables of a code object in all
    MM_FACT_FREE_VARIABLES = 5,     ///< of them, those that a closure brings
    MM_FACT_CURRENT_LINE = 6,       ///< of a frame or generator
    MM_FACT_STATUS = 7,             ///< MM_LIFE_*, of an object that tells
    MM_FACT_BOUND = 8,              ///< entries that a container takes at most
    MM_FACT_ENTRIES = 9,            ///< of a container whose references do not say
    MM_FACT_NAMESPACE = 10,         ///< the dict is a namespace
    MM_FACT_TRACEBACK_LINE = 11,    ///< of a traceback entry
    MM_FACT_CODE_FLAGS = 12,        ///< co_flags
    MM_FACT_LIMIT = 13,             ///< a number that is perhaps a bound; of a function that asks
    MM_FACT_NAMED = 14              ///< the program asks for the object by its attribute `name`
                                    ///< for a length, 0 where it has none
} mm_fact;

/// Values of MM_FACT_STATUS.
enum {
    MM_LIFE_OPEN = 1,      ///< at work: a thread that runs, a frame or generator that executes
    MM_LIFE_CLOSED = 2,    ///< a file, socket, connection, loop, handler
    MM_LIFE_FINISHED = 3,  ///< a task, future, generator, coroutine or frame
    MM_LIFE_ENDED = 4      ///< a thread, a process
};

/// Flags of a FRAM record.
enum {
    MM_FRAME_CALLER = 1,  ///< of the thread that asked for the snapshot
    MM_FRAME_OWN = 2      ///< mortmain's own
};

/// Characters of a name that are kept: a path must not lose its end.
#define MM_TEXT_CHARACTERS_MAX 1000u
/// Characters of a data key that are kept, where keys were asked for.
#define MM_KEY_CHARACTERS_MAX 120u

#define MM_FORMAT_CHECKSUM_START 0xcbf29ce484222325u
#define MM_FORMAT_CHECKSUM_PRIME 0x100000001b3u

/// Carry the file's checksum on over `count` bytes, a multiple of 8: FNV-1a over little-endian
/// words. Each step is a bijection of the sum, so one damaged word always shows. COST: 0.2 ns a
/// byte.
static inline uint64_t mm_format_checksum(uint64_t sum, const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i + 8 <= count; i += 8) {
        sum = (sum ^ mm_u64_get(bytes + i)) * MM_FORMAT_CHECKSUM_PRIME;
    }
    return sum;
}

#endif
