// cuts.c: a library for LD_PRELOAD that records all that a program does to one file, with offsets and data, in order: for the power-cut
// test, which makes of it what a disk may hold when the power fails.
//
//   EDOC_CUT_FILE   the file; without it nothing is done
//   EDOC_CUT_LOG    the record, appended to; others may append to it as well
//   EDOC_CUT_SKIP   a number n: each n-th sync of the file is not made and not recorded, though the program is told so. That is the mistake
//                   that the test must find
//
// A record: "CUTS", kind, thread, offset, length, and for writes the data; each appended by one call, so that records of several writers
// do not mix. Kinds: W write, D synchronous write (LMDB's meta page), d it has returned, S sync begins, s it has returned, T length set,
// A room allocated. Marks of others are K with a text. What may reach the disk is recorded before the call, what has reached it after.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct record {
    char magic[4];
    uint32_t kind;
    uint64_t thread, offset, length;
};

static const char *file;
static int log_descriptor = -1;
static long skip = 0, syncs = 0;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("EDOC_CUT_LOG");
    const char *number = getenv("EDOC_CUT_SKIP");
    file = getenv("EDOC_CUT_FILE");
    if (number) skip = atol(number);
    if (file && path) log_descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/// True for a descriptor of the file that can write.
static int is_watched(int descriptor) {
    struct stat own, wanted;
    if (log_descriptor < 0 || fstat(descriptor, &own) != 0 || !S_ISREG(own.st_mode)) return 0;
    int saved = errno;
    int is_it = stat(file, &wanted) == 0 && wanted.st_ino == own.st_ino && wanted.st_dev == own.st_dev;
    errno = saved;
    return is_it;
}

static void note(char kind, uint64_t offset, uint64_t length, const struct iovec *parts, int count) {
    struct record record = {{'C', 'U', 'T', 'S'}, (uint32_t)kind, (uint64_t)syscall(SYS_gettid), offset, length};
    struct iovec all[1025] = {{&record, sizeof record}};
    size_t total = sizeof record;
    if (count > 1024) abort();
    for (int part = 0; part < count; part++) {
        all[part + 1] = parts[part];
        total += parts[part].iov_len;
    }
    int saved = errno;
    if (syscall(SYS_writev, log_descriptor, all, count + 1) != (long)total) abort();
    errno = saved;
}

static void note_bare(char kind) { note(kind, 0, 0, NULL, 0); }

static int is_synchronous(int descriptor) {
    int flags = fcntl(descriptor, F_GETFL);
    return flags >= 0 && (flags & O_DSYNC);
}

/// A write in parts at an offset, by any call.
#define WRITING(descriptor, at, parts, count, call)                                        \
    do {                                                                                   \
        if (!is_watched(descriptor)) return call;                                          \
        uint64_t length = 0;                                                               \
        for (int part = 0; part < (count); part++) length += (parts)[part].iov_len;        \
        int synchronous = is_synchronous(descriptor);                                      \
        note(synchronous ? 'D' : 'W', (uint64_t)(at), length, parts, count);               \
        ssize_t answer = call;                                                             \
        if (synchronous && answer == (ssize_t)length) note_bare('d');                      \
        return answer;                                                                     \
    } while (0)

ssize_t pwrite64(int descriptor, const void *bytes, size_t length, off64_t offset) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real) real = dlsym(RTLD_NEXT, "pwrite64");
    struct iovec whole = {(void *)bytes, length};
    WRITING(descriptor, offset, &whole, 1, real(descriptor, bytes, length, offset));
}

ssize_t pwrite(int descriptor, const void *bytes, size_t length, off_t offset) {
    return pwrite64(descriptor, bytes, length, offset);
}

ssize_t pwritev64(int descriptor, const struct iovec *parts, int count, off64_t offset) {
    static ssize_t (*real)(int, const struct iovec *, int, off64_t);
    if (!real) real = dlsym(RTLD_NEXT, "pwritev64");
    WRITING(descriptor, offset, parts, count, real(descriptor, parts, count, offset));
}

ssize_t pwritev(int descriptor, const struct iovec *parts, int count, off_t offset) {
    return pwritev64(descriptor, parts, count, offset);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    static ssize_t (*real)(int, const struct iovec *, int);
    if (!real) real = dlsym(RTLD_NEXT, "writev");
    WRITING(descriptor, lseek(descriptor, 0, SEEK_CUR), parts, count, real(descriptor, parts, count));
}

ssize_t write(int descriptor, const void *bytes, size_t length) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    struct iovec whole = {(void *)bytes, length};
    WRITING(descriptor, lseek(descriptor, 0, SEEK_CUR), &whole, 1, real(descriptor, bytes, length));
}

static int sync_by(int (*real)(int), int descriptor) {
    if (!is_watched(descriptor)) return real(descriptor);
    if (skip > 0 && __atomic_add_fetch(&syncs, 1, __ATOMIC_SEQ_CST) % skip == 0) return 0;
    note_bare('S');
    int answer = real(descriptor);
    if (answer == 0) note_bare('s');
    return answer;
}

int fdatasync(int descriptor) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    return sync_by(real, descriptor);
}

int fsync(int descriptor) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    return sync_by(real, descriptor);
}

int ftruncate64(int descriptor, off64_t length) {
    static int (*real)(int, off64_t);
    if (!real) real = dlsym(RTLD_NEXT, "ftruncate64");
    if (is_watched(descriptor)) note('T', (uint64_t)length, 0, NULL, 0);
    return real(descriptor, length);
}

int ftruncate(int descriptor, off_t length) { return ftruncate64(descriptor, length); }

int posix_fallocate64(int descriptor, off64_t offset, off64_t length) {
    static int (*real)(int, off64_t, off64_t);
    if (!real) real = dlsym(RTLD_NEXT, "posix_fallocate64");
    if (is_watched(descriptor)) note('A', (uint64_t)(offset + length), 0, NULL, 0);
    return real(descriptor, offset, length);
}

int posix_fallocate(int descriptor, off_t offset, off_t length) { return posix_fallocate64(descriptor, offset, length); }

/// A map that can be written would change the file unseen: then the test would prove nothing.
void *mmap64(void *place, size_t length, int protection, int flags, int descriptor, off64_t offset) {
    static void *(*real)(void *, size_t, int, int, int, off64_t);
    if (!real) real = dlsym(RTLD_NEXT, "mmap64");
    if (descriptor >= 0 && (protection & PROT_WRITE) && (flags & MAP_SHARED) && is_watched(descriptor)) abort();
    return real(place, length, protection, flags, descriptor, offset);
}

void *mmap(void *place, size_t length, int protection, int flags, int descriptor, off_t offset) {
    return mmap64(place, length, protection, flags, descriptor, offset);
}
