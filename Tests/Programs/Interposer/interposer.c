// interposer.c: a library for LD_PRELOAD that writes down, in order, when a program has synced its files and what it has read from
// and written to its sockets; and that can delay each sync, or make one fail. For the tests that nothing leaves the relay before the
// commit that justifies it.
//
//   EDOC_INTERPOSE_LOG        the file to append to; without it nothing is done
//   EDOC_INTERPOSE_DELAY_MS   how long each fdatasync is delayed, before it begins its work
//   EDOC_INTERPOSE_FAIL_AT    a text: the first sync that begins after it was read from a socket fails, once
//   EDOC_INTERPOSE_FULL       a file: when it is there, the next pages that are written find no room on the disk, and it is removed
//   EDOC_INTERPOSE_NO_ROOM_FOR, EDOC_INTERPOSE_NO_SYNC_OF   a text: files whose paths end with it find no room, or cannot
//                             be synced by fsync
//   EDOC_INTERPOSE_FROZEN     a file: while it is there the disk hangs: no sync, no write to a file and no question after a file
//                             system is answered
//
// A line: order, monotonic nanoseconds, what, descriptor, inode of the socket (0 for files), octets in hexadecimal.
// What: F pages found no room, S sync begins, s sync ends, E sync fails, M synchronous write (LMDB's meta page) begins, m ends, R octets were read, W octets were
// written. R has its place in the order before the program sees the octets, and W before the kernel does: a W behind an s really
// came later. Since a W is written down when it is known how much the kernel took, lines are to be sorted by their order.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_descriptor = -1;
static long delay_milliseconds = 0;
static const char *full;
static const char *frozen;
static const char *fail_at;
static const char *no_room_for, *no_sync_of;
static int has_failure = 0;
static unsigned long last_order = 0;

/// A place in the order of what happens, and its time.
struct moment {
    unsigned long order;
    uint64_t time;
};

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("EDOC_INTERPOSE_LOG");
    const char *delay = getenv("EDOC_INTERPOSE_DELAY_MS");
    if (delay) delay_milliseconds = atol(delay);
    full = getenv("EDOC_INTERPOSE_FULL");
    frozen = getenv("EDOC_INTERPOSE_FROZEN");
    fail_at = getenv("EDOC_INTERPOSE_FAIL_AT");
    no_room_for = getenv("EDOC_INTERPOSE_NO_ROOM_FOR");
    no_sync_of = getenv("EDOC_INTERPOSE_NO_SYNC_OF");
    if (path) log_descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static struct moment take_moment(void) {
    pthread_mutex_lock(&lock);
    struct moment moment = {++last_order, now()};
    pthread_mutex_unlock(&lock);
    return moment;
}

/// The inode of a socket, or 0.
static unsigned long socket_inode(int descriptor) {
    struct stat facts;
    if (fstat(descriptor, &facts) != 0 || !S_ISSOCK(facts.st_mode)) return 0;
    return (unsigned long)facts.st_ino;
}

/// Writes a line down; of the parts no more than `total` octets.
static void note(
    char what, struct moment moment, int descriptor, unsigned long inode, const struct iovec *parts, size_t total) {
    if (log_descriptor < 0) return;
    char *line = malloc(total * 2 + 128);
    if (!line) abort();
    int saved = errno;
    int length =
        sprintf(line, "%lu %llu %c %d %lu ", moment.order, (unsigned long long)moment.time, what, descriptor, inode);
    static const char digits[] = "0123456789abcdef";
    for (int part = 0; total > 0; part++) {
        const unsigned char *bytes = parts[part].iov_base;
        for (size_t index = 0; index < parts[part].iov_len && total > 0; index++, total--) {
            line[length++] = digits[bytes[index] >> 4];
            line[length++] = digits[bytes[index] & 15];
        }
    }
    line[length++] = '\n';
    pthread_mutex_lock(&lock);
    for (int written = 0; written < length;) {
        long count = syscall(SYS_write, log_descriptor, line + written, (size_t)(length - written));
        if (count < 0) abort();
        written += (int)count;
    }
    pthread_mutex_unlock(&lock);
    errno = saved;
    free(line);
}

static void note_bare(char what, int descriptor) { note(what, take_moment(), descriptor, 0, NULL, 0); }

static void note_bytes(
    char what, struct moment moment, int descriptor, unsigned long inode, const void *bytes, ssize_t length) {
    struct iovec part = {(void *)bytes, (size_t)length};
    if (inode && length > 0) note(what, moment, descriptor, inode, &part, (size_t)length);
}

/// True once for each file that is put there.
static int finds_no_room(int descriptor) {
    if (!full || unlink(full) != 0) return 0;
    note_bare('F', descriptor);
    errno = ENOSPC;
    return 1;
}

/// True for a descriptor whose path ends with the text.
static int is_of(int descriptor, const char *text) {
    if (!text) return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    size_t wanted = strlen(text);
    return (size_t)length >= wanted && memcmp(path + length - wanted, text, wanted) == 0;
}

int fsync(int descriptor) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    if (is_of(descriptor, no_sync_of)) {
        errno = EIO;
        return -1;
    }
    return real(descriptor);
}

/// Waits for a disk that hangs.
static void await_disk(void) {
    if (!frozen) return;
    int saved = errno;
    while (access(frozen, F_OK) == 0) {
        struct timespec rest = {0, 10000000};
        nanosleep(&rest, NULL);
    }
    errno = saved;
}

