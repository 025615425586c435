/* The whole dashboard, as its main starts it. */
#ifndef TARE_TUI_APP_RUN_H
#define TARE_TUI_APP_RUN_H

#include <stdbool.h>

#include "tui/descriptors.h"
#include "tui/screen.h"

struct err;
struct tare_engine;

/* How the dashboard was started; main.c fills it in. */
struct app_options {
	struct tare_engine *engine; /* stays the caller's, as do all strings */
	/* Another handle of the same engine, for a worker. */
	struct tare_engine *(*open_engine)(void *arg, struct err *e);
	void *open_arg;
	char *const *tare;     /* how to run ourselves headless */
	const char *tare_text; /* as one would type it */
	bool demo;
	struct descriptors descriptors;
	const char *theme, *keys; /* NULL: from the settings */
	enum colour_depth depth;  /* AUTO: from the settings, then as the terminal says */
	bool ascii, no_mouse, screen_reader;
	int tty;
};

/* From the first frame to the user's leave. 0, or -1 with e when it could not start or lost its terminal. */
int app_run(const struct app_options *o, struct err *e);

#endif
