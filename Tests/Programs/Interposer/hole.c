// hole.c: a library for LD_PRELOAD that makes pages of a mapped file unreadable, as a sector is that the disk does not give: whoever
// touches one ends by SIGBUS. Reading the file by itself goes well.
//
//   EDOC_HOLE_FILE   the file; without it nothing is done
//   EDOC_HOLE_AT     where in it, in octets, with commas between; multiples of the page

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void *(*real_map)(void *, size_t, int, int, int, off_t);

static void *mapped(void *base, size_t length, int descriptor, off_t offset) {
    const char *path = getenv("EDOC_HOLE_FILE");
    const char *place = getenv("EDOC_HOLE_AT");
    struct stat own, file;
    if (base == MAP_FAILED || descriptor < 0 || offset != 0 || !path || !place) return base;
    if (fstat(descriptor, &own) != 0 || stat(path, &file) != 0) return base;
    if (own.st_ino != file.st_ino || own.st_dev != file.st_dev) return base;
    int nothing = memfd_create("nothing", MFD_CLOEXEC);
    if (nothing < 0) abort();
    for (char *rest = (char *)place; *rest; rest += *rest == ',') {
        size_t at = strtoull(rest, &rest, 10);
        if (at >= length) continue;
        if (real_map((char *)base + at, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, nothing, 0) == MAP_FAILED) abort();
    }
    close(nothing);
    return base;
}

void *mmap(void *address, size_t length, int protection, int flags, int descriptor, off_t offset) {
    if (!real_map) real_map = dlsym(RTLD_NEXT, "mmap");
    return mapped(real_map(address, length, protection, flags, descriptor, offset), length, descriptor, offset);
}

void *mmap64(void *address, size_t length, int protection, int flags, int descriptor, off_t offset) {
    return mmap(address, length, protection, flags, descriptor, offset);
}
