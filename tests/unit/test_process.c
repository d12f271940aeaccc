// base/os/process: a child that the application never sees.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/os/process.h"
#include "tap.h"

static volatile sig_atomic_t child_signal_count;

static void count_signal(int number) {
    (void)number;
    child_signal_count++;
}

static void test_invisible(void) {
    (void)signal(SIGCHLD, count_signal);
    mm_error err;
    mm_os_process process;
    mm_status status = mm_os_process_clone(&process, &err);
    if (status == MM_OK && process.pid == 0) {
        mm_os_process_exit_in_child(7);
    }
    ok(status == MM_OK && process.pid > 0 && process.pidfd >= 0, "clone");
    usleep(20000);
    ok(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "waitpid(-1) sees no child");
    mm_os_exit ended;
    ok(mm_os_process_reap(&process, 5000, &ended), "reap");
    ok(ended.known && ended.status == 7 && ended.signal == 0, "exit status");
    ok(process.pidfd == -1, "the descriptor is closed");
    is_u64((uint64_t)child_signal_count, 0, "no SIGCHLD");
}

// A copy that nobody here watches: our own child, or our parent's.
static void test_unwatched(void) {
    mm_error err;
    for (int sibling = 0; sibling < 2; sibling++) {
        int words[2];
        int32_t child = -1;
        int32_t parent = -1;
        ok(pipe(words) == 0, "pipe");
        mm_status status = mm_os_process_clone_unwatched(sibling != 0, &child, &err);
        if (status == MM_OK && child == 0) {
            parent = (int32_t)getppid();
            (void)!write(words[1], &parent, sizeof parent);
            mm_os_process_exit_in_child(0);
        }
        ok(status == MM_OK && child > 0, "clone");
        ok(read(words[0], &parent, sizeof parent) == (ssize_t)sizeof parent, "it runs");
        is_u64((uint64_t)parent, (uint64_t)(sibling != 0 ? getppid() : getpid()), "its parent");
        ok(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "waitpid(-1) sees no child");
        // Gone only when it was reaped: nothing tells us when it has ended, so ask again and again.
        for (int i = 0; sibling == 0 && kill(child, 0) == 0 && i < 6000; i++) {
            mm_os_process_forget_unwatched(child);
            usleep(10000);
        }
        ok(sibling != 0 || (kill(child, 0) == -1 && errno == ESRCH), "and is forgotten");
        (void)close(words[0]);
        (void)close(words[1]);
    }
}

static void test_masks(void) {
    sigset_t before;
    sigset_t after;
    (void)sigprocmask(SIG_BLOCK, NULL, &before);
    mm_error err;
    mm_os_process process;
    int words[2];
    ok(pipe(words) == 0, "pipe");
    mm_status status = mm_os_process_clone(&process, &err);
    if (status == MM_OK && process.pid == 0) {
        mm_os_process_settle_in_child(words[1], getppid());
        bool is_closed = fcntl(0, F_GETFD) == -1 && fcntl(words[0], F_GETFD) == -1;
        sigset_t mask;
        (void)sigprocmask(SIG_BLOCK, NULL, &mask);
        struct rlimit core = {1, 1};
        (void)getrlimit(RLIMIT_CORE, &core);
        int oom = open("/proc/self/oom_score_adj", O_RDONLY);
        char text[8] = "";
        if (oom >= 0) {
            (void)!read(oom, text, sizeof text - 1);
        }
        uint8_t found[5] = {
            sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGINT) == 1,
            is_closed,
            fcntl(words[1], F_GETFD) != -1,
            core.rlim_cur == 0 && getpriority(PRIO_PROCESS, 0) == 5,
            strcmp(text, "1000\n") == 0,
        };
        (void)!write(words[1], found, sizeof found);
        mm_os_process_exit_in_child(0);
    }
    uint8_t found[5] = {0};
    mm_os_exit ended;
    ok(status == MM_OK && mm_os_process_reap(&process, 5000, &ended), "clone and reap");
    ok(read(words[0], found, sizeof found) == (ssize_t)sizeof found, "the child's word");
    ok(found[0] == 1, "signals are blocked in the child");
    ok(found[1] == 1, "inherited descriptors are closed");
    ok(found[2] == 1, "all but the one that is kept");
    ok(found[3] == 1, "no core file, and nice");
    ok(found[4] == 1, "first victim when memory runs out");
    (void)sigprocmask(SIG_BLOCK, NULL, &after);
    ok(memcmp(&before, &after, 8) == 0, "the parent's mask is as it was");
    (void)close(words[0]);
    (void)close(words[1]);
}

static void test_ends(void) {
    mm_error err;
    mm_os_process process;
    volatile uint64_t *shared = mm_os_shared_map();
    ok(shared != NULL && shared[0] == 0, "a shared page");
    mm_status status = mm_os_process_clone(&process, &err);
    if (status == MM_OK && process.pid == 0) {
        shared[0] = 42;
        for (;;) {
            (void)pause();
        }
    }
    mm_os_exit ended = {false, 0, 0};
    ok(status == MM_OK && !mm_os_process_reap(&process, 50, &ended), "it runs on");
    mm_os_process_end(&process, &ended);
    ok(ended.known && ended.signal == SIGKILL, "killed");
    is_u64(shared[0], 42, "what it shared is there");

    status = mm_os_process_clone(&process, &err);
    if (status == MM_OK && process.pid == 0) {
        mm_os_process_settle_in_child(0, 0);
        volatile int *volatile nowhere = (volatile int *)8;
        *nowhere = 1;
    }
    ok(status == MM_OK && mm_os_process_reap(&process, 5000, &ended), "a crash");
    ok(ended.known && ended.signal == SIGSEGV, "is told by its signal, though that is blocked");

    status = mm_os_process_clone(&process, &err);
    if (status == MM_OK && process.pid == 0) {
        mm_os_process_exit_in_child(0);
    }
    ok(status == MM_OK && waitpid(process.pid, NULL, __WALL) == process.pid, "somebody else waits");
    ok(mm_os_process_reap(&process, 5000, &ended) && !ended.known, "the answer is lost, no more");
    mm_os_shared_unmap((void *)shared);
    mm_os_shared_unmap(NULL);
}

int main(void) {
    test_invisible();
    test_unwatched();
    test_masks();
    test_ends();
    return done_testing();
}
