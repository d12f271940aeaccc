// A child process that the application never sees.
//
// It is cloned raw: no fork handlers run, no SIGCHLD is sent when it ends, and waitpid(-1) does not
// find it. It shares nothing with us but open files, until it closes them, and shared mappings.
#ifndef MM_BASE_OS_PROCESS_H
#define MM_BASE_OS_PROCESS_H

#include "base/free/status.h"

/// A child. Ends with exactly one mm_os_process_reap().
typedef struct mm_os_process {
    int32_t pid;  ///< 0 in the child itself
    int pidfd;    ///< closed on exec; -1 in the child
} mm_os_process;

/// How a child ended.
typedef struct mm_os_exit {
    bool known;  ///< false when somebody else took the answer
    int status;  ///< exit status, 0 when a signal ended it
    int signal;  ///< the signal that ended it, or 0
} mm_os_exit;

/// Copy this process. Returns twice: in the child `ret->pid` is 0 and every signal is blocked for
/// good; the parent's mask is as before. Answers MM_E_IO with the errno when the system refuses
/// (EPERM, EAGAIN, ENOMEM, ENOSYS, EINVAL): nothing has happened then. COST: a copy of the page
/// tables, 15 ms a GB.
MM_STATUS mm_os_process_clone(mm_os_process *ret, mm_error *err);

/// Copy this process, and let somebody else watch the copy. `sibling`: it is a child of our parent,
/// who waits for it; else it is ours, to be given to mm_os_process_forget_unwatched() one day.
/// `*ret_pid` is 0 in the copy, where every signal is blocked for good. May be called by a signal
/// handler: no lock, no memory; errno may change. Failures as above.
MM_STATUS mm_os_process_clone_unwatched(bool sibling, int32_t *ret_pid, mm_error *err);

/// Reap such a copy of our own, if it has ended. Waits for nothing.
void mm_os_process_forget_unwatched(int32_t pid);

/// What a child does first: it is the first victim when memory runs out, yields to everybody,
/// leaves no core file, and keeps no descriptor but `fd_kept`, so that sockets and pipes of the
/// application close when the application closes them. Unless `parent_pid` is 0, it is killed as
/// soon as the thread that cloned it ends, which that thread must not do before the child. Nothing
/// here takes a lock or memory.
void mm_os_process_settle_in_child(int fd_kept, int32_t parent_pid);

/// End the child, at once: no handler of the C library runs.
_Noreturn void mm_os_process_exit_in_child(int status);

/// Wait up to `timeout_ms` for the end of the child. True when it has ended, and *ret is filled and
/// the child reaped: the process is gone and must not be used again. False when it runs on, or a
/// signal came.
bool mm_os_process_reap(mm_os_process *process, int timeout_ms, mm_os_exit *ret);

/// Kill the child and reap it.
void mm_os_process_end(mm_os_process *process, mm_os_exit *ret);

/// Kernel's number of this thread.
uint64_t mm_os_thread_id(void);
/// Number of this process.
int32_t mm_os_process_id(void);
/// Nanoseconds of a clock that only goes forward.
uint64_t mm_os_now_ns(void);

/// One zeroed page that a child shares, or NULL. Give it back with mm_os_shared_unmap().
void *mm_os_shared_map(void);
/// The other half of mm_os_shared_map(). NULL is fine.
void mm_os_shared_unmap(void *page);

#endif
