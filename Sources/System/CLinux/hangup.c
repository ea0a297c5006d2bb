// SIGHUP before the daemon is there: noted as early as a program can, when it is loaded, and taken when the daemon waits for the next.

#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static volatile sig_atomic_t came = 0;

static void note(int signal_number) {
    (void)signal_number;
    came = 1;
}

__attribute__((constructor)) static void catch_hangup(void) {
    // The library is in other programs, too, and they end by it as programs do.
    if (strcmp(program_invocation_short_name, "edocd") != 0) return;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = note;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGHUP, &action, NULL);
}

int clinux_take_hangup(void) {
    int result = came;
    came = 0;
    return result;
}
