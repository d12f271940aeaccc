// A snapshot on request, without a thread, a frame or a child that the program could see.
//
//     parent                    program                              copy, a child of the parent
//     asked = n, SIGURG ─────▶  handler: heard = n
//                               lock free?  clone ─────────────────▶ lock free here too? walk,
//                               else a pending call: clone ────────▶ write, leave word | gone
//                               taken = n, it goes on
//     waits for the copy, reads its word
//
// Who asks may be another process than the parent, which then shall not find children that it never
// had: the copy is the program's own, invisible to it, and is reaped at the next request.
//
// While a thread is in a call that has released the interpreter lock, and no other has taken it,
// the heap stands still: the handler clones there and then. Another thread may take the lock in
// between, so the copy looks again at its own, frozen image. Where the lock is taken, an object may
// be half changed; then the interpreter is asked to call us between two instructions. A long call
// of C code that keeps the lock delays that; the parent sees it and says so.
//
// Py_AddPendingCall() takes a lock of its own for some instructions. The handler would wait for
// ever if it interrupted the main thread in just these, which it passes through after a pending
// call only: so there is at most one of ours at a time, and the next request comes an interval
// later.
//
// The state is a global because a signal handler is given nothing else. In a forked child of the
// program, whose number is another, the handler does nothing.
//
// The page: numbers of 64 bits and one text, in places that the parent knows as well.
#include "ask.h"

#include "compat.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/os/process.h"
#include "base/os/sink.h"
#include "capture/capture.h"
#include "heap_here.h"
#include "measure.h"

enum { ASK_PAGE_BYTES = 4096, ASK_PATH_AT = 256, LOCK_NEAR_BYTES = 1 << 14, OWNER_ONLY = 0600 };

// How a copy ended; 0 = it did not come to its end.
enum { ASK_WALKED = 1, ASK_LOCK_TAKEN = 2, ASK_NO_FILE = 3 };

typedef struct ask_page {
    _Atomic uint64_t asked;  // by the parent: number of the request
    _Atomic uint64_t heard;  // last request of which the handler knows
    _Atomic uint64_t taken;  // last request for which a copy was made, or refused
    uint64_t child;          // number of that copy; 0 = refused
    uint64_t sys_errno;      // why it was refused, or why the copy could not write
    uint64_t pause_ns;       // how long the program stood still for it
    uint64_t ending;         // by the copy: ASK_*
    uint64_t status;         // by the copy: the walker's answer, as a negative number
    uint64_t armed;          // 1 = the program listens
    mm_capture_note note;    // by the copy: type, progress
    uint64_t opaque_count;   // by the parent: types that made a copy crash or hang
    uint64_t opaque[DOOR_OPAQUE_MAX];
    _Atomic uint64_t wanted;  // how often a signal asked for a snapshot
    _Atomic uint64_t forks;   // processes that the program forked, which nobody watches
    uint8_t spare[ASK_PATH_AT - 8 * (14 + DOOR_OPAQUE_MAX)];
    char path[ASK_PAGE_BYTES - ASK_PATH_AT];  // by the parent: the file to make
} ask_page;

_Static_assert(offsetof(ask_page, armed) == 64, "the parent knows the places");
_Static_assert(offsetof(ask_page, opaque_count) == 88, "the parent knows the places");
_Static_assert(offsetof(ask_page, wanted) == 160, "the parent knows the places");
_Static_assert(offsetof(ask_page, forks) == 168, "the parent knows the places");
_Static_assert(offsetof(ask_page, path) == ASK_PATH_AT, "the parent knows the places");
_Static_assert(sizeof(ask_page) == ASK_PAGE_BYTES, "one page");

// What the handler knows. Written once, before the handler is there; `pending` by it.
static struct {
    ask_page *page;
    pid_t pid;
    bool sibling;   // copies are children of our parent
    int32_t child;  // a copy of our own that was not reaped; 0 = none
    uint64_t begin_ns;
    const volatile uint32_t *lock;  // 1 = taken; NULL = nobody knows where it is
    volatile sig_atomic_t pending;
    bool counts_forks;
} ask_state;

