// clock.c: a library for LD_PRELOAD that shows a program another time on the wall than the kernel's: EDOC_CLOCK_OFFSET seconds later, or
// earlier with a minus sign; or, with EDOC_CLOCK_FILE, as many as stand in that file at each look. The monotonic clocks, and the
// kernel's own waits, stay as they are: as after a step of the clock while somebody waits.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long offset(void) {
    const char *path = getenv("EDOC_CLOCK_FILE");
    const char *text = getenv("EDOC_CLOCK_OFFSET");
    if (!path) return text ? atol(text) : 0;
    FILE *file = fopen(path, "re");
    if (!file) return 0;
    long seconds = 0;
    if (fscanf(file, "%ld", &seconds) != 1) seconds = 0;
    fclose(file);
    return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += offset();
    return result;
}

time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result) *result = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict result, void *restrict zone) {
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    result->tv_sec = now.tv_sec;
    result->tv_usec = now.tv_nsec / 1000;
    return 0;
}
