// CLinux: what Linux offers and the Swift overlay of glibc does not import, because it stands behind _GNU_SOURCE.

#ifndef CLINUX_H
#define CLINUX_H

#include <sys/types.h>

/// The caller at the other end of a Unix socket, in the layout of `struct ucred` (unix(7), SO_PEERCRED).
struct clinux_credential {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};

/// Names the calling thread, for people who look at it; at most 15 bytes.
void clinux_name_thread(const char *name);

#endif
