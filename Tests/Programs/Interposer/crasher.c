// crasher.c: a library for LD_PRELOAD that makes a program crash while it has a certain envelope in hand: for the test that one bad
// envelope does not keep the daemon from all others. It looks at the page of envelopes in hand whenever the program reads its
// store, and sends the thread that has the envelope a signal.
//
//   EDOC_CRASH_PAGE       the page, `in-hand` beside the store; without it nothing is done
//   EDOC_CRASH_ENVELOPE   the number of the envelope
//   EDOC_CRASH_THREAD     what the name of the thread begins with
//   EDOC_CRASH_SIGNAL     the signal; SIGKILL says nothing of what was in hand
//
// Nothing happens before a peer has connected: what the daemon does at its start about a suspect goes well, as it does when it is
// the sending that fails.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../../Sources/System/CLinux/include/CLinux.h"

static _Atomic(struct clinux_hand *) page;
static atomic_int is_armed;
static const char *path, *thread_name;
static uint64_t envelope;
static int fatal_signal = SIGABRT;

__attribute__((constructor)) static void begin(void) {
    const char *number = getenv("EDOC_CRASH_ENVELOPE");
    const char *signal = getenv("EDOC_CRASH_SIGNAL");
    path = getenv("EDOC_CRASH_PAGE");
    thread_name = getenv("EDOC_CRASH_THREAD");
    if (number) envelope = strtoull(number, NULL, 10);
    if (signal) fatal_signal = atoi(signal);
}

static struct clinux_hand *open_page(void) {
    struct clinux_hand *mapped = atomic_load(&page);
    if (mapped || !path) return mapped;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return NULL;
    void *bytes = mmap(NULL, sizeof(struct clinux_hand), PROT_READ, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (bytes == MAP_FAILED) abort();
    atomic_store(&page, bytes);
    return bytes;
}

/// The store is being read on this thread.
static void look(void) {
    if (!atomic_load(&is_armed) || envelope == 0 || !thread_name) return;
    char name[16];
    if (pthread_getname_np(pthread_self(), name, sizeof name) != 0) return;
    if (strncmp(name, thread_name, strlen(thread_name)) != 0) return;
    struct clinux_hand *hand = open_page();
    for (int slot = 0; hand && slot < CLINUX_HAND_SLOTS; slot++)
        if (__atomic_load_n(&hand->envelopes[slot], __ATOMIC_RELAXED) == envelope) {
            if (fatal_signal == SIGKILL) kill(getpid(), SIGKILL);
            /* Threads of the daemon block SIGABRT; abort opens it. */
            if (fatal_signal == SIGABRT) abort();
            raise(fatal_signal);
        }
}

int mdb_get(void *transaction, unsigned int table, void *key, void *value) {
    static int (*real)(void *, unsigned int, void *, void *);
    if (!real) real = dlsym(RTLD_NEXT, "mdb_get");
    look();
    return real(transaction, table, key, value);
}

int mdb_cursor_get(void *cursor, void *key, void *value, int operation) {
    static int (*real)(void *, void *, void *, int);
    if (!real) real = dlsym(RTLD_NEXT, "mdb_cursor_get");
    look();
    return real(cursor, key, value, operation);
}

static int accepted(int descriptor) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (descriptor >= 0 && getsockname(descriptor, (struct sockaddr *)&address, &length) == 0
        && address.ss_family == AF_INET)
        atomic_store(&is_armed, 1);
    return descriptor;
}

int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags) {
    static int (*real)(int, struct sockaddr *, socklen_t *, int);
    if (!real) real = dlsym(RTLD_NEXT, "accept4");
    return accepted(real(descriptor, address, length, flags));
}

int accept(int descriptor, struct sockaddr *address, socklen_t *length) {
    static int (*real)(int, struct sockaddr *, socklen_t *);
    if (!real) real = dlsym(RTLD_NEXT, "accept");
    return accepted(real(descriptor, address, length));
}
