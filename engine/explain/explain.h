// What the files of engine/explain share with one another.
//
// The way of a snapshot: own.c marks what is the program's own; holds.c walks from its namespaces
// and instances through everything that is nobody's (lists, dicts, bound methods, closures) and
// notes who keeps what by which reference; holders.c makes findings of it; rings.c of the cycles
// that wait; roles.c says which cure fits; findings.c puts them in order; notes.c says what else
// there is to know.
#ifndef MM_EXPLAIN_EXPLAIN_H
#define MM_EXPLAIN_EXPLAIN_H

#include "analyze/chain.h"
#include "analyze/cut.h"
#include "analyze/path.h"
#include "analyze/reach.h"
#include "analyze/retained.h"
#include "analyze/why.h"
#include "explain/findings.h"

/// Marks of nodes.
enum {
    MM_EXPLAIN_OWN = 1,       ///< of the program: module, class, function, frame or an instance
    MM_EXPLAIN_INSTANCE = 2,  ///< with OWN: made from one of its classes
    MM_EXPLAIN_LOCAL = 4,     ///< with OWN: a function or class that a function made, a frame, a
                              ///< generator
    MM_EXPLAIN_KEEPS = 8,     ///< an exception, or a traceback by itself, that keeps a frame of
                              ///< the program
    MM_EXPLAIN_DEAD = 16,     ///< a weak reference whose object is gone
    MM_EXPLAIN_STOP = 32,     ///< structure: never on the way from a holder to what it holds
    MM_EXPLAIN_NAMES = 64,    ///< namespace of a module or class
    MM_EXPLAIN_RUNNING = 128  ///< frame that runs
};

/// How a reference holds.
typedef enum mm_how {
    MM_HOW_NONE = 0,
    MM_HOW_KEY,     ///< key of a dict's entry
    MM_HOW_VALUE,   ///< its value
    MM_HOW_ITEM,    ///< item of a list, deque, ...
    MM_HOW_MEMBER,  ///< member of a set
    MM_HOW_NAME     ///< by a name of its own: what an exception is stored under
} mm_how;

/// Where a walk begins: the weaker, the later.
typedef enum mm_anchor_kind {
    MM_ANCHOR_NAMESPACE = 0,  ///< module or class of the program
    MM_ANCHOR_INSTANCE,       ///< an instance of one of its classes
    MM_ANCHOR_LIBRARY,        ///< module or class of a library
    MM_ANCHOR_ROOT            ///< the interpreter: a context, functions to be called at exit
} mm_anchor_kind;

/// One object that is held: the guilty reference and the last one, which may be the same.
typedef struct mm_hold {
    uint32_t object;
    uint32_t source;  ///< of the guilty reference: the container
    uint32_t edge;    ///< the guilty reference
    uint32_t last;    ///< the reference to the object itself
    uint32_t anchor;  ///< module, class or instance that the container belongs to
    uint8_t how;      ///< mm_how
    uint8_t kind;     ///< mm_anchor_kind
    uint8_t flags;    ///< MM_HOLD_*
} mm_hold;

/// How a hold leads on behind its guilty reference.
enum {
    MM_HOLD_CALLBACK = 1,  ///< by way of a bound method or a function
    MM_HOLD_WEAK = 4,      ///< the value of a weak key, which leads back to it
    MM_HOLD_SHARED = 2,  ///< the container is in a library's instance that others refer to as well
    MM_HOLD_SUSPENDED = 8,  ///< by way of a frame or generator, which nobody calls back
    MM_HOLD_ATEXIT = 16,    ///< by what atexit calls; `source` is no container
    MM_HOLD_DATA = 32       ///< of a cache of what is not the program's own
};

/// A text that is being put together, cut at the end of its room.
typedef struct mm_phrase {
    char text[512];
    size_t used;
} mm_phrase;

/// Everything the room works on. Lives in the arena.
typedef struct mm_explain {
    const mm_graph *graph;
    const mm_file *file;
    mm_arena *arena;
    mm_error *err;
    const uint8_t *kept_reach;  ///< as mm_reach_again() takes it, where somebody has asked before
    mm_reach reach;
    mm_flow flow;
    mm_dominators tree;
    uint64_t *retained;  ///< by node of the flow
    mm_paths paths;
    mm_cutter cutter;
    uint8_t *marks;     ///< by node: MM_EXPLAIN_*
    uint8_t *named;     ///< by node: 1 = another own instance names it, 2 = a namespace or running
                        ///< frame does
    uint8_t *type_own;  ///< by type
    const char **type_held;     ///< by type: what holds most of its objects, or NULL
    uint32_t *type_held_count;  ///< by type: how many
    mm_hold *holds;
    size_t hold_count;
    size_t hold_room;
    mm_finding **findings;
    uint32_t finding_count;
    uint32_t finding_room;
    uint64_t steps;          ///< that made what waits; 0 = a single snapshot, nobody knows
    uint64_t waiting_bytes;  ///< of all rings that are findings, each object once
    uint32_t garbage_list;   ///< gc.garbage, or MM_NONE
} mm_explain;

