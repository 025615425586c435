/* tare-tui, the dashboard's program: reads its few options and opens the
 * engine. Users type `tare`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/text.h"
#include "engine/tare.h"
#include "tui/app_run.h"
#include "tui/stray.h"

#define EXIT_USAGE 2

struct options {
	int unused; /* so that no target has offset 0 */
	const char *root, *state, *log_level, *colour;
	bool demo, help, version;
	struct app_options app;
};

struct option {
	const char *name, *value, *help;
	size_t text, flag; /* offset in struct options; 0: not that kind */
};

#define AT(field) offsetof(struct options, field)

static const struct option option_table[] = {
        {"--root", "DIR", "What lasts (default /var/lib/tare)", .text = AT(root)},
        {"--state", "DIR", "What is gone after a reboot (default /run/tare)", .text = AT(state)},
        {"--demo", NULL, "A simulated engine: nothing is real", .flag = AT(demo)},
        {"--log-level", "LEVEL", "error, warn, info, debug", .text = AT(log_level)},
        {"--theme", "NAME", "Theme; T in the dashboard shows them", .text = AT(app.theme)},
        {"--keys", "NAME", "Keys: default, lazydocker, k9s, htop, emacs", .text = AT(app.keys)},
        {"--color", "WHEN", "auto, never, 16, 256, true", .text = AT(colour)},
        {"--ascii", NULL, "No line drawing, no braille", .flag = AT(app.ascii)},
        {"--no-mouse", NULL, "Leave the mouse to the terminal", .flag = AT(app.no_mouse)},
        {"--screen-reader", NULL, "No borders or graphs; the cursor is on the selected row",
                .flag = AT(app.screen_reader)},
        {"--help", NULL, "This text", .flag = AT(help)},
        {"--version", NULL, "Which version this is", .flag = AT(version)},
        {0},
};

static int usage(struct err *e, const char *what, const char *arg)
{
	return err_set(e, ERR_USAGE, "%s: %s; see: tare tui --help", what, arg);
}

static int read_one(struct options *o, char **argv, int *i, struct err *e)
{
	const char *arg = argv[*i];
	size_t len = strcspn(arg, "=");

	for (const struct option *r = option_table; r->name; r++) {
		if (strlen(r->name) != len || strncmp(r->name, arg, len) != 0)
			continue;
		if (!r->value) {
			if (arg[len])
				return usage(e, "this option takes no value", arg);
			*(bool *)((char *)o + r->flag) = true;
			return 0;
		}
		const char *value = arg[len] ? arg + len + 1 : argv[*i + 1] ? argv[++*i] : NULL;
		if (!value || !*value)
			return usage(e, "this option needs a value", arg);
		*(const char **)((char *)o + r->text) = value;
		return 0;
	}
	return usage(e, "unknown option", arg);
}

static int read_colour(struct options *o, struct err *e)
{
	static const struct {
		const char *name;
		enum colour_depth depth;
	} depths[] = {{"auto", DEPTH_AUTO}, {"never", DEPTH_MONO}, {"mono", DEPTH_MONO}, {"16", DEPTH_16},
	        {"256", DEPTH_256}, {"true", DEPTH_TRUE}};

	for (unsigned i = 0; o->colour && i < sizeof depths / sizeof *depths; i++)
		if (strcmp(o->colour, depths[i].name) == 0) {
			o->app.depth = depths[i].depth;
			return 0;
		}
	return o->colour ? usage(e, "--color takes auto, never, 16, 256 or true, not", o->colour) : 0;
}

static int read_options(struct options *o, char **argv, struct err *e)
{
	for (int i = 1; argv[i]; i++)
		if (read_one(o, argv, &i, e) != 0)
			return -1;
	if (o->log_level) {
		int level = log_level_parse(o->log_level);
		if (level < 0)
			return usage(e, "--log-level takes error, warn, info or debug, not", o->log_level);
		log_set_level((enum log_level)level);
	}
	return read_colour(o, e);
}

static void print_help(void)
{
	puts("Usage: tare [--root DIR] [--state DIR] [--demo]\n       tare tui "
	     "[OPTION...]\n\nThe dashboard.\n");
	for (const struct option *r = option_table; r->name; r++)
		printf("  %-16s %-6s %s\n", r->name, r->value ? r->value : "", r->help);
}

/* ------------------------------------------------------------------ engine and
 * terminal */

static struct tare_engine *open_engine(void *arg, struct err *e)
{
	const struct options *o = arg;

#ifdef _GNU_SOURCE
	if (!o->demo)
		return tare_engine_linux(o->root, o->state, e);
#else
	if (!o->demo)
		return err_set_null(
		        e, ERR_UNSUPPORTED, "real containers need Linux; look around with: tare --demo");
#endif
	return tare_engine_simulated(o->state, e);
}

/* {"/…/tare", "--root", …}: the same engine, headless. */
static int tare_command(const struct options *o, char ***argv, struct err *e)
{
	char path[4096];
	const struct {
		const char *name, *value;
	} pairs[] = {{"--root", o->root}, {"--state", o->state}, {"--log-level", o->log_level}};

	if (helper_path("tare", path, sizeof path, e) != 0)
		return -1;
	if (strv_add(argv, path) != 0 || (o->demo && strv_add(argv, "--demo") != 0))
		return err_no_memory(e);
	for (unsigned i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (pairs[i].value &&
		        (strv_add(argv, pairs[i].name) != 0 || strv_add(argv, pairs[i].value) != 0))
			return err_no_memory(e);
	return 0;
}

/* "tare --root /srv/tare": how a person would begin the same command. */
static void tare_text(char *const *tare, struct buf *out)
{
	buf_str_add(out, "tare");
	strv_foreach (word, tare + 1) {
		buf_char(out, ' ');
		text_shell_quote(out, *word);
	}
}

static int run(struct options *o, struct err *e)
{
	cleanup_strv char **tare = NULL;
	cleanup_buf struct buf text = BUF_INIT;
	struct stray stray;

	if (!isatty(0) || !isatty(1))
		return err_set(e, ERR_USAGE, "the dashboard needs a terminal; without one: tare ps");
	if (tare_command(o, &tare, e) != 0)
		return -1;
	struct tare_engine *engine = open_engine(o, e);
	if (!engine)
		return -1;
	o->app.engine = engine;
	o->app.open_engine = open_engine;
	o->app.open_arg = o;
	o->app.tare = tare;
	tare_text(tare, &text);
	o->app.tare_text = buf_str(&text);
	o->app.demo = o->demo;
	descriptors_raise(&o->app.descriptors);
	stray_catch(&stray);
	int r = app_run(&o->app, e);
	stray_release(&stray);
	engine->close(engine);
	return r;
}

int main(int argc, char **argv)
{
	struct options o = {.app.tty = 0};
	struct err e = ERR_INIT;

	(void)argc;
	if (read_options(&o, argv, &e) == 0) {
		if (o.help) {
			print_help();
			return 0;
		}
		if (o.version) {
			puts("tare " TARE_VERSION);
			return 0;
		}
		if (run(&o, &e) == 0)
			return 0;
	}
	fprintf(stderr, "tare: %s\n", e.msg);
	return e.kind == ERR_USAGE ? EXIT_USAGE : 1;
}
