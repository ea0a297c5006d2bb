// counters.c: a library for LD_PRELOAD that counts what a program does: allocations, octets copied, references counted, rows put and
// deleted in LMDB and by table, commits, syncs. `Scripts/bench` compiles it for its cases `engine` and `profile`; nothing of it is
// in the programs themselves.
//
//   EDOC_COUNTS   the file with the counts, made and mapped by whoever asks; without it nothing is counted
//
// The file: a number that says into which slot is counted now, 63 numbers that are not used, the names of 32 tables of 32 octets
// each, then four slots. A slot: 32 totals, then rows put, rows deleted and octets put for each of 32 tables. All numbers have
// 64 bits. Who reads it: CountedWork in Sources/Programs/edoc-bench.
//
// It needs clang: what Swift calls to count references keeps nearly all registers.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum total {
    ALLOCATIONS,
    ALLOCATED_BYTES,
    COPIES,
    COPIED_BYTES,
    CLEARED_BYTES,
    RETAINS,
    RELEASES,
    ACCESS_CHECKS,
    ROW_READS,
    WRITES_BEGUN,
    COMMITS,
    SYNCS,
    FILE_WRITES,
    FILE_BYTES,
    TOTALS = 32
};

#define TABLES 32
#define SLOTS 4

struct slot {
    uint64_t totals[TOTALS];
    uint64_t put[TABLES];
    uint64_t deleted[TABLES];
    uint64_t put_bytes[TABLES];
};

struct counts {
    uint64_t slot;
    uint64_t unused[63];
    char names[TABLES][32];
    struct slot slots[SLOTS];
};

static struct counts *counts;

/// Finds what stands behind the names below. Libraries may run before this one's own beginning.
static void look_up(void);
#define FOUND(function) (__builtin_expect(!(function), 0) ? (look_up(), (function)) : (function))

static inline void add(uint64_t *place, uint64_t number) { __atomic_fetch_add(place, number, __ATOMIC_RELAXED); }

static inline struct slot *now(void) { return &counts->slots[counts->slot % SLOTS]; }

static inline void count(enum total what, uint64_t number) {
    if (counts) add(&now()->totals[what], number);
}

// Allocations. glibc's own entries are called, so that nothing needs to be looked up before the first one.

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static void allocated(size_t size) {
    if (!counts) return;
    count(ALLOCATIONS, 1);
    count(ALLOCATED_BYTES, size);
}

void *malloc(size_t size) {
    allocated(size);
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    allocated(number * size);
    return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
    allocated(size);
    return __libc_realloc(old, size);
}

int posix_memalign(void **place, size_t alignment, size_t size) {
    allocated(size);
    *place = __libc_memalign(alignment, size);
    return *place ? 0 : 12;
}

void *aligned_alloc(size_t alignment, size_t size) {
    allocated(size);
    return __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size) {
    allocated(size);
    return __libc_memalign(alignment, size);
}

// Copies. Those that the compiler writes out where they stand are not seen: of a few dozen octets each.

static void *(*real_copy)(void *, const void *, size_t);
static void *(*real_move)(void *, const void *, size_t);
static void *(*real_set)(void *, int, size_t);

static void *by_hand(void *target, const void *source, size_t size) {
    unsigned char *to = target;
    const unsigned char *from = source;
    if (to <= from) {
        for (size_t at = 0; at < size; at++) ((volatile unsigned char *)to)[at] = from[at];
    } else {
        for (size_t at = size; at > 0; at--) ((volatile unsigned char *)to)[at - 1] = from[at - 1];
    }
    return target;
}

static void copied(size_t size) {
    if (!counts) return;
    count(COPIES, 1);
    count(COPIED_BYTES, size);
}

void *memcpy(void *target, const void *source, size_t size) {
    copied(size);
    return real_copy ? real_copy(target, source, size) : by_hand(target, source, size);
}

void *memmove(void *target, const void *source, size_t size) {
    copied(size);
    return real_move ? real_move(target, source, size) : by_hand(target, source, size);
}