/// The analyses that everything else here asks, and marks. Fills all that has no function of its
/// own below.
MM_STATUS mm_explain_prepare(mm_explain *work);

/// The same with paths that wait until they are asked for (mm_paths_settle()), without the cutter,
/// and without flow, tree and retained unless an exception is kept: these take most of the memory,
/// and only a cut and an exception's frames ask for them.
MM_STATUS mm_explain_prepare_light(mm_explain *work);

/// Mark what is the program's own. Fills marks and type_own.
MM_STATUS mm_explain_own(mm_explain *work);

/// Is it the heap of a C program, where nothing is known of modules, classes and code?
bool mm_explain_is_c_heap(const mm_explain *work);

/// Does an exception keep a frame of the program that has ended: by its traceback, or by that of
/// one that it followed from or is made of? Or does a traceback that no exception has? False for
/// other nodes. COST: linear in the tracebacks.
bool mm_explain_keeps_frames(const mm_explain *work, uint32_t node);

/// Is a source file the program's: outside the library's folder and of site-packages?
bool mm_explain_path_is_own(const mm_file *file, const char *path);

/// Walk from every anchor. Fills holds and named.
MM_STATUS mm_explain_holds(mm_explain *work);

/// Add the holds of large caches of plain data.
MM_STATUS mm_explain_stores(mm_explain *work);

/// One more hold.
MM_STATUS mm_explain_hold_add(mm_explain *work, mm_hold hold);

/// Findings of kind holder.
MM_STATUS mm_explain_holders(mm_explain *work);

/// Findings of kind cycle.
MM_STATUS mm_explain_rings(mm_explain *work);

/// All objects of the program's own types. Fills own, object_count and bytes.
MM_STATUS mm_explain_own_objects(mm_explain *work, mm_findings *ret);

/// What is said beside the findings. Fills notes and note_count.
MM_STATUS mm_explain_notes(const mm_explain *work, mm_findings *ret);

/// Room for one more finding, all fields unknown; NULL when memory is out.
mm_finding *mm_explain_finding(mm_explain *work);

/// What a holder is for, as far as the graph and its names tell.
typedef struct mm_role_guess {
    const char *role;  ///< "side table", ...
    const char *cure;  ///< id
    const char *text;  ///< sentence
} mm_role_guess;

/// What mm_explain_role() goes by.
typedef struct mm_role_facts {
    const char *holder;  ///< "Within._seen"
    const char *type;    ///< "Exam": of what is held
    mm_how how;
    uint32_t object;  ///< one of those held
    uint32_t source;  ///< the container
    bool callback;
    bool exception;
    bool dead;
    bool observer;    ///< the holder's class notifies what it holds
    bool bound;       ///< with callback: the container holds bound methods themselves
    bool owned;       ///< without the container, others would still keep all of them
    bool alone;       ///< nothing but the container keeps any of them
    bool shared;      ///< others keep some of them too
    bool descriptor;  ///< the container belongs to a descriptor
    bool weak;        ///< the value of a weak key, which leads back to it
    bool cached;      ///< the container is inside what functools.lru_cache made
    bool inside;      ///< the object stands in the key, a tuple or the like
    bool atexit;      ///< what atexit calls leads to it
} mm_role_facts;

/// Tell the role. Texts that are made live in the arena.
MM_STATUS mm_explain_role(const mm_explain *work, const mm_role_facts *facts, mm_role_guess *ret);

/// Does the object's class, or a base of it, define the name?
bool mm_explain_class_defines(const mm_explain *work, uint32_t object, const char *name);

/// Does the class of `owner` call methods that the class of `object` has, without knowing that
/// class, and is one of its own called notify, publish or the like? Then others hand it objects to
/// be called back. Calling methods alone says nothing: a scene draws its sprites.
bool mm_explain_calls_back(const mm_explain *work, uint32_t owner, uint32_t object);

