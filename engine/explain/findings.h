// engine/explain: what is wrong, as structs.
//
// Knows: which shapes of a heap deserve a person's attention, how they are said in one sentence,
// and which cure fits the role of a holder.
// Must not know: how a finding looks on a terminal or in JSON; source files; a live process.
#ifndef MM_EXPLAIN_FINDINGS_H
#define MM_EXPLAIN_FINDINGS_H

#include "analyze/growth.h"
#include "analyze/shapes.h"
#include "analyze/why.h"

/// How bad it is, strongest first.
typedef enum mm_verdict {
    MM_VERDICT_LEAK = 0,      ///< something held by Python grows with every step
    MM_VERDICT_HELD_BY_C,     ///< objects whose unaccounted references grow with every step
    MM_VERDICT_GC_INVISIBLE,  ///< a cycle that the collector cannot see
    MM_VERDICT_NATIVE,        ///< memory grows, the Python heap does not
    MM_VERDICT_WAITING,       ///< only the cyclic collector frees it: never called a leak
    MM_VERDICT_SUSPECTS,      ///< a single snapshot cannot know growth: what holds most
    MM_VERDICT_CLEAN
} mm_verdict;

/// Kinds of findings. A single snapshot makes holder and cycle.
typedef enum mm_finding_kind {
    MM_FINDING_GROWTH = 0,
    MM_FINDING_HOLDER,
    MM_FINDING_CYCLE,
    MM_FINDING_HELD_BY_C,
    MM_FINDING_GC_INVISIBLE,
    MM_FINDING_NATIVE,
    MM_FINDING_WEAK_CONTAINER
} mm_finding_kind;

/// One step of a path: an object, and what of it leads on.
typedef struct mm_finding_step {
    const char *object;  ///< "module shop", "class Within", "dict"
    const char *edge;    ///< "._seen", "[key]"; NULL at the end
    uint64_t entries;    ///< of a container; MM_UNKNOWN = none
    const char *file;    ///< NULL = unknown
    uint32_t line;       ///< 0 = unknown
    bool guilty;         ///< `edge` is the reference to cut
    bool back;           ///< in a ring: `edge` leads back to a parent or owner
} mm_finding_step;

/// What goes when the guilty reference goes.
typedef struct mm_finding_cut {
    const char *reference;  ///< "Within._seen[key]"; NULL = there is no cut
    uint64_t freed_bytes;
    uint64_t other_holders;       ///< strong references from outside the cut and what it frees
    uint64_t would_drop_at_once;  ///< objects that die by counting, without the collector
    const char *role;  ///< "side table", "cache", "registry", "stored exception", ...; NULL
} mm_finding_cut;

/// A line that made objects: where it stands, and what called it, which `line` 0 says nobody knows.
typedef struct mm_site_line {
    const char *file;   ///< NULL = unknown
    const char *shown;  ///< what to call it in a text
    uint32_t line;
    const char *function;  ///< qualified name; NULL = unknown, or the module itself
    const char *text;      ///< the line; NULL = unknown
} mm_site_line;

/// Where objects of a finding were made: found by a front, in a round that was traced.
typedef struct mm_site {
    uint64_t count;  ///< objects that were made there
    mm_site_line made;
    mm_site_line called;  ///< the program's own line that led there, where `made` is a library's
} mm_site;

/// One finding. Texts live in the arena; NULL and MM_UNKNOWN are null in JSON.
typedef struct mm_finding {
    mm_finding_kind kind;
    bool is_leak;      ///< severity: leak, else note
    bool hidden;       ///< shown under -v only
    const char *type;  ///< of what is kept: "shop.Exam"
    uint64_t count;    ///< objects kept; for a cycle: equal rings
    uint64_t grown_objects;
    uint64_t steps;
    uint64_t retained_bytes;  ///< all that goes with them
    const char *sentence;
    mm_finding_step *path;  ///< from a root to the object; none for a cycle
    uint32_t path_count;
    mm_finding_step *ring;  ///< once around, from the owner; none for a holder
    uint32_t ring_count;
    const char **also_held_by;
    uint32_t also_count;
    const char *library;   ///< of objects that no Python object holds: file that their type comes
                           ///< from; NULL
    const mm_site *sites;  ///< most first; none where nothing was traced
    uint32_t site_count;
    const mm_growth_finding *growth;  ///< what it explains; NULL for what is no growth
    mm_finding_cut cut;
    const char **more_cuts;  ///< further references to cut with it; of a cycle of several rings
    uint32_t more_cut_count;
    const char *cure;  ///< id: "weak-key-dictionary", "weak-parent", "drop-exception", ...; NULL
    const char *cure_text;      ///< what to write instead, one sentence
    const char *holder;         ///< "Within._seen": for whoever looks for its line of source; NULL
    const char *file;           ///< where to look; NULL
    uint32_t line;              ///< 0 = unknown
    const mm_why_chain *chain;  ///< what `path` was made from, step by step: kinds of its objects,
                                ///< where its holder is made and used; NULL = no chain
    uint64_t fingerprint;       ///< of kind, type and generic path: the same from run to run
} mm_finding;

