#include "cli/command.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "cli/help.h"
#include "cli/not_yet.h"
#include "engine/tare.h"

const char *const command_group_titles[] = {
        "Containers", "Images", "Volumes", "Networks", "Registry", "System", NULL};

#define OPTIONS struct cli
/* Understood before and behind the command's word. */
const struct option global_options[] = {
        OPT_STRING("root", 0, root, "DIR", "directories",
                "What lasts: images, containers, volumes (default /var/lib/tare; without root "
                "$XDG_DATA_HOME/tare)"),
        OPT_STRING("state", 0, state, "DIR", "directories",
                "What is gone after a reboot (default /run/tare; without root $XDG_RUNTIME_DIR/tare)"),
        OPT_STRING("log-level", 0, log_level, "LEVEL", "error warn info debug",
                "How much is said on standard error (default info)"),
        OPT_FLAG("json", 0, json, "Print data as one JSON document"),
        OPT_FLAG("demo", 0, demo, "Look around on simulated containers, without root"),
        OPTION_END,
};
#undef OPTIONS

/* Understood only before it. */
struct front {
	bool version, internal;
};
#define OPTIONS struct front
static const struct option front_options[] = {
        OPT_FLAG("version", 'v', version, "Print the version"),
        {.name = "internal",
                .kind = OPTION_FLAG,
                .offset = offsetof(OPTIONS, internal),
                .hidden = true,
                .help = "Run a step of the engine's own, as the monitor does"},
        OPTION_END,
};
#undef OPTIONS

int cli_fail(const struct cli *cli, const struct err *e)
{
	(void)cli;
	fflush(stdout); /* what went before stands before */
	if (e->kind == ERR_INTERRUPTED)
		return 130; /* 128 + SIGINT, as a shell says it */
	if (e->msg[0])      /* else a child of ours has said it */
		log_line(LOG_LEVEL_ERROR, "%s", e->msg);
	return err_exit_code(e);
}

int cli_tell_each(const struct cli *cli, int rc, char *const *done, char *const *failed, const struct err *e)
{
	strv_foreach (name, done)
		printf("%s\n", *name);
	strv_foreach (line, failed)
		fprintf(stderr, "tare: %s\n", *line);
	return rc < 0 ? cli_fail(cli, e) : failed ? 1 : 0;
}

/* ------------------------------------------------------------------ look-up */

const struct command *command_next(const struct program *p, struct command_iterator *it)
{
	while (p->tables[it->table]) {
		const struct command *c = &p->tables[it->table][it->row];

		if (c->words) {
			it->row++;
			return c;
		}
		it->table++;
		it->row = 0;
	}
	return NULL;
}

const char *command_spelling(const struct command *c, unsigned n, char dst[COMMAND_SPELLING_SIZE])
{
	const char *s = c->aliases;
	size_t len;

	if (n == 0) {
		snprintf(dst, COMMAND_SPELLING_SIZE, "%s", c->words);
		return dst;
	}
	while (s && --n > 0) {
		s = strstr(s, ", ");
		s = s ? s + 2 : NULL;
	}
	if (!s)
		return NULL;
	len = strcspn(s, ",");
	snprintf(dst, COMMAND_SPELLING_SIZE, "%.*s", (int)len, s);
	return dst;
}

/* How many of `words` the spelling takes; 0 when it is another one. */
static int spelling_match(const char *spelling, char **words)
{
	int used = 0;

	for (const char *s = spelling; *s;) {
		size_t len = strcspn(s, " ");

		if (!words[used] || strlen(words[used]) != len || strncmp(words[used], s, len) != 0)
			return 0;
		used++;
		s += len + (s[len] == ' ');
	}
	return used;
}

bool command_is_family(const struct program *p, const char *word)
{
	size_t len = strlen(word);
	char spelling[COMMAND_SPELLING_SIZE];
	struct command_iterator it = {0};

	for (const struct command *c; (c = command_next(p, &it));)
		for (unsigned n = 0; command_spelling(c, n, spelling); n++)
			if (strncmp(spelling, word, len) == 0 && spelling[len] == ' ')
				return true;
	return false;
}

/* The nearest spelling to what was typed; families are compared by both words. */
static bool nearest_spelling(const struct program *p, const char *typed, char best[COMMAND_SPELLING_SIZE])
{
	unsigned least = UINT_MAX;
	char spelling[COMMAND_SPELLING_SIZE];
	struct command_iterator it = {0};

	for (const struct command *c; (c = command_next(p, &it));) {
		for (unsigned n = 0; !c->hidden && command_spelling(c, n, spelling); n++) {
			unsigned distance = text_distance(typed, spelling);

			if (strlen(typed) >= 3 && strncmp(spelling, typed, strlen(typed)) == 0)
				distance = 1; /* the beginning of a word */

			if (distance >= least || !text_is_near(typed, distance))
				continue;
			least = distance;
			memcpy(best, spelling, COMMAND_SPELLING_SIZE);
		}
	}
	return best[0] != 0;
}

static int unknown_command(const struct program *p, char **words, struct err *e)
{
	char best[COMMAND_SPELLING_SIZE] = "";
	bool family = words[1] && command_is_family(p, words[0]);
	cleanup_free char *typed =
	        family ? str_printf("%s %s", words[0], words[1]) : str_printf("%s", words[0]);

	const char *hint = typed ? not_yet_command(typed) : NULL;

	if (hint)
		return err_set(e, ERR_USAGE, "unknown command \"%s\": %s", typed, hint);
	if (typed && strlen(typed) < COMMAND_SPELLING_SIZE && nearest_spelling(p, typed, best))
		return err_set(e, ERR_USAGE, "unknown command \"%s\"; did you mean \"%s\"? see: tare help",
		        typed, best);
	return err_set(e, ERR_USAGE, "unknown command \"%s\"; see: tare help", typed ? typed : "");
}

