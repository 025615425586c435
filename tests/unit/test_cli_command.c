/* The tables of commands: whole, without contradictions, and the same in help, man pages and completions. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "cli/completion.h"
#include "cli/help.h"
#include "cli/man.h"
#include "cli/archive_options.h"
#include "cli/backup_options.h"
#include "cli/commit_options.h"
#include "cli/copy_options.h"
#include "cli/login_options.h"
#include "cli/pull_options.h"
#include "cli/push_options.h"
#include "cli/registry_options.h"
#include "cli/not_yet.h"

static const struct program program = {.name = "tare", .tables = command_tables};

static char *help_text(const struct command *c)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_int_equal(c ? help_command(c, f) : help_general(&program, f), 0);
	fclose(f);
	return text;
}

/* Rows without a function are those of a helper program's tables. */
static bool helper_has(const struct command *c)
{
	static const struct command *const tables[] = {archive_commands, pull_commands, push_commands,
	        commit_commands, copy_commands, login_commands, registry_commands, backup_commands};

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		for (const struct command *row = tables[i]; row->words; row++)
			if (row == c)
				return true;
	return false;
}

static void rows_are_whole(void **state)
{
	struct command_iterator it = {0};
	size_t n = 0;

	(void)state;
	for (const struct command *c; (c = command_next(&program, &it)); n++) {
		assert_non_null(c->summary);
		assert_true(strlen(c->summary) > 8);
		assert_true(c->summary[strlen(c->summary) - 1] != '.');
		assert_true((c->operands != NULL) == (c->max_operands != 0));
		assert_true(c->options == NULL || c->size > 0);
		assert_true(c->run || helper_has(c));
	}
	assert_true(n > 30);
}

static void options_are_whole(void **state)
{
	struct command_iterator it = {0};

	(void)state;
	for (const struct command *c; (c = command_next(&program, &it));) {
		for (const struct option *o = c->options; o && !OPTION_IS_END(o); o++) {
			const struct option *target;

			if (o->section)
				continue;
			target = option_target(c->options, o);
			assert_non_null(target);
			assert_true(o->alias_of || (o->help && o->help[strlen(o->help) - 1] != '.'));
			assert_true((target->value != NULL) == (target->kind != OPTION_FLAG));
			assert_true(target->kind != OPTION_CALL || target->parse);
			assert_true(target->kind == OPTION_CALL || target->offset < c->size);
			/* The first row with the name or letter is this one: no two share either. */
			assert_ptr_equal(option_find(c->options, o->name), target);
			for (const struct option *other = c->options; other != o; other++)
				assert_false(other->letter && other->letter == o->letter);
			/* Globals are understood behind the command too. */
			assert_null(option_find(global_options, o->name));
		}
	}
}

static void spellings_are_unique_and_found(void **state)
{
	struct command_iterator it = {0};

	(void)state;
	for (const struct command *c; (c = command_next(&program, &it));) {
		char spelling[COMMAND_SPELLING_SIZE];

		for (unsigned n = 0; command_spelling(c, n, spelling); n++) {
			struct err e = ERR_INIT;
			char *second = strchr(spelling, ' ');
			char *words[] = {spelling, second ? second + 1 : NULL, NULL};
			int used;

			if (second)
				*second = 0;
			assert_ptr_equal(command_find(&program, words, &used, &e), c);
			assert_int_equal(used, second ? 2 : 1);
		}
	}
}

