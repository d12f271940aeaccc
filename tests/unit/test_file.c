// base/os/file and base/os/sink: a file appears whole or not at all, and nothing is followed.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os/file.h"
#include "base/os/sink.h"
#include "tap.h"

static char folder[] = "/tmp/mortmain-test-XXXXXX";

// A path in the test's folder.
static const char *in_folder(char *room, const char *name) {
    (void)snprintf(room, 256, "%s/%s", folder, name);
    return room;
}

static bool holds(const char *path, const char *text) {
    char found[64] = "";
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return false;
    }
    size_t count = fread(found, 1, sizeof found - 1, file);
    (void)fclose(file);
    found[count] = '\0';
    return strcmp(found, text) == 0;
}

static unsigned entry_count(void) {
    char command[300];
    unsigned count = 99;
    (void)snprintf(command, sizeof command, "ls -A %s | wc -l", folder);
    FILE *pipe = popen(command, "r");
    if (pipe == NULL || fscanf(pipe, "%u", &count) != 1) {
        count = 99;
    }
    (void)pclose(pipe);
    return count;
}

static bool write_all(mm_os_file *file, const char *text) {
    mm_os_sink sink;
    mm_os_sink_init(&sink, file->fd);
    mm_sink view = mm_os_sink_view(&sink);
    return view.write(view.context, text, strlen(text)) == MM_OK &&
           sink.written_bytes == strlen(text);
}

static void test_whole_or_not(void) {
    char room[256];
    const char *path = in_folder(room, "a.mort");
    mm_os_file file;
    mm_error err;
    ok(mm_os_file_create(path, false, &file, &err) == MM_OK, "create");
    ok(file.fd > 2, "not a standard descriptor");
    ok(write_all(&file, "one"), "write");
    ok(access(path, F_OK) != 0, "no name before commit");
    ok(mm_os_file_commit(&file, &err) == MM_OK, "commit");
    ok(holds(path, "one"), "whole after commit");
    struct stat there;
    ok(stat(path, &there) == 0 && (there.st_mode & 07777) == 0600, "permissions 0600");

    ok(mm_os_file_create(path, false, &file, &err) == MM_E_EXISTS, "an existing file is refused");
    ok(mm_os_file_create(path, true, &file, &err) == MM_OK, "but not with force");
    ok(write_all(&file, "two"), "write");
    ok(holds(path, "one"), "the old file stands until commit");
    ok(mm_os_file_commit(&file, &err) == MM_OK, "commit over it");
    ok(holds(path, "two"), "replaced");

    ok(mm_os_file_create(path, true, &file, &err) == MM_OK && write_all(&file, "x"), "a third");
    mm_os_file_abandon(&file);
    mm_os_file_abandon(&file);
    ok(holds(path, "two"), "abandon leaves the old file");
    is_u64(entry_count(), 1, "nothing else is left");
    (void)unlink(path);
}

static void test_race(void) {
    char room[256];
    const char *path = in_folder(room, "race.mort");
    mm_os_file file;
    mm_error err;
    ok(mm_os_file_create(path, false, &file, &err) == MM_OK, "create");
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
    ok(fd >= 0 && close(fd) == 0, "somebody takes the name meanwhile");
    ok(mm_os_file_commit(&file, &err) == MM_E_EXISTS, "commit refuses");
    is_u64(entry_count(), 1, "and leaves nothing");
    (void)unlink(path);
}

static void test_named_temporary(void) {
    // What file systems without O_TMPFILE give: the same file with a name.
    char room[256];
    char part[256];
    const char *path = in_folder(room, "b.mort");
    mm_os_file file;
    mm_error err;
    ok(mm_os_file_create(path, false, &file, &err) == MM_OK, "create");
    if (file.temporary[0] == '\0') {
        (void)close(file.fd);
        (void)snprintf(file.temporary, sizeof file.temporary, ".part");
        file.fd = open(in_folder(part, ".part"), O_CREAT | O_EXCL | O_RDWR, 0600);
    }
    ok(write_all(&file, "named") && mm_os_file_commit(&file, &err) == MM_OK, "commit");
    ok(holds(path, "named"), "renamed");
    is_u64(entry_count(), 1, "the temporary name is gone");
    (void)unlink(path);
}

static void test_refused(void) {
    char room[256];
    char other[256];
    const char *path = in_folder(room, "link.mort");
    mm_os_file file;
    mm_error err;
    ok(symlink(in_folder(other, "aim"), path) == 0, "a dangling link");
    ok(mm_os_file_create(path, false, &file, &err) == MM_E_ARGUMENT, "a link is not followed");
    ok(mm_os_file_create(path, true, &file, &err) == MM_E_ARGUMENT, "not even with force");
    (void)unlink(path);
    ok(mm_os_file_create("/dev/null", true, &file, &err) == MM_E_ARGUMENT,
       "a device is not replaced");
    ok(mm_os_file_create(folder, true, &file, &err) == MM_E_ARGUMENT, "nor a folder");
    ok(mm_os_file_create("", false, &file, &err) == MM_E_ARGUMENT, "an empty path names no file");
    ok(mm_os_file_create("x/..", false, &file, &err) == MM_E_ARGUMENT, "nor does ..");
    ok(mm_os_file_create(in_folder(room, "no/where"), false, &file, &err) == MM_E_IO &&
           err.sys_errno == ENOENT,
       "no such folder");
    is_u64(entry_count(), 0, "nothing is left");
}

static void test_full(void) {
    mm_os_sink sink;
    int fd = open("/dev/full", O_WRONLY);
    mm_os_sink_init(&sink, fd);
    mm_sink view = mm_os_sink_view(&sink);
    ok(view.write(view.context, "x", 1) == MM_E_IO && sink.sys_errno == ENOSPC, "a full disk");
    (void)close(fd);

    mm_error err;
    ok(mm_os_file_anonymous(&fd, &err) == MM_OK && fd > 2, "a file in memory");
    struct rlimit before;
    struct rlimit small;
    (void)getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 5;
    // The signal would end this process.
    mm_os_sink_guard guard;
    (void)setrlimit(RLIMIT_FSIZE, &small);
    mm_os_sink_init(&sink, fd);
    mm_os_sink_guard_begin(&guard);
    mm_status status = view.write(view.context, "12345678", 8);
    mm_os_sink_guard_end(&guard);
    (void)setrlimit(RLIMIT_FSIZE, &before);
    ok(status == MM_E_IO && sink.sys_errno == EFBIG, "a short write, then a limit");
    is_u64(sink.written_bytes, 5, "what was written is counted");
    ok(mm_os_file_restart(fd, &err) == MM_OK && lseek(fd, 0, SEEK_END) == 0, "begin again");
    (void)close(fd);
}

int main(void) {
    if (mkdtemp(folder) == NULL) {
        return EXIT_FAILURE;
    }
    (void)umask(0777);
    test_whole_or_not();
    test_race();
    test_named_temporary();
    test_refused();
    test_full();
    ok(rmdir(folder) == 0, "the folder is empty");
    return done_testing();
}
