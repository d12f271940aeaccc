// A file that appears whole or not at all.
//
// While it is written it has no name, or a random one beside its destination; it gets its own name
// in one step when it is done. Whoever dies in between leaves nothing behind that looks like a
// result. Symbolic links are never followed, and nothing but a regular file is ever replaced.
#ifndef MM_BASE_OS_FILE_H
#define MM_BASE_OS_FILE_H

#include "base/free/status.h"

/// Room for the random name, NUL included.
enum { MM_OS_FILE_NAME_BYTES = 40 };

/// A file being written. Ends with exactly one of commit and abandon.
typedef struct mm_os_file {
    int fd;            ///< where to write; never below 3; closed on exec
    int folder;        ///< descriptor of the destination's folder
    bool force;        ///< an existing file may be replaced
    const char *name;  ///< last part of the destination; borrowed from the path given to create
    char temporary[MM_OS_FILE_NAME_BYTES];  ///< name so far; "" while the file has none
} mm_os_file;

/// Begin a file that will stand at `path`, which must stay as it is until commit or abandon. Its
/// permissions are 0600 whatever the umask says.
/// Answers MM_E_EXISTS when something is there already (not with `force`, if it is a regular file),
/// MM_E_ARGUMENT when `path` names no file or something that must not be replaced, MM_E_IO.
MM_STATUS mm_os_file_create(const char *path, bool force, mm_os_file *ret, mm_error *err);

/// Give the file its name and close it. On failure nothing of it is left, and a file that stood
/// there before stands there still.
MM_STATUS mm_os_file_commit(mm_os_file *file, mm_error *err);

/// Close the file and leave nothing behind. Twice is fine.
void mm_os_file_abandon(mm_os_file *file);

/// Make an open file empty and write from its start again.
MM_STATUS mm_os_file_restart(int fd, mm_error *err);

/// A file that never has a name, in memory. Answers its descriptor, which the caller closes.
MM_STATUS mm_os_file_anonymous(int *ret_fd, mm_error *err);

#endif
