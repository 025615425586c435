/* Commands of helper programs as the demo does them: what the files of them share. */
#ifndef TARE_CLI_DEMO_COMMAND_H
#define TARE_CLI_DEMO_COMMAND_H

#include <stdbool.h>

#include "base/json.h"
#include "base/progress.h"
#include "cli/command.h"

struct err;
struct tare_engine;

/* One invocation. Its options are found by their names, as the tables of the helpers' commands have them. */
struct demo {
	struct cli *cli;
	const char *options; /* the command's struct */
	char **operands;
	struct tare_engine *engine;
	struct progress progress;
	bool quiet;
};

struct demo_command {
	const char *words;
	int (*run)(struct demo *d, struct err *e);
};
extern const struct demo_command demo_volume_commands[]; /* demo_volume.c; ended by one without words */

bool demo_flag(const struct demo *d, const char *name);
const char *demo_text(const struct demo *d, const char *name);
char **demo_list(const struct demo *d, const char *name);
void demo_begin_progress(struct demo *d);
int demo_print_json(json *j);

#endif
