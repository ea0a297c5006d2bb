// killer.c: a library for LD_PRELOAD that kills a program at a certain call on files below a folder: for the test that a document is
// handed over once, never twice and never half, whatever the daemon is killed at.
//
//   EDOC_KILL_UNDER   the folder; without it nothing is done
//   EDOC_KILL_AT      the number of the call, from 1; with 0 nothing is killed
//   EDOC_KILL_WHEN    "before" the call is made, or "after"
//   EDOC_KILL_LOG     a file to which the name of each call is appended, a line each

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *under;
static long kill_at = 0, calls = 0;
static int kills_after = 0, log_descriptor = -1;

__attribute__((constructor)) static void begin(void) {
    const char *number = getenv("EDOC_KILL_AT");
    const char *when = getenv("EDOC_KILL_WHEN");
    const char *path = getenv("EDOC_KILL_LOG");
    under = getenv("EDOC_KILL_UNDER");
    if (number) kill_at = atol(number);
    if (when) kills_after = strcmp(when, "after") == 0;
    if (path) log_descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/// True when the descriptor is that of a file or folder below the one that is watched.
static int is_watched(int descriptor) {
    if (!under || descriptor < 0) return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strncmp(path, under, strlen(under)) == 0;
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/// Counts the call; true when it is the last one of this program.
static int is_last(const char *name) {
    pthread_mutex_lock(&lock);
    int is_it = ++calls == kill_at;
    if (log_descriptor >= 0) {
        char line[64];
        int length = snprintf(line, sizeof line, "%s\n", name);
        if (syscall(SYS_write, log_descriptor, line, (size_t)length) != length) abort();
    }
    if (is_it && !kills_after) die();
    pthread_mutex_unlock(&lock);
    return is_it;
}

#define WATCHED(name, descriptor, call)                        \
    do {                                                       \
        int is_it = is_watched(descriptor) && is_last(name);   \
        __typeof__(call) answer = call;                        \
        if (is_it) die();                                      \
        return answer;                                         \
    } while (0)

int openat(int folder, const char *path, int flags, ...) {
    static int (*real)(int, const char *, int, ...);
    if (!real) real = dlsym(RTLD_NEXT, "openat");
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    WATCHED("openat", folder, real(folder, path, flags, mode));
}

int unlinkat(int folder, const char *path, int flags) {
    static int (*real)(int, const char *, int);
    if (!real) real = dlsym(RTLD_NEXT, "unlinkat");
    WATCHED("unlinkat", folder, real(folder, path, flags));
}

ssize_t write(int descriptor, const void *bytes, size_t length) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    WATCHED("write", descriptor, real(descriptor, bytes, length));
}

int fchmod(int descriptor, mode_t mode) {
    static int (*real)(int, mode_t);
    if (!real) real = dlsym(RTLD_NEXT, "fchmod");
    WATCHED("fchmod", descriptor, real(descriptor, mode));
}

int fsync(int descriptor) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    WATCHED("fsync", descriptor, real(descriptor));
}

int renameat(int from, const char *old, int to, const char *new) {
    static int (*real)(int, const char *, int, const char *);
    if (!real) real = dlsym(RTLD_NEXT, "renameat");
    WATCHED("renameat", from, real(from, old, to, new));
}
