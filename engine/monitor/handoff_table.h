/* The monitor's side of the hand-over: reading what monitor_exec() wrote. */
#ifndef TARE_MONITOR_HANDOFF_TABLE_H
#define TARE_MONITOR_HANDOFF_TABLE_H

#include <stddef.h>

#include "engine/monitor/handoff.h"

#define MONITOR_HANDOFF_FDS 16

/* Strings stay in argv. 0, or -1 for arguments that monitor_exec() does not write. */
int monitor_handoff_parse(struct monitor_handoff *h, int argc, char **argv);
/* The descriptors that were passed, in no order; their number. */
size_t monitor_handoff_fds(const struct monitor_handoff *h, int fds[MONITOR_HANDOFF_FDS]);

#endif
