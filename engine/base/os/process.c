// clone() with no CLONE_VM is fork() without the C library: no handlers, no locks taken, none
// re-made. The child therefore must not touch malloc, stdio or anything else with a lock: another
// thread may have held it at the moment of the copy, and that thread does not exist in the child.
// Functions for use there end in `_in_child` and make raw system calls only.
//
// exit_signal 0 makes the child invisible: no SIGCHLD, and only a wait with __WALL finds it. The
// pidfd is what we poll, so that its number can never mean another process.
#include "base/os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    CLONE_PIDFD_FLAG = 0x1000,
    CLONE_PARENT_FLAG = 0x8000,
    KERNEL_MASK_BYTES = 8,
    PAGE_BYTES = 4096,
    NICE_LEAST = 5,
    DESCRIPTORS_MAX = 1 << 16,
    BLIND_WAIT_NS = 1000000
};

// All signals, also those that the C library keeps to itself: its own sigprocmask() leaves them
// open.
static uint64_t signals_block_all(void) {
    uint64_t all = ~(uint64_t)0;
    uint64_t before = 0;
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, KERNEL_MASK_BYTES);
    return before;
}

static void signals_restore(uint64_t mask) {
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, KERNEL_MASK_BYTES);
}

mm_status mm_os_process_clone(mm_os_process *ret, mm_error *err) {
    MM_ASSERT(ret != NULL);
    int pidfd = -1;
    uint64_t mask = signals_block_all();
    // The first three arguments are the same on every architecture that we build for.
    long pid = syscall(SYS_clone, (unsigned long)CLONE_PIDFD_FLAG, 0UL, &pidfd, 0UL, 0UL);
    if (pid == 0) {
        ret->pid = 0;
        ret->pidfd = -1;
        return MM_OK;
    }
    int why = errno;
    signals_restore(mask);
    if (pid > 0 && pidfd >= 0 && pidfd <= STDERR_FILENO) {
        // Where a standard stream is closed: nobody shall take this for one.
        int moved = fcntl(pidfd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (moved >= 0) {
            (void)close(pidfd);
            pidfd = moved;
        }
    }
    if (pid < 0) {
        return mm_fail_io(err, "the system refused to clone this process", why);
    }
    mm_os_process process = {(int32_t)pid, pidfd};
    if (pidfd < 0) {  // a kernel before 5.2 takes the flag for nothing
        mm_os_exit ended;
        mm_os_process_end(&process, &ended);
        return mm_fail_io(err, "the system cannot watch a child by descriptor", ENOSYS);
    }
    *ret = process;
    return MM_OK;
}

mm_status mm_os_process_clone_unwatched(bool sibling, int32_t *ret_pid, mm_error *err) {
    MM_ASSERT(ret_pid != NULL);
    unsigned long flags = sibling ? CLONE_PARENT_FLAG : 0;
    uint64_t mask = signals_block_all();
    long pid = syscall(SYS_clone, flags, 0UL, NULL, 0UL, 0UL);
    int why = errno;
    if (pid == 0) {
        *ret_pid = 0;
        return MM_OK;
    }
    signals_restore(mask);
    if (pid < 0) {
        return mm_fail_io(err, "the system refused to clone this process", why);
    }
    *ret_pid = (int32_t)pid;
    return MM_OK;
}

void mm_os_process_forget_unwatched(int32_t pid) {
    MM_ASSERT(pid > 0);
    (void)syscall(SYS_wait4, pid, NULL, WNOHANG | __WALL, NULL);
}

// Close everything but one descriptor.
static void descriptors_close_in_child(unsigned fd_kept) {
    long refused = 0;
    if (fd_kept > 0) {
        refused |= syscall(SYS_close_range, 0u, fd_kept - 1, 0u);
    }
    refused |= syscall(SYS_close_range, fd_kept + 1, ~0u, 0u);
    if (refused == 0) {
        return;
    }
    struct rlimit limit = {DESCRIPTORS_MAX, DESCRIPTORS_MAX};
    (void)syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit);
    unsigned end = limit.rlim_cur < DESCRIPTORS_MAX ? (unsigned)limit.rlim_cur : DESCRIPTORS_MAX;
    for (unsigned fd = 0; fd < end; fd++) {
        if (fd != fd_kept) {
            (void)syscall(SYS_close, fd);
        }
    }
}