/* The words of CLI.md's list that this stage has, each as somebody types it. */
static void the_words_of_others_are_known(void **state)
{
	static const struct {
		const char *first, *second, *command;
	} known[] = {
	        {"list", NULL, "ps"},
	        {"container", "ls", "ps"},
	        {"container", "rm", "rm"},
	        {"container", "prune", "container prune"},
	        {"image", "ls", "images"},
	        {"image", "rm", "rmi"},
	        {"image", "prune", "image prune"},
	        {"image", "inspect", "image inspect"},
	        {"image", "tag", "tag"},
	        {"image", "import", "import"},
	        {"image", "load", "load"},
	        {"image", "save", "save"},
	        {"volume", "ls", "volume ls"},
	        {"volume-list", NULL, "volume ls"},
	        {"volume", "create", "volume create"},
	        {"volume-create", NULL, "volume create"},
	        {"volume-rm", NULL, "volume rm"},
	        {"volume-backup", NULL, "volume backup"},
	        {"volume-restore", NULL, "volume restore"},
	        {"volume", "backups", "volume backups"},
	        {"volume", "backup", "volume backup"},
	        {"system", "df", "system df"},
	        {"system", "check", "system check"},
	        {"network", "ls", "network ls"},
	        {"network", "list", "network ls"},
	        {"network", "create", "network create"},
	        {"network", "rm", "network rm"},
	        {"network", "inspect", "network inspect"},
	        {"network", "connect", "network connect"},
	        {"network", "disconnect", "network disconnect"},
	        {"network", "prune", "network prune"},
	        {"network", "reload", "network reload"},
	        {"port", NULL, "port"},
	        {"container", "port", "port"},
	        {"system", "info", "info"},
	        {"system", "prune", "system prune"},
	        {"container", "run", "run"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		struct err e = ERR_INIT;
		char *words[] = {(char *)known[i].first, (char *)known[i].second, NULL};
		int used;
		const struct command *c = command_find(&program, words, &used, &e);

		assert_non_null(c);
		assert_string_equal(c->words, known[i].command);
	}
}

static void unknown_words_get_a_hint(void **state)
{
	static const struct {
		const char *first, *second, *message;
	} typed[] = {
	        {"rnu", NULL, "unknown command \"rnu\"; did you mean \"run\"? see: tare help"},
	        {"isnpect", "x", "unknown command \"isnpect\"; did you mean \"inspect\"? see: tare help"},
	        {"container", "pru",
	                "unknown command \"container pru\"; did you mean \"container prune\"? see: tare "
	                "help"},
	        {"volume-lits", NULL,
	                "unknown command \"volume-lits\"; did you mean \"volume-list\"? see: tare help"},
	        {"bogus", NULL, "unknown command \"bogus\"; see: tare help"},
	        {"lgos", NULL, "unknown command \"lgos\"; did you mean \"logs\"? see: tare help"},
	        {"build", "x",
	                "unknown command \"build\": not in Tare yet; build elsewhere and use tare load, or "
	                "use "
	                "tare import --change"},
	        {"volume", "import",
	                "unknown command \"volume import\": in Tare it is tare volume restore VOLUME FILE, "
	                "or "
	                "- for standard input"},
	        {"network", "crate",
	                "unknown command \"network crate\"; did you mean \"network create\"? see: tare "
	                "help"},
	        {"something-else", NULL, "unknown command \"something-else\"; see: tare help"},
	        {"", NULL, "unknown command \"\"; see: tare help"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(typed) / sizeof(*typed); i++) {
		struct err e = ERR_INIT;
		char *words[] = {(char *)typed[i].first, (char *)typed[i].second, NULL};
		int used;

		assert_null(command_find(&program, words, &used, &e));
		assert_string_equal(e.msg, typed[i].message);
	}
}

/* A row of the hints that Tare has by now would never be read. */
static void hints_are_for_what_is_not_there(void **state)
{
	static const char *const typed[] = {"build", "volume export", "volume import", "volume exists"};
	static const char *const flags[] = {
	        "link", "link-local-ip", "health-startup-cmd", "health-max-log-count", "subuidname", "gpus"};
	char *run[] = {"run", NULL};
	int used;
	const struct command *c = command_find(&program, run, &used, NULL);
	struct command_iterator it = {0};

	(void)state;
	assert_non_null(c);
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		assert_non_null(c->flag_hint(flags[i]));
		assert_null(option_find(c->options, flags[i]));
	}
	assert_null(c->flag_hint("nosuchflag"));
	c = command_find(&program, (char *[]){"network", "create", NULL}, &used, NULL);
	assert_non_null(c);
	assert_non_null(c->flag_hint("attachable"));
	assert_non_null(c->flag_hint("ipam-driver"));
	for (const struct option *o = c->options; !OPTION_IS_END(o); o++)
		assert_null(c->flag_hint(o->name));
	for (size_t i = 0; i < sizeof(typed) / sizeof(*typed); i++)
		assert_non_null(not_yet_command(typed[i]));
	while ((c = command_next(&program, &it))) {
		char spelling[COMMAND_SPELLING_SIZE];

		for (unsigned n = 0; command_spelling(c, n, spelling); n++)
			assert_null(not_yet_command(spelling));
	}
}

/* Text with troff's escaped dashes made plain. */
static char *plain(const char *roff)
{
	char *out = calloc(1, strlen(roff) + 1), *to = out;

	assert_non_null(out);
	for (; *roff; roff++) {
		if (roff[0] == '\\' && roff[1] == '-')
			continue;
		*to++ = *roff;
	}
	return out;
}

static void assert_has(const char *text, const char *what, const char *where)
{
	if (!strstr(text, what))
		fail_msg("\"%s\" is not in %s", what, where);
}

static void every_option_is_in_help_man_and_completions(void **state)
{
	cleanup_buf struct buf bash = BUF_INIT, zsh = BUF_INIT, fish = BUF_INIT, overview = BUF_INIT;
	cleanup_free char *general = help_text(NULL), *overview_text = NULL;
	struct command_iterator it = {0};

	(void)state;
	completion_bash(&program, &bash);
	completion_zsh(&program, &zsh);
	completion_fish(&program, &fish);
	man_overview(&program, &overview);
	overview_text = plain(buf_str(&overview));
	for (const struct command *c; (c = command_next(&program, &it));) {
		cleanup_free char *help = help_text(c), *man = NULL;
		cleanup_buf struct buf page = BUF_INIT;
		char text[160];

		if (c->hidden)
			continue;
		man_page(c, &page);
		man = plain(buf_str(&page));
		assert_has(general, c->summary[0] ? c->words : "", "the general help");
		assert_has(overview_text, c->summary, "tare.1");
		assert_has(help, c->summary, c->words);
		assert_has(man, c->summary, c->words);
		snprintf(text, sizeof(text), "\"%s\"", c->words);
		assert_has(buf_str(&bash), text, "bash");
		snprintf(text, sizeof(text), "'%s'", c->words);
		assert_has(buf_str(&zsh), text, "zsh");
		for (const struct option *o = c->options; o && !OPTION_IS_END(o); o++) {
			if (!o->name || o->hidden)
				continue;
			snprintf(text, sizeof(text), "--%s", o->name);
			assert_has(help, text, c->words);
			assert_has(man, text, c->words);
			assert_has(buf_str(&bash), text, "bash");
			assert_has(buf_str(&zsh), text, "zsh");
			snprintf(text, sizeof(text), "'__tare_is %s' -l %s", c->words, o->name);
			assert_has(buf_str(&fish), text, "fish");
		}
	}
}

static void sources_of_completion(void **state)
{
	(void)state;
	assert_int_equal(completion_kind(NULL), COMPLETE_FILES);
	assert_int_equal(completion_kind("running"), COMPLETE_ASK);
	assert_int_equal(completion_kind("bash zsh fish"), COMPLETE_WORDS);
	assert_string_equal(completion_source("bash zsh fish"), "bash zsh fish");
	assert_non_null(strstr(completion_source("containers"), "ps -a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(rows_are_whole),
	        cmocka_unit_test(options_are_whole),
	        cmocka_unit_test(spellings_are_unique_and_found),
	        cmocka_unit_test(the_words_of_others_are_known),
	        cmocka_unit_test(unknown_words_get_a_hint),
	        cmocka_unit_test(hints_are_for_what_is_not_there),
	        cmocka_unit_test(every_option_is_in_help_man_and_completions),
	        cmocka_unit_test(sources_of_completion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
