/* Reading a container's log. */
#ifndef TARE_ENGINE_LOGS_H
#define TARE_ENGINE_LOGS_H

#include "engine/tare.h"

/* container_fd: where `log`, `log.1` … are. state_fd: the run under way, or -1; following ends when `exit`
 * appears there or it is removed, and all that was written before has been shown. */
int logs_read(int container_fd, int state_fd, const struct tare_log_options *o, struct err *e);

#endif
