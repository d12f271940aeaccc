// The destination's folder is opened once and everything happens relative to it: nobody who renames
// folders meanwhile can move the result elsewhere.
//
// Where the file system can, the file is made without a name (O_TMPFILE): even when this process is
// killed, nothing stays. linkat() then names it and refuses an existing name by itself. Elsewhere a
// random name beside the destination is used, and renameat2(RENAME_NOREPLACE) or, where that is
// missing, linkat() and unlinkat(). To replace a file is always a rename from a random name.
#include "base/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NAME_TRIES = 16, PERMISSIONS = 0600, FOLDER_BYTES = 4096, DESCRIPTOR_LEAST = 3 };

// Descriptors 0 to 2 mean something to everybody: a closed stdin must not become our file.
static int descriptor_above_standard(int fd) {
    if (fd < 0 || fd >= DESCRIPTOR_LEAST) {
        return fd;
    }
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTOR_LEAST);
    int why = errno;
    (void)close(fd);
    errno = why;
    return moved;
}

static bool random_name(char *ret) {
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random) {
        return false;
    }
    (void)snprintf(ret, MM_OS_FILE_NAME_BYTES, ".mortmain-%016llx.part",
                   (unsigned long long)random);
    return true;
}

// Split `path` and open its folder. The name must be one that a file can have.
static mm_status folder_open(const char *path, mm_os_file *file, mm_error *err) {
    const char *slash = strrchr(path, '/');
    file->name = slash == NULL ? path : slash + 1;
    if (file->name[0] == '\0' || strcmp(file->name, ".") == 0 || strcmp(file->name, "..") == 0) {
        return mm_fail(err, MM_E_ARGUMENT, "the path does not name a file", 0);
    }
    char folder[FOLDER_BYTES] = ".";
    if (slash != NULL) {
        size_t length = slash == path ? 1 : (size_t)(slash - path);
        if (length >= sizeof folder) {
            return mm_fail_io(err, "cannot open the folder", ENAMETOOLONG);
        }
        memcpy(folder, path, length);
        folder[length] = '\0';
    }
    file->folder = descriptor_above_standard(open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (file->folder < 0) {
        return mm_fail_io(err, "cannot open the folder", errno);
    }
    return MM_OK;
}

// May something be written at the destination, as it looks now? Asked early, so that nobody waits
// for a snapshot that cannot be kept; asked again by the system when the name is given.
static mm_status destination_check(const mm_os_file *file, mm_error *err) {
    struct stat there;
    if (fstatat(file->folder, file->name, &there, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? MM_OK : mm_fail_io(err, "cannot look at the destination", errno);
    }
    if (S_ISLNK(there.st_mode)) {
        return mm_fail(err, MM_E_ARGUMENT, "it is a symbolic link, which is never followed", 0);
    }
    if (!S_ISREG(there.st_mode)) {
        return mm_fail(err, MM_E_ARGUMENT, "it is there and is no regular file", 0);
    }
    return file->force ? MM_OK : mm_fail(err, MM_E_EXISTS, "it exists already", 0);
}

static mm_status temporary_open(mm_os_file *file, mm_error *err) {
    file->temporary[0] = '\0';
    file->fd = openat(file->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, PERMISSIONS);
    for (int try = 0; file->fd < 0 && try < NAME_TRIES; try++) {
        if (!random_name(file->temporary)) {
            return mm_fail_io(err, "no random numbers for a temporary name", errno);
        }
        file->fd = openat(file->folder, file->temporary,
                          O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, PERMISSIONS);
        if (file->fd < 0 && errno != EEXIST) {
            break;
        }
    }
    if (file->fd < 0) {
        file->temporary[0] = '\0';
        return mm_fail_io(err, "cannot create a file in its folder", errno);
    }
    file->fd = descriptor_above_standard(file->fd);
    // The umask may have taken more away than asked for.
    if (file->fd < 0 || fchmod(file->fd, PERMISSIONS) != 0) {
        return mm_fail_io(err, "cannot set up the file", errno);
    }
    return MM_OK;
}

mm_status mm_os_file_create(const char *path, bool force, mm_os_file *ret, mm_error *err) {
    MM_ASSERT(path != NULL);
    MM_ASSERT(ret != NULL);
    mm_os_file file = {.fd = -1, .folder = -1, .force = force};
    mm_status status = folder_open(path, &file, err);
    if (status == MM_OK) {
        status = destination_check(&file, err);
    }
    if (status == MM_OK) {
        status = temporary_open(&file, err);
    }
    if (status != MM_OK) {
        mm_os_file_abandon(&file);
        return status;
    }
    *ret = file;
    return MM_OK;
}

// Name a nameless file. Answers 0 or an errno.
static int name_give(const mm_os_file *file, const char *name) {
    char self[32];
    (void)snprintf(self, sizeof self, "/proc/self/fd/%d", file->fd);
    return linkat(AT_FDCWD, self, file->folder, name, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

// From the temporary name to the destination, which must not exist. Answers 0 or an errno.
static int rename_without_replacing(mm_os_file *file) {
    if (syscall(SYS_renameat2, file->folder, file->temporary, file->folder, file->name,
                1u /* RENAME_NOREPLACE */) == 0) {
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return errno;
    }
    // File systems that cannot: a second name, then the first one goes.
    if (linkat(file->folder, file->temporary, file->folder, file->name, 0) != 0) {
        return errno;
    }
    (void)unlinkat(file->folder, file->temporary, 0);
    return 0;
}

// To replace, a nameless file needs a name to be renamed from. Answers 0 or an errno.
static int rename_replacing(mm_os_file *file) {
    int why = file->temporary[0] != '\0' ? 0 : EEXIST;
    for (int try = 0; why == EEXIST && try < NAME_TRIES; try++) {
        char name[MM_OS_FILE_NAME_BYTES];
        if (!random_name(name)) {
            return errno;
        }
        why = name_give(file, name);
        if (why == 0) {
            memcpy(file->temporary, name, sizeof name);
        }
    }
    if (why != 0) {
        return why;
    }
    return renameat(file->folder, file->temporary, file->folder, file->name) == 0 ? 0 : errno;
}

mm_status mm_os_file_commit(mm_os_file *file, mm_error *err) {
    MM_ASSERT(file->fd >= DESCRIPTOR_LEAST);
    MM_ASSERT(file->folder >= 0);
    mm_status status = destination_check(file, err);
    int why = 0;
    if (status == MM_OK) {
        if (file->force) {
            why = rename_replacing(file);
        } else if (file->temporary[0] == '\0') {
            why = name_give(file, file->name);
        } else {
            why = rename_without_replacing(file);
        }
    }
    if (why == EEXIST) {
        status = mm_fail(err, MM_E_EXISTS, "it exists already", 0);
    } else if (why != 0) {
        status = mm_fail_io(err, "cannot give the file its name", why);
    }
    if (status == MM_OK) {
        file->temporary[0] = '\0';
    }
    mm_os_file_abandon(file);
    return status;
}

void mm_os_file_abandon(mm_os_file *file) {
    if (file->folder >= 0 && file->temporary[0] != '\0') {
        (void)unlinkat(file->folder, file->temporary, 0);
    }
    if (file->fd >= 0) {
        (void)close(file->fd);
    }
    if (file->folder >= 0) {
        (void)close(file->folder);
    }
    file->fd = -1;
    file->folder = -1;
    file->temporary[0] = '\0';
}

mm_status mm_os_file_restart(int fd, mm_error *err) {
    if (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0) {
        return mm_fail_io(err, "cannot begin the file again", errno);
    }
    return MM_OK;
}

mm_status mm_os_file_anonymous(int *ret_fd, mm_error *err) {
    int fd = descriptor_above_standard(memfd_create("mortmain", MFD_CLOEXEC));
    if (fd < 0) {
        return mm_fail_io(err, "cannot make a file in memory", errno);
    }
    *ret_fd = fd;
    return MM_OK;
}