int statvfs64(const char *path, struct statvfs64 *facts) {
    static int (*real)(const char *, struct statvfs64 *);
    if (!real) real = dlsym(RTLD_NEXT, "statvfs64");
    await_disk();
    return real(path, facts);
}

int statvfs(const char *path, struct statvfs *facts) {
    static int (*real)(const char *, struct statvfs *);
    if (!real) real = dlsym(RTLD_NEXT, "statvfs");
    await_disk();
    return real(path, facts);
}

int fstatvfs(int descriptor, struct statvfs *facts) {
    static int (*real)(int, struct statvfs *);
    if (!real) real = dlsym(RTLD_NEXT, "fstatvfs");
    await_disk();
    return real(descriptor, facts);
}

int fstatvfs64(int descriptor, struct statvfs64 *facts) {
    static int (*real)(int, struct statvfs64 *);
    if (!real) real = dlsym(RTLD_NEXT, "fstatvfs64");
    await_disk();
    return real(descriptor, facts);
}

/// Arms the failure, before the program sees the octets.
static void look_for_failure(int descriptor, const void *bytes, ssize_t length) {
    if (!fail_at || length <= 0 || !memmem(bytes, (size_t)length, fail_at, strlen(fail_at))) return;
    if (!socket_inode(descriptor)) return;
    pthread_mutex_lock(&lock);
    if (fail_at) has_failure = 1;
    fail_at = NULL;
    pthread_mutex_unlock(&lock);
}

/// True once after it was armed.
static int takes_failure(void) {
    pthread_mutex_lock(&lock);
    int takes = has_failure;
    has_failure = 0;
    pthread_mutex_unlock(&lock);
    return takes;
}

int fdatasync(int descriptor) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    int fails = takes_failure();
    note_bare('S', descriptor);
    await_disk();
    if (delay_milliseconds > 0) {
        struct timespec rest = {delay_milliseconds / 1000, (delay_milliseconds % 1000) * 1000000};
        while (nanosleep(&rest, &rest) != 0 && errno == EINTR) {
        }
    }
    if (fails) {
        note_bare('E', descriptor);
        errno = EIO;
        return -1;
    }
    int answer = real(descriptor);
    note_bare('s', descriptor);
    return answer;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t length, off64_t offset) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real) real = dlsym(RTLD_NEXT, "pwrite64");
    int flags = fcntl(descriptor, F_GETFL);
    int is_synchronous = flags >= 0 && (flags & O_DSYNC);
    await_disk();
    if (!is_synchronous && finds_no_room(descriptor)) return -1;
    if (is_synchronous) note_bare('M', descriptor);
    ssize_t answer = real(descriptor, bytes, length, offset);
    if (is_synchronous) note_bare('m', descriptor);
    return answer;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t length, off_t offset) {
    return pwrite64(descriptor, bytes, length, offset);
}

ssize_t read(int descriptor, void *bytes, size_t length) {
    static ssize_t (*real)(int, void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "read");
    ssize_t answer = real(descriptor, bytes, length);
    look_for_failure(descriptor, bytes, answer);
    if (answer > 0) note_bytes('R', take_moment(), descriptor, socket_inode(descriptor), bytes, answer);
    return answer;
}

ssize_t recv(int descriptor, void *bytes, size_t length, int flags) {
    static ssize_t (*real)(int, void *, size_t, int);
    if (!real) real = dlsym(RTLD_NEXT, "recv");
    ssize_t answer = real(descriptor, bytes, length, flags);
    look_for_failure(descriptor, bytes, answer);
    if (answer > 0) note_bytes('R', take_moment(), descriptor, socket_inode(descriptor), bytes, answer);
    return answer;
}

ssize_t write(int descriptor, const void *bytes, size_t length) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    if (is_of(descriptor, no_room_for)) {
        errno = ENOSPC;
        return -1;
    }
    unsigned long inode = socket_inode(descriptor);
    struct moment moment = take_moment();
    ssize_t answer = real(descriptor, bytes, length);
    note_bytes('W', moment, descriptor, inode, bytes, answer);
    return answer;
}

ssize_t send(int descriptor, const void *bytes, size_t length, int flags) {
    static ssize_t (*real)(int, const void *, size_t, int);
    if (!real) real = dlsym(RTLD_NEXT, "send");
    unsigned long inode = socket_inode(descriptor);
    struct moment moment = take_moment();
    ssize_t answer = real(descriptor, bytes, length, flags);
    note_bytes('W', moment, descriptor, inode, bytes, answer);
    return answer;
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    static ssize_t (*real)(int, const struct iovec *, int);
    if (!real) real = dlsym(RTLD_NEXT, "writev");
    unsigned long inode = socket_inode(descriptor);
    struct stat facts;
    int is_file = !inode && fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode);
    if (is_file) await_disk();
    if (is_file && finds_no_room(descriptor)) return -1;
    struct moment moment = take_moment();
    ssize_t answer = real(descriptor, parts, count);
    if (inode && answer > 0) note('W', moment, descriptor, inode, parts, (size_t)answer);
    return answer;
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags) {
    static ssize_t (*real)(int, const struct msghdr *, int);
    if (!real) real = dlsym(RTLD_NEXT, "sendmsg");
    unsigned long inode = socket_inode(descriptor);
    struct moment moment = take_moment();
    ssize_t answer = real(descriptor, message, flags);
    if (inode && answer > 0) note('W', moment, descriptor, inode, message->msg_iov, (size_t)answer);
    return answer;
}
