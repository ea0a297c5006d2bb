// The native protocol of the journal: a datagram, or a sealed memory file whose descriptor is passed when the entry is too large.

#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void clinux_enlarge_send_buffer(int descriptor, int bytes) {
    (void)setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

static int send_file(int descriptor, struct sockaddr_un *address, socklen_t length, const void *bytes, size_t count) {
    int file = memfd_create("journal-entry", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0) return errno;
    int error = 0;
    for (size_t done = 0; done < count && error == 0;) {
        ssize_t written = write(file, (const char *)bytes + done, count - done);
        if (written < 0 && errno != EINTR) error = errno;
        if (written > 0) done += (size_t)written;
    }
    if (error == 0 && fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
        error = errno;
    if (error == 0) {
        union {
            struct cmsghdr head;
            char space[CMSG_SPACE(sizeof(int))];
        } control;
        memset(&control, 0, sizeof control);
        struct msghdr message;
        memset(&message, 0, sizeof message);
        message.msg_name = address;
        message.msg_namelen = length;
        message.msg_control = &control;
        message.msg_controllen = sizeof control.space;
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(head), &file, sizeof file);
        if (sendmsg(descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) error = errno;
    }
    close(file);
    return error;
}

// Larger entries go as a file, whatever the buffers of both sockets would take.
#define DATAGRAM_BYTES_MAX (128 << 10)

int clinux_journal_send(int descriptor, const char *path, const void *bytes, size_t count) {
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    size_t length = strlen(path);
    if (length >= sizeof address.sun_path) return ENAMETOOLONG;
    memcpy(address.sun_path, path, length + 1);
    socklen_t size = (socklen_t)(sizeof address.sun_family + length + 1);
    if (count > DATAGRAM_BYTES_MAX) return send_file(descriptor, &address, size, bytes, count);
    if (sendto(descriptor, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address, size) >= 0) return 0;
    if (errno != EMSGSIZE && errno != ENOBUFS) return errno;
    return send_file(descriptor, &address, size, bytes, count);
}