void mm_os_process_settle_in_child(int fd_kept, int32_t parent_pid) {
    MM_ASSERT(fd_kept >= 0);
    MM_ASSERT(parent_pid >= 0);
    if (parent_pid != 0) {
        (void)syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (syscall(SYS_getppid) != parent_pid) {  // it ended before we could ask
            mm_os_process_exit_in_child(1);
        }
    }
    descriptors_close_in_child((unsigned)fd_kept);
    long fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);
    if (fd >= 0) {
        (void)syscall(SYS_write, fd, "1000", 4);
        (void)syscall(SYS_close, fd);
    }
    (void)syscall(SYS_setpriority, PRIO_PROCESS, 0, NICE_LEAST);
    // A limit of zero stops core files, but not a core handler behind a pipe; being undumpable
    // stops both. It comes after the write above, which it would forbid.
    struct rlimit none = {0, 0};
    (void)syscall(SYS_prlimit64, 0, RLIMIT_CORE, &none, NULL);
    (void)syscall(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
}

_Noreturn void mm_os_process_exit_in_child(int status) {
    for (;;) {
        (void)syscall(SYS_exit_group, status);
    }
}

// Take the answer if there is one. 1 = ended, 0 = runs.
static int child_collect(const mm_os_process *process, int options, mm_os_exit *ret) {
    int status = 0;
    long pid;
    do {
        pid = syscall(SYS_wait4, process->pid, &status, options | __WALL, NULL);
    } while (pid < 0 && errno == EINTR);
    if (pid == 0) {
        return 0;
    }
    mm_os_exit ended = {.known = pid == process->pid};
    if (ended.known && WIFSIGNALED(status)) {
        ended.signal = WTERMSIG(status);
    } else if (ended.known) {
        ended.status = WEXITSTATUS(status);
    }
    *ret = ended;
    return 1;
}

static void process_forget(mm_os_process *process) {
    if (process->pidfd >= 0) {
        (void)close(process->pidfd);
    }
    process->pid = 0;
    process->pidfd = -1;
}

bool mm_os_process_reap(mm_os_process *process, int timeout_ms, mm_os_exit *ret) {
    MM_ASSERT(process->pid > 0);
    MM_ASSERT(process->pidfd >= 0);
    struct pollfd watched = {.fd = process->pidfd, .events = POLLIN};
    int ready = poll(&watched, 1, timeout_ms);
    if (ready == 0 || (ready < 0 && errno == EINTR)) {
        return false;
    }
    bool blind = ready < 0 || (watched.revents & POLLNVAL) != 0;
    if (child_collect(process, WNOHANG, ret) == 0) {
        if (blind) {  // a sandbox forbids poll: the caller asks again and again, but not at once
            struct timespec pause = {0, BLIND_WAIT_NS};
            (void)nanosleep(&pause, NULL);
        }
        return false;
    }
    process_forget(process);
    return true;
}

void mm_os_process_end(mm_os_process *process, mm_os_exit *ret) {
    MM_ASSERT(process->pid > 0);
    if (process->pidfd < 0 ||
        syscall(SYS_pidfd_send_signal, process->pidfd, SIGKILL, NULL, 0u) != 0) {
        // Not reaped yet, so the number is still ours.
        (void)syscall(SYS_kill, process->pid, SIGKILL);
    }
    (void)child_collect(process, 0, ret);
    process_forget(process);
}

uint64_t mm_os_thread_id(void) {
    return (uint64_t)syscall(SYS_gettid);
}

int32_t mm_os_process_id(void) {
    return (int32_t)syscall(SYS_getpid);
}

uint64_t mm_os_now_ns(void) {
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void *mm_os_shared_map(void) {
    void *page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? NULL : page;
}

void mm_os_shared_unmap(void *page) {
    if (page != NULL) {
        (void)munmap(page, PAGE_BYTES);
    }
}