/// All objects of one of the program's own types.
typedef struct mm_own_objects {
    const char *type;
    uint64_t count;
    uint64_t bytes;       ///< of them alone
    const char *held_by;  ///< "Within._seen[key]", "local exam of main (shop.py:3)"; NULL = nothing
} mm_own_objects;

/// One verdict with the bytes behind it.
typedef struct mm_verdict_bytes {
    mm_verdict verdict;
    uint64_t bytes;
} mm_verdict_bytes;

/// How long growth was watched.
typedef struct mm_watched {
    bool known;      ///< false for a single snapshot
    bool by_shapes;  ///< snapshots of different processes, compared by path shapes
    uint64_t rounds;
    uint64_t steps;                    ///< in all of them; MM_UNKNOWN
    uint64_t round_steps;              ///< in the first; MM_UNKNOWN
    uint64_t counted_steps;            ///< before the snapshot that numbers are of; MM_UNKNOWN
    uint64_t nanoseconds;              ///< MM_UNKNOWN
    uint64_t smallest_bytes_per_step;  ///< growth below it would not have been seen; MM_UNKNOWN
} mm_watched;

/// What a snapshot has to tell. Deterministic: by bytes, then count, then name, never by address.
typedef struct mm_findings {
    const mm_file *file;
    uint64_t object_count;
    uint64_t bytes;
    uint64_t rss_bytes;                           ///< MM_UNKNOWN
    uint64_t rss_accounted_percent;               ///< MM_UNKNOWN
    mm_verdict_bytes verdicts[MM_VERDICT_CLEAN];  ///< strongest first; none = clean
    uint32_t verdict_count;
    mm_finding *findings;  ///< by rank
    uint32_t finding_count;
    mm_own_objects *own;  ///< by bytes, then count, then name
    uint32_t own_count;
    const char **notes;  ///< whole sentences, for the end of a report
    uint32_t note_count;
    mm_watched watched;
} mm_findings;

/// Explain one snapshot. Answers MM_E_NOMEM only. COST: a few passes over the graph, some 100 bytes
/// an object of `arena`.
MM_STATUS mm_findings_of_snapshot(const mm_graph *graph, mm_arena *arena, mm_findings *ret,
                                  mm_error *err);

/// Explain what grows between snapshots of one process. `garbage`: a snapshot of what was made
/// since while the collector was off, with META of `mortmain loop`; NULL = none. What is told of
/// lives in the arena and in the files of the early graph and of `garbage`. Answers MM_E_NOMEM
/// only. COST: as mm_growth_find(), and for each of both graphs as mm_findings_of_snapshot().
MM_STATUS mm_findings_of_growth(const mm_growth_input *input, const mm_graph *garbage,
                                mm_arena *arena, mm_findings *ret, mm_error *err);

/// Explain what there is more of in snapshots of different processes of one program, compared by
/// path shapes. What is told of lives in the arena and in the file of the last graph. Answers
/// MM_E_NOMEM only. COST: as mm_shapes_compare(), and some 60 bytes an object.
MM_STATUS mm_findings_of_shapes(const mm_shapes_input *input, mm_arena *arena, mm_findings *ret,
                                mm_error *err);

/// Is a source file the program's, by what the snapshot says of the libraries' folders?
bool mm_findings_path_is_own(const mm_findings *findings, const char *path);

/// The word for a verdict in JSON: "leak", "held by C", "waiting for gc", "suspects", "clean".
const char *mm_verdict_text(mm_verdict verdict);
/// The word for a kind in JSON: "growth", "holder", "cycle", "held by C", ...
const char *mm_finding_kind_text(mm_finding_kind kind);

#endif