const struct command *command_find(const struct program *p, char **words, int *used, struct err *e)
{
	const struct command *found = NULL;
	char spelling[COMMAND_SPELLING_SIZE];
	struct command_iterator it = {0};

	*used = 0;
	for (const struct command *c; (c = command_next(p, &it));) {
		for (unsigned n = 0; command_spelling(c, n, spelling); n++) {
			int match = spelling_match(spelling, words);

			if (match <= *used)
				continue;
			*used = match;
			found = c;
		}
	}
	return found ? found : (unknown_command(p, words, e), NULL);
}

/* ------------------------------------------------------------------ one run */

static int check_operands(const struct command *c, char **operands, struct err *e)
{
	int n = (int)strv_len(operands);

	if (n < c->min_operands)
		return err_set(e, ERR_USAGE, "%s: an operand is missing: tare %s %s; see: tare %s --help",
		        c->words, c->words, c->operands, c->words);
	if (c->max_operands == 0 && n > 0)
		return err_set(e, ERR_USAGE, "%s takes no operands, but got \"%s\"; see: tare %s --help",
		        c->words, operands[0], c->words);
	if (c->max_operands >= 0 && n > c->max_operands)
		return err_set(e, ERR_USAGE, "%s: one operand too many, \"%s\": tare %s %s", c->words,
		        operands[c->max_operands], c->words, c->operands);
	return 0;
}

/* What the globals say, once all are read. */
static int apply_globals(const struct cli *cli, struct err *e)
{
	int level = cli->log_level ? log_level_parse(cli->log_level) : LOG_LEVEL_INFO;

	if (level < 0)
		return err_set(e, ERR_USAGE, "unknown --log-level \"%s\"; one of error, warn, info, debug",
		        cli->log_level);
	log_set_level((enum log_level)level);
	/* An empty variable in a script must not mean the default directories. */
	if ((cli->root && !*cli->root) || (cli->state && !*cli->state))
		return err_set(e, ERR_USAGE, "%s is empty; name a directory",
		        cli->root && !*cli->root ? "--root" : "--state");
	return 0;
}

/* Data that could not be written must not look like success. */
static int finish_output(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	log_line(LOG_LEVEL_ERROR, "cannot write to standard output: %m");
	return code ? code : 125;
}

static int call(struct cli *cli, const struct command *c, void *options, char **operands)
{
	if (c->run)
		return c->run(cli, options, operands);
	return cli->program->run_other(cli, options, operands);
}

static int run_command(struct cli *cli, const struct command *c, char **argv)
{
	struct err e = ERR_INIT;
	char name[COMMAND_SPELLING_SIZE + 8];
	cleanup_free void *options = calloc(1, c->size ? c->size : 1);
	cleanup_free char **operands = NULL; /* the strings are argv's */
	struct option_reader r = {
	        .own = c->options,
	        .options = options,
	        .global = global_options,
	        .global_options = cli,
	        .stop_at_operand = c->stop_at_operand,
	        .hint = c->flag_hint,
	        .command = name,
	};
	int code;

	if (!options) {
		err_set(&e, ERR_OTHER, "out of memory");
		return cli_fail(cli, &e);
	}
	cli->command = c;
	snprintf(name, sizeof(name), "tare %s", c->words);
	if (c->init)
		c->init(options);
	if (option_read(&r, argv, &operands, &e) < 0)
		code = cli_fail(cli, &e);
	else if (r.help)
		code = help_command(c, stdout);
	else if (check_operands(c, operands, &e) < 0 || apply_globals(cli, &e) < 0)
		code = cli_fail(cli, &e);
	else
		code = call(cli, c, options, operands);
	option_free(c->options, options);
	if (c->fini)
		c->fini(options);
	return code;
}

int program_run(struct cli *cli, char **words)
{
	struct err e = ERR_INIT;
	const struct command *c;
	int used;

	if (command_is_family(cli->program, words[0]) &&
	        (!words[1] || strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0))
		return help_family(cli->program, words[0], stdout);
	c = command_find(cli->program, words, &used, &e);
	return c ? run_command(cli, c, words + used) : cli_fail(cli, &e);
}

static int run_front(struct cli *cli, char **argv)
{
	struct err e = ERR_INIT;
	struct front front = {0};
	cleanup_free char **words = NULL;
	struct option_reader r = {
	        .own = front_options,
	        .options = &front,
	        .global = global_options,
	        .global_options = cli,
	        .stop_at_operand = true,
	        .command = "tare",
	};

	if (option_read(&r, argv, &words, &e) < 0)
		return cli_fail(cli, &e);
	if (r.help)
		return help_general(cli->program, stdout);
	if (apply_globals(cli, &e) < 0)
		return cli_fail(cli, &e);
	if (front.version) {
		printf("tare version %s\n", TARE_VERSION);
		return 0;
	}
	if (front.internal && cli->program->run_internal)
		return cli->program->run_internal(cli, NULL, words);
	if (!words[0])
		return cli->program->run_bare(cli, NULL, words);
	return program_run(cli, words);
}

/* The attack: started without standard output or error, what is printed goes into whichever file was opened
 * instead (tests/e2e/pull.bats). What is missing is filled such that its use fails as before; children
 * inherit it. */
static void fill_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			return;
}

int program_main(const struct program *p, int argc, char **argv)
{
	struct cli cli = {.program = p, .argv = argv};
	int code;

	fill_standard_descriptors();
	code = finish_output(run_front(&cli, argc > 0 ? argv + 1 : argv));
	if (cli.engine)
		cli.engine->close(cli.engine);
	return code;
}
