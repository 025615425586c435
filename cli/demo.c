#include "cli/demo.h"
#include "cli/demo_command.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/progress.h"
#include "engine/tare.h"

/* ------------------------------------------------------------------ options */

static const void *option_at(const struct demo *d, const char *name, enum option_kind kind)
{
	const struct option *o =
	        d->cli->command->options ? option_find(d->cli->command->options, name) : NULL;

	return o && o->kind == kind ? d->options + o->offset : NULL;
}

bool demo_flag(const struct demo *d, const char *name)
{
	const bool *at = option_at(d, name, OPTION_FLAG);

	return at && *at;
}

const char *demo_text(const struct demo *d, const char *name)
{
	const char *const *at = option_at(d, name, OPTION_STRING);

	return at ? *at : NULL;
}

char **demo_list(const struct demo *d, const char *name)
{
	char **const *at = option_at(d, name, OPTION_LIST);

	return at ? *at : NULL;
}

void demo_begin_progress(struct demo *d)
{
	const int64_t *fd = option_at(d, "progress-fd", OPTION_INT);

	d->quiet = demo_flag(d, "quiet");
	progress_init(&d->progress, fd ? (int)*fd : -1, d->quiet);
}

/* ------------------------------------------------------------------ the commands */

static void say_moved(const struct demo *d, const char *what, struct tare_moved *m)
{
	if (d->quiet)
		puts(m->reference);
	else
		printf("%s: %s %s\n", m->reference, what, m->digest);
	tare_moved_free(m);
}

static int pull(struct demo *d, struct err *e)
{
	struct tare_moved m = {0};
	int rc;

	demo_begin_progress(d);
	rc = d->engine->image_pull(d->engine, d->operands[0], demo_text(d, "platform"), &d->progress, &m, e);
	progress_end(&d->progress);
	if (rc == 0)
		say_moved(d, m.changed ? "pulled" : "up to date", &m);
	return rc;
}

static int push(struct demo *d, struct err *e)
{
	struct tare_moved m = {0};
	int rc;

	demo_begin_progress(d);
	rc = d->engine->image_push(d->engine, d->operands[0], d->operands[1], &d->progress, &m, e);
	progress_end(&d->progress);
	if (rc == 0)
		say_moved(d, "pushed", &m);
	return rc;
}

int demo_print_json(json *j)
{
	cleanup_buf struct buf b = BUF_INIT;

	json_print(&b, j, JSON_PRETTY);
	return puts(buf_str(&b)) < 0 ? -1 : 0;
}

static void print_found(json *rows)
{
	/* the columns of the real one */
	printf("%-24s %-40s %5s   %s\n", "NAME", "DESCRIPTION", "STARS", "OFFICIAL");
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		json *row = json_object_array_get_idx(rows, i);

		printf("%-24s %-40s %5lld   %s\n", json_str(row, "Name", ""),
		        json_str(row, "Description", ""), (long long)json_int(row, "StarCount", 0),
		        json_bool(row, "IsOfficial", false) ? "[OK]" : "");
	}
}

static int search(struct demo *d, struct err *e)
{
	bool tags = demo_flag(d, "list-tags");
	cleanup_json json *found = NULL;
	cleanup_strv char **names = NULL;

	if (d->engine->image_search(d->engine, d->operands[0], tags, &found, e) < 0)
		return -1;
	if (d->cli->json)
		return demo_print_json(found);
	if (!tags) {
		print_found(found);
		return 0;
	}
	names = json_strv(found, "Tags");
	strv_foreach (s, names)
		printf("%s:%s\n", d->operands[0], *s);
	return 0;
}

/* Whatever password comes is taken, and forgotten. */
static int login(struct demo *d, struct err *e)
{
	const char *registry = d->operands[0] ? d->operands[0] : "docker.io",
	           *user = demo_text(d, "username");
	char ignored[4096];

	while (demo_flag(d, "password-stdin") && read(STDIN_FILENO, ignored, sizeof(ignored)) > 0)
		;
	if (d->engine->login(d->engine, registry, user ? user : "", e) < 0)
		return -1;
	puts("Login Succeeded; stored nowhere, since this is the demo");
	return 0;
}

static int commit(struct demo *d, struct err *e)
{
	const struct tare_commit request = {
	        .container = d->operands[0],
	        .reference = d->operands[1],
	        .message = demo_text(d, "message"),
	};
	cleanup_free char *id = NULL;
	int rc;

	demo_begin_progress(d);
	rc = d->engine->commit(d->engine, &request, &d->progress, &id, e);
	progress_end(&d->progress);
	if (rc < 0)
		return -1;
	puts(id);
	return 0;
}

/* ------------------------------------------------------------------ which one */

static const struct demo_command image_commands_of_demo[] = {
        {"pull", pull},
        {"push", push},
        {"search", search},
        {"login", login},
        {"commit", commit},
        {NULL, NULL},
};

static const struct demo_command *find(const struct demo_command *table, const char *words)
{
	for (; table->words; table++)
		if (strcmp(table->words, words) == 0)
			return table;
	return NULL;
}

int demo_run(struct cli *cli, void *options, char **operands)
{
	const char *words = cli->command->words;
	const struct demo_command *found = find(image_commands_of_demo, words);
	struct demo d = {.cli = cli, .options = options, .operands = operands};
	struct err e = ERR_INIT;

	if (!found)
		found = find(demo_volume_commands, words);
	if (found) {
		d.engine = cli_engine(cli, &e);
		return d.engine && found->run(&d, &e) == 0 ? 0 : cli_fail(cli, &e);
	}
	err_set(&e, ERR_UNSUPPORTED, "%s is about real files, so it is not in the demo; leave out --demo",
	        words);
	return cli_fail(cli, &e);
}
