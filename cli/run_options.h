/* What may be said to run and create, and the request for the engine that it makes. */
#ifndef TARE_CLI_RUN_OPTIONS_H
#define TARE_CLI_RUN_OPTIONS_H

#include <stdbool.h>

#include "cli/option.h"
#include "engine/tare.h"

struct run_options {
	struct tare_create create; /* most rows write here */
	bool detach, sig_proxy;
	bool cpus_given; /* --cpus or --cpu */
	bool no_health, restart_given, health_action_given, no_start_period;
	char **env, **env_files, **labels, **label_files;
	char **attach; /* stdin, stdout, stderr */
	const char *cidfile, *detach_keys;
};

/* The rows of run, which begin with those that create does not have. */
extern const struct option run_option_rows[];
#define RUN_ONLY_ROWS      4
#define CREATE_OPTION_ROWS (&run_option_rows[RUN_ONLY_ROWS])

/* Those of update, which has the same struct. */
extern const struct option update_option_rows[];

void run_options_init(void *options);
void run_options_fini(void *options);
/* Complete o->create from the collected texts and the operands, and check it. */
int run_options_finish(struct run_options *o, char **operands, struct err *e);
/* What update asks for; its parts are o's. */
int run_options_update(struct run_options *o, struct tare_update *u, struct err *e);

#endif