void *__memcpy_chk(void *target, const void *source, size_t size, size_t room) {
    if (size > room) abort();
    return memcpy(target, source, size);
}

void *__memmove_chk(void *target, const void *source, size_t size, size_t room) {
    if (size > room) abort();
    return memmove(target, source, size);
}

void *memset(void *target, int value, size_t size) {
    count(CLEARED_BYTES, size);
    if (real_set) return real_set(target, value, size);
    for (size_t at = 0; at < size; at++) ((volatile unsigned char *)target)[at] = (unsigned char)value;
    return target;
}

// References.

#define KEEPING __attribute__((preserve_most))
#define COUNTED(name, what)                                                                                          \
    static KEEPING void *(*real_##name)(void *);                                                                     \
    KEEPING void *name(void *object) {                                                                               \
        if (counts) add(&counts->slots[counts->slot % SLOTS].totals[what], 1);                                       \
        return FOUND(real_##name)(object);                                                                           \
    }

COUNTED(swift_retain, RETAINS)
COUNTED(swift_bridgeObjectRetain, RETAINS)
COUNTED(swift_release, RELEASES)
COUNTED(swift_bridgeObjectRelease, RELEASES)

static void (*real_access)(void *, void *, uintptr_t, void *);
void swift_beginAccess(void *place, void *buffer, uintptr_t flags, void *where) {
    count(ACCESS_CHECKS, 1);
    FOUND(real_access)(place, buffer, flags, where);
}

// LMDB: only what is needed of its interface.

struct value {
    size_t size;
    void *data;
};
#define READ_ONLY 0x20000
#define RESERVE 0x10000

static int (*real_open)(void *, const char *, unsigned, unsigned *);
static int (*real_begin)(void *, void *, unsigned, void **);
static int (*real_commit)(void *);
static int (*real_put)(void *, unsigned, struct value *, struct value *, unsigned);
static int (*real_delete)(void *, unsigned, struct value *, struct value *);
static int (*real_get)(void *, unsigned, struct value *, struct value *);
static int (*real_cursor_put)(void *, struct value *, struct value *, unsigned);
static int (*real_cursor_delete)(void *, unsigned);
static int (*real_cursor_get)(void *, struct value *, struct value *, int);
static unsigned (*real_cursor_table)(void *);

static int row_put(int code, unsigned table, const struct value *key, const struct value *value) {
    if (counts && code == 0) {
        add(&now()->put[table % TABLES], 1);
        add(&now()->put_bytes[table % TABLES], key->size + value->size);
    }
    return code;
}

static int row_deleted(int code, unsigned table) {
    if (counts && code == 0) add(&now()->deleted[table % TABLES], 1);
    return code;
}

int mdb_dbi_open(void *transaction, const char *name, unsigned flags, unsigned *table) {
    int code = FOUND(real_open)(transaction, name, flags, table);
    if (counts && code == 0 && name) strncpy(counts->names[*table % TABLES], name, 31);
    return code;
}

int mdb_txn_begin(void *environment, void *parent, unsigned flags, void **transaction) {
    if (!(flags & READ_ONLY)) count(WRITES_BEGUN, 1);
    return FOUND(real_begin)(environment, parent, flags, transaction);
}

int mdb_txn_commit(void *transaction) {
    count(COMMITS, 1);
    return FOUND(real_commit)(transaction);
}

int mdb_put(void *transaction, unsigned table, struct value *key, struct value *value, unsigned flags) {
    return row_put(FOUND(real_put)(transaction, table, key, value, flags), table, key, value);
}

int mdb_cursor_put(void *cursor, struct value *key, struct value *value, unsigned flags) {
    return row_put(FOUND(real_cursor_put)(cursor, key, value, flags), FOUND(real_cursor_table)(cursor), key, value);
}

int mdb_del(void *transaction, unsigned table, struct value *key, struct value *value) {
    return row_deleted(FOUND(real_delete)(transaction, table, key, value), table);
}

int mdb_cursor_del(void *cursor, unsigned flags) {
    return row_deleted(FOUND(real_cursor_delete)(cursor, flags), FOUND(real_cursor_table)(cursor));
}

int mdb_get(void *transaction, unsigned table, struct value *key, struct value *value) {
    count(ROW_READS, 1);
    return FOUND(real_get)(transaction, table, key, value);
}

int mdb_cursor_get(void *cursor, struct value *key, struct value *value, int step) {
    count(ROW_READS, 1);
    return FOUND(real_cursor_get)(cursor, key, value, step);
}

// The disk. LMDB writes its meta page through a descriptor that syncs by itself.

static int (*real_datasync)(int);
static int (*real_sync)(int);
static ssize_t (*real_write_at)(int, const void *, size_t, off_t);
static ssize_t (*real_writes_at)(int, const struct iovec *, int, off_t);

int fdatasync(int file) {
    count(SYNCS, 1);
    return FOUND(real_datasync)(file);
}

int fsync(int file) {
    count(SYNCS, 1);
    return FOUND(real_sync)(file);
}

static void written(int file, ssize_t size) {
    if (!counts || size < 0) return;
    count(FILE_WRITES, 1);
    count(FILE_BYTES, (uint64_t)size);
    int flags = fcntl(file, F_GETFL);
    if (flags >= 0 && flags & O_DSYNC) count(SYNCS, 1);
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t place) {
    ssize_t done = FOUND(real_write_at)(file, bytes, size, place);
    written(file, done);
    return done;
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off_t place) { return pwrite(file, bytes, size, place); }

ssize_t pwritev(int file, const struct iovec *parts, int number, off_t place) {
    ssize_t done = FOUND(real_writes_at)(file, parts, number, place);
    written(file, done);
    return done;
}

ssize_t pwritev64(int file, const struct iovec *parts, int number, off_t place) {
    return pwritev(file, parts, number, place);
}

static void look_up(void) {
    real_copy = dlsym(RTLD_NEXT, "memcpy");
    real_move = dlsym(RTLD_NEXT, "memmove");
    real_set = dlsym(RTLD_NEXT, "memset");
    real_swift_retain = dlsym(RTLD_NEXT, "swift_retain");
    real_swift_bridgeObjectRetain = dlsym(RTLD_NEXT, "swift_bridgeObjectRetain");
    real_swift_release = dlsym(RTLD_NEXT, "swift_release");
    real_swift_bridgeObjectRelease = dlsym(RTLD_NEXT, "swift_bridgeObjectRelease");
    real_access = dlsym(RTLD_NEXT, "swift_beginAccess");
    real_open = dlsym(RTLD_NEXT, "mdb_dbi_open");
    real_begin = dlsym(RTLD_NEXT, "mdb_txn_begin");
    real_commit = dlsym(RTLD_NEXT, "mdb_txn_commit");
    real_put = dlsym(RTLD_NEXT, "mdb_put");
    real_delete = dlsym(RTLD_NEXT, "mdb_del");
    real_get = dlsym(RTLD_NEXT, "mdb_get");
    real_cursor_put = dlsym(RTLD_NEXT, "mdb_cursor_put");
    real_cursor_delete = dlsym(RTLD_NEXT, "mdb_cursor_del");
    real_cursor_get = dlsym(RTLD_NEXT, "mdb_cursor_get");
    real_cursor_table = dlsym(RTLD_NEXT, "mdb_cursor_dbi");
    real_datasync = dlsym(RTLD_NEXT, "fdatasync");
    real_sync = dlsym(RTLD_NEXT, "fsync");
    real_write_at = dlsym(RTLD_NEXT, "pwrite");
    real_writes_at = dlsym(RTLD_NEXT, "pwritev");
}

__attribute__((constructor)) static void begin(void) {
    look_up();
    const char *path = getenv("EDOC_COUNTS");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *place = mmap(0, sizeof(struct counts), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (place != MAP_FAILED) counts = place;
}
