#include "tui/run_check.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/units.h"
#include "engine/tare.h"
#include "tui/app.h"
#include "tui/model.h"
#include "tui/port_text.h"
#include "tui/words.h"

typedef int word_parser(struct tare_create *c, const char *text, struct err *e);

static int check_words(struct tare_create *c, const char *text, word_parser *parse, struct err *e)
{
	cleanup_strv char **words = words_split(text, e);

	if (!words && e->msg[0])
		return -1;
	strv_foreach (s, words)
		if (parse && parse(c, *s, e) < 0)
			return -1;
	return 0;
}

static int check_name(struct app *a, const char *text, struct err *e)
{
	struct model_container *const *rows = NULL;
	size_t n = a ? model_containers(app_model(a), &rows) : 0;

	if (tare_name_check(text, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (rows[i]->row.name && !strcmp(rows[i]->row.name, text))
			return err_set(e, ERR_CONFLICT, "another container is called so");
	return 0;
}

static int check_workdir(const char *text, struct err *e)
{
	return *text == '/' ? 0 : err_set(e, ERR_USAGE, "a path from the root, as in /srv");
}

char **run_list(const char *text, struct err *e)
{
	cleanup_free char *copy = strdup(text);

	if (!copy)
		return err_set_null(e, ERR_OTHER, "out of memory");
	for (char *s = copy; *s; s++)
		if (*s == ',')
			*s = ' ';
	return words_split(copy, e);
}

/* Does something that runs publish it already? */
static int check_port(struct app *a, const struct tare_publish *port, struct err *e)
{
	struct model_container *const *rows = NULL;
	size_t n = a ? model_containers(app_model(a), &rows) : 0;

	for (size_t i = 0; i < n; i++) {
		const struct tare_container *c = &rows[i]->row;

		if (c->state == TARE_CREATED || c->state == TARE_EXITED)
			continue;
		for (size_t k = 0; k < c->n_ports; k++)
			if (port_clashes(&c->ports[k], port))
				return err_set(e, ERR_CONFLICT, "%.60s publishes port %u already", c->name,
				        port->host_port);
	}
	return 0;
}

static int check_ports(struct app *a, struct tare_create *c, const char *text, struct err *e)
{
	cleanup_strv char **words = run_list(text, e);

	if (!words && e->msg[0])
		return -1;
	strv_foreach (s, words)
		if (tare_parse_publish(c, *s, e) < 0)
			return -1;
	for (size_t i = 0; i < c->n_publish; i++)
		if (check_port(a, &c->publish[i], e) < 0)
			return -1;
	return 0;
}

static bool is_network(struct app *a, const char *word)
{
	size_t len = strcspn(word, ",");

	if (!strcmp(word, "bridge") || (!strncmp(word, "container:", 10) && word[10]) ||
	        !strncmp(word, "name=", 5))
		return true;
	return len == strlen(word) && (!a || model_network_called(app_model(a), word));
}

/* One of Tare's, or several; or, alone, one of the words that mean something else. */
static int check_network(struct app *a, const char *text, struct err *e)
{
	cleanup_strv char **words = run_list(text, e);

	if (!words && e->msg[0])
		return -1;
	if (words && !words[1] && (!strcmp(*words, "none") || !strcmp(*words, "host")))
		return 0;
	strv_foreach (s, words) {
		if (strv_len(words) > 1 && (strchr(*s, ':') || !strcmp(*s, "none") || !strcmp(*s, "host")))
			return err_set(e, ERR_USAGE, "%.60s stands alone", *s);
		if (!is_network(a, *s))
			return err_set(e, ERR_NOT_FOUND,
			        "there is no network \"%.60s\"; 4 shows those that are", *s);
	}
	return 0;
}

static int check_user(const char *text, struct err *e)
{
	return strpbrk(text, " \t") ? err_set(e, ERR_USAGE, "USER or USER:GROUP, by name or number") : 0;
}

static int check_memory(const char *text, struct err *e)
{
	uint64_t bytes;

	return size_parse(text, &bytes, e);
}

static int check_pids(const char *text, struct err *e)
{
	int64_t v;

	return int_parse(text, -1, INT32_MAX, "number of processes", &v, e);
}

static int check(struct app *a, struct tare_create *c, enum run_field field, const char *text, struct err *e)
{
	switch (field) {
	case RUN_NAME:
		return check_name(a, text, e);
	case RUN_COMMAND:
		return check_words(c, text, NULL, e);
	case RUN_ENV:
		return check_words(c, text, tare_parse_env, e);
	case RUN_VOLUMES:
		return check_words(c, text, tare_parse_volume, e);
	case RUN_MEMORY:
		return check_memory(text, e);
	case RUN_CPUS:
		return tare_parse_cpus(&c->resources, text, e);
	case RUN_PIDS:
		return check_pids(text, e);
	case RUN_NETWORK:
		return check_network(a, text, e);
	case RUN_PORTS:
		return check_ports(a, c, text, e);
	case RUN_RESTART:
		return tare_parse_restart(text, &c->restart, &c->restart_max, e);
	case RUN_HEALTH:
		return tare_parse_health_cmd(c, text, e);
	case RUN_USERNS:
		return tare_parse_userns(c, text, e);
	case RUN_WORKDIR:
		return check_workdir(text, e);
	case RUN_USER:
		return check_user(text, e);
	default:
		return 0;
	}
}

bool run_check(struct app *a, enum run_field field, const char *text, char *error, size_t size)
{
	struct tare_create c;
	struct err e = ERR_INIT;
	bool is_right;

	tare_create_init(&c);
	is_right = !*text || check(a, &c, field, text, &e) == 0;
	tare_create_free(&c);
	snprintf(error, size, "%s", is_right ? "" : e.msg);
	return is_right;
}