// The word of the interpreter's lock that says whether it is taken. It is believed only if what is
// around it is as it must be while the caller holds it.
static const volatile uint32_t *lock_find(void) {
    const char *interpreter = (const char *)PyInterpreterState_Get();
    uintptr_t lock = 0;
    if (MM_LOCK_PLACE == 0) {
        return NULL;
    }
    memcpy(&lock, interpreter + MM_LOCK_PLACE, sizeof lock);
    // The main interpreter's lock is a part of it.
    if (lock % sizeof lock != 0 || lock < (uintptr_t)interpreter ||
        lock - (uintptr_t)interpreter > LOCK_NEAR_BYTES) {
        return NULL;
    }
    // Switch interval, last thread that took it, whether it is taken.
    uintptr_t words[2];
    uint32_t taken = 0;
    memcpy(words, (const void *)lock, sizeof words);
    memcpy(&taken, (const char *)lock + sizeof words, sizeof taken);
    return words[1] == (uintptr_t)PyThreadState_Get() && taken == 1
               ? (const volatile uint32_t *)(lock + sizeof words)
               : NULL;
}

static bool lock_is_free(void) {
    if (MM_RUNNING_THREAD_IS_SHARED) {
        return MM_RUNNING_THREAD() == NULL;
    }
    return ask_state.lock != NULL && *ask_state.lock == 0;
}

static int file_make_in_child(const ask_page *page) {
    return (int)syscall(SYS_openat, AT_FDCWD, page->path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC,
                        OWNER_ONLY);
}

// All that a copy does.
static _Noreturn void ask_walk_in_child(ask_page *page, bool lock_held) {
    if (!lock_held && !lock_is_free()) {
        page->ending = ASK_LOCK_TAKEN;
        mm_os_process_exit_in_child(0);
    }
    int fd = file_make_in_child(page);
    if (fd < 0) {
        page->sys_errno = (uint64_t)errno;
        page->ending = ASK_NO_FILE;
        mm_os_process_exit_in_child(0);
    }
    // Its parent is not ours to know: whoever that is ends it.
    mm_os_process_settle_in_child(fd, 0);
    door_opaque opaque = {{0}, 0, 0};
    for (uint64_t i = 0; i < page->opaque_count && i < DOOR_OPAQUE_MAX; i++) {
        opaque.types[opaque.count++] = page->opaque[i];
    }
    door_heap heap;
    mm_error err = {MM_OK, NULL, 0, 0};
    mm_status status = door_heap_locate(&opaque, 0, &heap, &err);
    if (status == MM_OK) {
        mm_os_sink sink;
        mm_os_sink_init(&sink, fd);
        mm_os_pages pages;
        mm_os_pages_init(&pages);
        door_stamp stamp;
        uint32_t meta_count = door_stamp_fill(ask_state.begin_ns, &stamp);
        const char *warning = heap.report.warning;
        mm_capture_options options = {.note = &page->note,
                                      .door = "fork",
                                      .warning = warning[0] != '\0' ? warning : NULL,
                                      .pid = (uint64_t)ask_state.pid,
                                      .metas = &stamp.meta,
                                      .meta_count = meta_count};
        mm_capture_result result = {0};
        status = mm_capture(heap.target, mm_os_pages_view(&pages), mm_os_sink_view(&sink), &options,
                            &result);
        page->sys_errno = (uint64_t)sink.sys_errno;
    }
    page->status = (uint64_t)-(int64_t)status;
    page->ending = ASK_WALKED;
    mm_os_process_exit_in_child(0);
}

// Make a copy that answers the request. errno may change.
static void ask_take(ask_page *page, uint64_t request, bool lock_held) {
    mm_error err = {MM_OK, NULL, 0, 0};
    int32_t child = 0;
    page->ending = 0;
    page->status = 0;
    page->sys_errno = 0;
    page->note.type = 0;
    if (ask_state.child != 0) {
        mm_os_process_forget_unwatched(ask_state.child);
        ask_state.child = 0;
    }
    uint64_t begin_ns = mm_os_now_ns();
    mm_status status = mm_os_process_clone_unwatched(ask_state.sibling, &child, &err);
    if (status == MM_OK && child == 0) {
        ask_walk_in_child(page, lock_held);
    }
    page->pause_ns = mm_os_now_ns() - begin_ns;
    page->child = status == MM_OK ? (uint64_t)child : 0;
    ask_state.child = ask_state.sibling ? 0 : child;
    if (status != MM_OK) {
        page->sys_errno = (uint64_t)err.sys_errno;
    }
    atomic_store(&page->taken, request);
}

