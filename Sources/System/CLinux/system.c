// What the kernel says of its clock and of file systems, and hints for it.

#define _GNU_SOURCE
#include "CLinux.h"

#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/timex.h>
#include <sys/vfs.h>

struct clinux_clock clinux_clock_state(void) {
    struct clinux_clock clock = {-1, 0, 0};
    struct timex state;
    memset(&state, 0, sizeof state);
    int answer = adjtimex(&state);
    if (answer < 0) return clock;
    clock.is_synchronised = answer != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
    clock.estimated_error = state.esterror;
    clock.greatest_error = state.maxerror;
    return clock;
}

uint64_t clinux_filesystem_magic(const char *path) {
    struct statfs status;
    return statfs(path, &status) == 0 ? (uint64_t)(uint32_t)status.f_type : 0;
}

void clinux_begin_writing(int descriptor, uint64_t offset, uint64_t length) {
    (void)sync_file_range(descriptor, (off_t)offset, (off_t)length, SYNC_FILE_RANGE_WRITE);
}

void clinux_keep_freed_memory(int block, int kept) {
    (void)mallopt(M_MMAP_THRESHOLD, block);
    (void)mallopt(M_TRIM_THRESHOLD, kept);
}
