/* The fields of the run form, and whether what stands in one is right: by the same parsers as the command
 * line's. */
#ifndef TARE_TUI_RUN_CHECK_H
#define TARE_TUI_RUN_CHECK_H

#include <stdbool.h>
#include <stddef.h>

struct app;
struct err;

enum run_field {
	RUN_IMAGE,
	RUN_NAME,
	RUN_COMMAND,
	RUN_MODE,
	RUN_REMOVE,
	RUN_ENV,
	RUN_VOLUMES,
	RUN_PORTS,
	RUN_NETWORK,
	RUN_MEMORY,
	RUN_CPUS,
	RUN_PIDS,
	RUN_RESTART,
	RUN_HEALTH,
	RUN_WORKDIR,
	RUN_USER,
	RUN_PROFILE,
	RUN_USERNS,
	RUN_READ_ONLY,
	RUN_INIT,
	RUN_TTY,
	RUN_N
};

/* The words of a field that takes several: blanks or commas stand between. The caller's to strv_free; NULL:
 * none, or e says why. */
char **run_list(const char *text, struct err *e);

/* True, and error empty, when it is right; an empty text always is. app: for names that are taken; may be
 * NULL. */
bool run_check(struct app *a, enum run_field field, const char *text, char *error, size_t size);

#endif