static int ask_pending(void *ignored) {
    (void)ignored;
    ask_state.pending = 0;
    ask_page *page = ask_state.page;
    uint64_t request = atomic_load(&page->asked);
    bool open = page->armed != 0 && atomic_load(&page->taken) != request;
    if (open && getpid() == ask_state.pid) {
        ask_take(page, request, true);
    }
    return 0;
}

static void ask_heard(int number) {
    (void)number;
    ask_page *page = ask_state.page;
    int before = errno;
    if (getpid() == ask_state.pid) {
        uint64_t request = atomic_load(&page->asked);
        atomic_store(&page->heard, request);
        if (atomic_load(&page->taken) == request || page->armed == 0) {
            // Asked for before, or somebody else's signal.
        } else if (lock_is_free()) {
            ask_take(page, request, false);
        } else if (ask_state.pending == 0) {
            ask_state.pending = 1;
            if (Py_AddPendingCall(ask_pending, NULL) != 0) {
                ask_state.pending = 0;
            }
        }
    }
    errno = before;
}

// What runs in the program behind fork(). Copies of ours, and children that only run another
// program, are made by other calls.
static void ask_forked(void) {
    if (ask_state.page != NULL && getpid() == ask_state.pid && ask_state.page->armed != 0) {
        atomic_fetch_add(&ask_state.page->forks, 1);
    }
}

bool door_ask_listen(const char *file, bool sibling) {
    struct sigaction action;
    if (ask_state.page != NULL && ask_state.pid == getpid() && ask_state.page->armed != 0) {
        errno = EALREADY;
        return false;
    }
    if (sigaction(SIGURG, NULL, &action) != 0 ||
        (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN &&
         action.sa_handler != ask_heard)) {
        errno = EBUSY;
        return false;
    }
    int fd = open(file, O_RDWR | O_CLOEXEC);
    void *page =
        fd < 0 ? MAP_FAILED : mmap(NULL, ASK_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0) {
        (void)close(fd);
    }
    if (page == MAP_FAILED) {
        return false;
    }
    ask_state.page = page;
    ask_state.pid = getpid();
    ask_state.sibling = sibling;
    ask_state.child = 0;
    ask_state.pending = 0;
    ask_state.begin_ns = door_begin_ns();
    ask_state.lock = lock_find();
    // Calls that the system can go on with by itself shall not see that they were interrupted.
    action = (struct sigaction){.sa_flags = SA_RESTART};
    action.sa_handler = ask_heard;
    (void)sigfillset(&action.sa_mask);
    if (sigaction(SIGURG, &action, NULL) != 0) {
        (void)munmap(page, ASK_PAGE_BYTES);
        return false;
    }
    ask_state.page->armed = 1;
    // Nothing that the program can see; it stays, and does nothing once nobody listens.
    if (!ask_state.counts_forks) {
        ask_state.counts_forks = pthread_atfork(NULL, ask_forked, NULL) == 0;
    }
    return true;
}

static void ask_wanted(int number) {
    (void)number;
    int before = errno;
    if (getpid() == ask_state.pid) {
        atomic_fetch_add(&ask_state.page->wanted, 1);
    }
    errno = before;
}

bool door_ask_signal(int number) {
    struct sigaction action;
    MM_ASSERT(ask_state.page != NULL);
    if (sigaction(number, NULL, &action) != 0 ||
        (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN)) {
        return false;
    }
    action = (struct sigaction){.sa_flags = SA_RESTART};
    action.sa_handler = ask_wanted;
    return sigaction(number, &action, NULL) == 0;
}

void door_ask_end(void) {
    struct sigaction action;
    if (ask_state.page == NULL || getpid() != ask_state.pid) {
        return;
    }
    ask_state.page->armed = 0;
    // The program's own handler stays, if it has set one.
    if (sigaction(SIGURG, NULL, &action) == 0 && action.sa_handler == ask_heard) {
        (void)signal(SIGURG, SIG_DFL);
    }
}
