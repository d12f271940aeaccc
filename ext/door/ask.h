// Snapshots that somebody outside asks for while the program runs.
//
// The supervising parent shares a page with the program, writes a number into it and sends SIGURG:
// a signal that does nothing where nobody has a handler for it, so that it can do no harm after
// exec() or when the program has taken the handler away. See ask.c for the way of a request.
#ifndef MM_DOOR_ASK_H
#define MM_DOOR_ASK_H

#include <stdbool.h>

/// Listen for requests on the page in a file, until the process ends. `sibling`: who asks is our
/// parent, and waits for the copies. False: it cannot be done (errno says why; EALREADY: this
/// process listens already; EBUSY: it has a handler for SIGURG), and nothing has changed. No
/// descriptor stays open. REQUIRES: the lock is held.
bool door_ask_listen(const char *file, bool sibling);

/// Whenever this process gets a signal, say on the page that a snapshot is wanted. False: there is
/// a handler for it already, or the system refuses. REQUIRES: the process listens.
bool door_ask_signal(int number);

/// Listen no longer: the program's code has ended. Nothing where nobody listens, or in a child.
void door_ask_end(void);

#endif
