/* Process 1 of --init: runs the command as a child in the terminal's foreground, forwards every signal to it,
 * reaps whatever dies, and ends with the command's code. */
#ifndef TARE_INIT_REAPER_H
#define TARE_INIT_REAPER_H

#include <sys/types.h>

/* fork with all signals blocked in the parent. In the child (0 returned) the mask is as before, the child
 * is a process group of its own and owns the terminal, if there is one. */
pid_t reaper_fork(void);
_Noreturn void reaper_run(pid_t child);

#endif