/// Does a method of the class of `owner` mention the class of `object` by name? Then it makes such.
bool mm_explain_makes(const mm_explain *work, uint32_t owner, uint32_t object);

/// Is the object a function that functools.lru_cache has wrapped? What it keeps in a list of C is
/// bounded.
bool mm_explain_is_cache(const mm_graph *graph, uint32_t node);

/// Is the object a descriptor, or a class of descriptors?
bool mm_explain_is_descriptor(const mm_explain *work, uint32_t node);

/// Is the object a constant: a class or an upper-case global names it, or it is an enum's member?
bool mm_explain_is_constant(const mm_explain *work, uint32_t node);

/// The names, at most `room` of them, under which modules and classes have the container; none if
/// one speaks of a cache or of observers. They live as long as the graph.
uint32_t mm_explain_table_names(const mm_explain *work, uint32_t container, const char **ret,
                                uint32_t room);

/// May functions of the program put such objects into a table that has one of these names: does
/// code mention the table at all, and somewhere their class, or the table together with append or
/// the like or in a function whose name says that it stores something? COST: O(nodes).
bool mm_explain_is_filled_by_code(const mm_explain *work, const char *const *tables,
                                  uint32_t table_count, uint32_t object);

/// Do the classes of two objects have a base of the program's own in common?
bool mm_explain_share_base(const mm_explain *work, uint32_t object, uint32_t other);

/// A function or class of the program that an attribute of the object is: what a route, a command
/// or a plugin is made for. MM_NONE where there is none.
uint32_t mm_explain_handler_of(const mm_explain *work, uint32_t object);

/// Does the program itself import gc? Only then can it have switched the collector off.
bool mm_explain_knows_gc(const mm_explain *work);

/// Is the object an attribute of a class, as descriptors are?
bool mm_explain_stands_in_class(const mm_explain *work, uint32_t node);

/// Does a text speak of a cache?
bool mm_explain_says_cache(const char *text);
/// Does it speak of observers?
bool mm_explain_says_observer(const char *text);
/// Does it speak of telling observers?
bool mm_explain_says_notify(const char *text);
/// Does it speak of storing something?
bool mm_explain_says_store(const char *text);
/// Does a name speak of a parent or owner?
bool mm_explain_says_parent(const char *text);

/// Append to a phrase.
void mm_phrase_text(mm_phrase *phrase, const char *text);
/// A number with thousands apart: "10,000".
void mm_phrase_number(mm_phrase *phrase, uint64_t number);
/// Bytes as a person says them: "10.4 MiB", "1,022.8 KiB". Every text writes them so.
void mm_phrase_bytes(mm_phrase *phrase, uint64_t bytes);
/// Copy in the arena, or NULL.
const char *mm_phrase_keep(const mm_phrase *phrase, mm_arena *arena);

/// The step that a reference makes, with data keys and numbers left out: "[*]", "[key]", ".attr".
void mm_explain_edge_text(const mm_graph *graph, uint32_t edge, char *out, size_t out_bytes);

/// The object of C that a container is an internal of, or the container.
uint32_t mm_explain_outer(const mm_graph *graph, uint32_t node);

/// The context variable that has a node for its value in some context, or MM_NONE.
uint32_t mm_explain_context_variable(const mm_graph *graph, uint32_t node);

/// Is `name` a variable of a function that runs and has the object in it? Then "local jobs of
/// worker" in `out`. The variables of a module's own code and of lambdas are not said so.
bool mm_explain_running_local(const mm_graph *graph, uint32_t node, const char *name, char *out,
                              size_t out_bytes);

/// What a container is called: as mm_graph_holder_text(), but where it is an internal of an object
/// of C that has a name, the name of that. `*ret_cached` (may be NULL): that is what
/// functools.lru_cache made.
void mm_explain_holder_text(const mm_graph *graph, uint32_t node, char *out, size_t out_bytes,
                            bool *ret_cached);

/// What a holder is called in a sentence: "the default value of parameter `seen` of add()".
void mm_explain_holder_say(const char *holder, bool cached, mm_phrase *phrase);

/// A reference by its holder and its generic name: "Within._seen[key]", "local x of f (shop.py:3)".
void mm_explain_reference_text(const mm_graph *graph, uint32_t source, uint32_t edge,
                               mm_phrase *phrase);

/// Hash of texts, for fingerprints: FNV-1a.
uint64_t mm_explain_hash(uint64_t hash, const char *text);

#endif
