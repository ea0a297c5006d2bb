#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void clinux_name_thread(const char *name) { (void)pthread_setname_np(pthread_self(), name); }

static const uint64_t hand_magic = 0x65646f6368616e64; /* "edochand" */
static struct clinux_hand *watched;
static const int fatal_signals[] = {SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV};
#define FATAL_COUNT (sizeof fatal_signals / sizeof fatal_signals[0])
static struct sigaction former[FATAL_COUNT];

/* The slot of this thread and one more; 0 when it has none yet. The model is that of the main program, whose thread-local storage is
   there before the thread: a signal handler may read it. */
static __thread uint32_t own_slot __attribute__((tls_model("initial-exec")));
static uint32_t slots_given;

void clinux_hand_take(struct clinux_hand *hand, uint64_t envelope) {
    if (own_slot == 0) {
        if (envelope == 0) return;
        own_slot = __atomic_add_fetch(&slots_given, 1, __ATOMIC_RELAXED);
        /* The count stays beyond the last slot, however many threads come. */
        if (own_slot > CLINUX_HAND_SLOTS) __atomic_store_n(&slots_given, CLINUX_HAND_SLOTS, __ATOMIC_RELAXED);
    }
    if (own_slot <= CLINUX_HAND_SLOTS)
        __atomic_store_n(&hand->envelopes[own_slot - 1], envelope, __ATOMIC_RELAXED);
}

struct clinux_hand *clinux_hand_open(const char *path) {
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (descriptor < 0) return NULL;
    if (ftruncate(descriptor, sizeof(struct clinux_hand)) != 0) {
        int error = errno;
        close(descriptor);
        errno = error;
        return NULL;
    }
    void *page = mmap(NULL, sizeof(struct clinux_hand), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    int error = errno;
    close(descriptor);
    if (page == MAP_FAILED) {
        errno = error;
        return NULL;
    }
    struct clinux_hand *hand = page;
    if (hand->magic != hand_magic) {
        memset(hand, 0, sizeof *hand);
        hand->magic = hand_magic;
    }
    return hand;
}

static int has_spoken;

/* Bytes of one line to the standard error; a pipe that is full must not keep a dying process alive. */
static void say(const char *text, size_t count) {
    struct pollfd end = {.fd = STDERR_FILENO, .events = POLLOUT};
    while (count > 0 && poll(&end, 1, 1000) == 1 && (end.revents & POLLOUT)) {
        /* A pipe that says that it is ready takes this much without waiting. */
        ssize_t written = write(STDERR_FILENO, text, count < 512 ? count : 512);
        if (written <= 0) return;
        text += written;
        count -= (size_t)written;
    }
}

_Noreturn void clinux_trap(const void *sentence, size_t count) {
    char line[2048];
    if (count > sizeof line - 1) count = sizeof line - 1;
    memcpy(line, sentence, count);
    for (size_t index = 0; index < count; index++)
        if ((unsigned char)line[index] < 0x20) line[index] = ' ';
    if (watched) {
        size_t kept = count < CLINUX_HAND_SENTENCE - 1 ? count : CLINUX_HAND_SENTENCE - 1;
        memcpy(watched->sentence, line, kept);
        watched->sentence[kept] = 0;
    }
    line[count] = '\n';
    __atomic_store_n(&has_spoken, 1, __ATOMIC_SEQ_CST);
    say(line, count + 1);
    __builtin_trap();
}

size_t clinux_hand_take_sentence(struct clinux_hand *hand, char *text, size_t room) {
    size_t count = strnlen(hand->sentence, CLINUX_HAND_SENTENCE - 1);
    if (count > room) count = room;
    memcpy(text, hand->sentence, count);
    hand->sentence[0] = 0;
    return count;
}

/* A fault, or a check of the compiler (an overflow, an index), has no sentence of its own: where it happened is said, as the distance
   from the program's beginning, which addr2line understands. Async-signal-safe. */
extern const char __executable_start[] __attribute__((weak));

static size_t put_hexadecimal(char *text, uint64_t value) {
    size_t digits = 1;
    while (digits < 16 && value >> (4 * digits)) digits++;
    for (size_t index = 0; index < digits; index++) text[index] = "0123456789abcdef"[(value >> (4 * (digits - 1 - index))) & 15];
    return digits;
}

static void say_place(int signal, const siginfo_t *info) {
    char line[128] = "the program ends by a fault, signal ";
    size_t count = strlen(line);
    if (signal >= 10) line[count++] = (char)('0' + signal / 10 % 10);
    line[count++] = (char)('0' + signal % 10);
    if (info && info->si_code > 0) {
        memcpy(line + count, ", at 0x", 7);
        count += 7;
        uint64_t address = (uint64_t)(uintptr_t)info->si_addr;
        uint64_t start = (uint64_t)(uintptr_t)__executable_start;
        /* Of SIGILL and SIGFPE the address is that of the instruction; of SIGSEGV and SIGBUS that of the memory. */
        count += put_hexadecimal(line + count, signal == SIGILL || signal == SIGFPE ? address - start : address);
    }
    if (watched) {
        memcpy(watched->sentence, line, count);
        watched->sentence[count] = 0;
    }
    line[count++] = '\n';
    say(line, count);
}

/* Async-signal-safe: a store, and the former disposition once more. */
static void note_crash(int signal, siginfo_t *info, void *context) {
    (void)context;
    if (watched) {
        /* abort and raise are sent by the thread itself; what another process or kill sends says nothing of a thread. */
        watched->is_sent = info != NULL && (info->si_code == SI_USER || info->si_code == SI_QUEUE);
        watched->crash_envelope =
            own_slot > 0 && own_slot <= CLINUX_HAND_SLOTS ? watched->envelopes[own_slot - 1] : 0;
        __atomic_store_n(&watched->crash_signal, (uint64_t)signal, __ATOMIC_SEQ_CST);
    }
    if (!__atomic_load_n(&has_spoken, __ATOMIC_SEQ_CST)) say_place(signal, info);
    for (size_t index = 0; index < FATAL_COUNT; index++)
        if (fatal_signals[index] == signal) sigaction(signal, &former[index], NULL);
    /* A fault happens again on return and now takes its course; a signal that was sent is sent once more. */
    if (info == NULL || info->si_code <= 0 || signal == SIGABRT || signal == SIGTRAP) raise(signal);
}

void clinux_hand_watch(struct clinux_hand *hand) {
    watched = hand;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = note_crash;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    for (size_t index = 0; index < FATAL_COUNT; index++) sigaction(fatal_signals[index], &action, &former[index]);
}

uint64_t clinux_folder_identity(int descriptor) {
    struct statx facts;
    if (statx(descriptor, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &facts) != 0) return 0;
    uint64_t parts[3] = {facts.stx_ino, 0, 0};
    if (facts.stx_mask & STATX_BTIME) {
        parts[1] = (uint64_t)facts.stx_btime.tv_sec;
        parts[2] = facts.stx_btime.tv_nsec;
    }
    // FNV-1a over the octets; never 0, which is no folder.
    uint64_t mixed = 0xcbf29ce484222325;
    const unsigned char *octets = (const unsigned char *)parts;
    for (size_t index = 0; index < sizeof parts; index++) mixed = (mixed ^ octets[index]) * 0x100000001b3;
    return mixed ? mixed : 1;
}
