// CLinux: what Linux offers and Swift cannot do itself or does not import: names of threads, a page that survives a crash, the journal's
// protocol, and the state of the kernel's clock.

#ifndef CLINUX_H
#define CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Names the calling thread, for people who look at it; at most 15 bytes.
void clinux_name_thread(const char *name);

/// Slots of the page: one for each thread that takes envelopes in hand.
#define CLINUX_HAND_SLOTS 16

#define CLINUX_HAND_SENTENCE 512

/// What a crash leaves behind: the signal that ended the process, and the envelope that each thread had in hand.
struct clinux_hand {
    uint64_t magic;
    /// The fatal signal; 0 after any other end, SIGKILL among them.
    uint64_t crash_signal;
    uint64_t envelopes[CLINUX_HAND_SLOTS];
    /// What the thread had in hand that crashed; 0 when it had nothing.
    uint64_t crash_envelope;
    /// 1 when the signal was sent from outside and says nothing of a thread.
    uint64_t is_sent;
    /// What the program said before it trapped, ended by a zero; empty after any other end.
    char sentence[CLINUX_HAND_SENTENCE];
};

/// Maps the page from a file, which is made if it is missing; NULL with errno when it cannot be. The page is not synced: it
/// outlives the process, not the machine.
struct clinux_hand *clinux_hand_open(const char *path);

/// From now on a fatal signal (SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV) is noted in the page before it takes its course.
void clinux_hand_watch(struct clinux_hand *hand);

/// Takes an envelope in hand, or with 0 puts it down, in the slot of the calling thread, which is given out at its first call. Threads
/// beyond the last slot have none, and what they do is not noted. Costs a store.
void clinux_hand_take(struct clinux_hand *hand, uint64_t envelope);

/// Says a sentence on the standard error, unless that takes nothing within a second, notes it in the page that is watched, and traps
/// (SIGILL).
_Noreturn void clinux_trap(const void *sentence, size_t count);

/// Copies what the process before this one said before it trapped, with its end, and forgets it; 0 when it said nothing.
size_t clinux_hand_take_sentence(struct clinux_hand *hand, char *text, size_t room);

/// Asks for more room in a socket's send buffer; the kernel may give less.
void clinux_enlarge_send_buffer(int descriptor, int bytes);

/// Sends one entry to the journal's socket at a path without waiting; 0, or the errno for which it was not taken.
int clinux_journal_send(int descriptor, const char *path, const void *bytes, size_t count);

/// How the kernel's clock is kept (adjtimex(2)).
struct clinux_clock {
    /// 1 when a time service keeps it, 0 when not, -1 when the kernel does not tell.
    int is_synchronised;
    /// Estimated and greatest error in microseconds.
    int64_t estimated_error;
    int64_t greatest_error;
};
struct clinux_clock clinux_clock_state(void);

/// Whether SIGHUP came before the daemon waits for it, since the last call. In a program that is named edocd it is caught from the
/// moment at which the program is loaded, before anything of it runs: by itself it would end the process.
int clinux_take_hangup(void);

/// Keeps freed memory in the process: blocks below `block` bytes are not mapped by themselves, and up to `kept` bytes at the end of the heap
/// are not given back (mallopt(3)). Buffers that come and go a thousand times a second would cost fresh pages each time.
void clinux_keep_freed_memory(int block, int kept);

/// What tells a folder from another that may stand at the same path: its inode number and the moment at which it was made, mixed. A new
/// file system gives old inode numbers out again.
uint64_t clinux_folder_identity(int descriptor);

/// The disk begins to write what a file holds in memory of this range, and nothing is waited for. A hint: that it has ended, and how, only
/// a sync tells (sync_file_range(2)).
void clinux_begin_writing(int descriptor, uint64_t offset, uint64_t length);

/// The kind of a file system by its magic number (statfs(2)); 0 when it cannot be told.
uint64_t clinux_filesystem_magic(const char *path);

#endif
