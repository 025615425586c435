#include "tui/update_form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/units.h"
#include "engine/tare.h"
#include "tui/actions_state.h"
#include "tui/app.h"
#include "tui/care_view.h"
#include "tui/form.h"
#include "tui/job.h"
#include "tui/model.h"
#include "tui/request.h"

enum {
	UPDATE_MEMORY,
	UPDATE_RESERVATION,
	UPDATE_SWAP,
	UPDATE_CPUS,
	UPDATE_SHARES,
	UPDATE_CPUSET,
	UPDATE_PIDS,
	UPDATE_WEIGHT,
	UPDATE_RESTART,
	UPDATE_TIMES,
	UPDATE_HEALTH,
	UPDATE_INTERVAL,
	UPDATE_TIMEOUT,
	UPDATE_RETRIES,
	UPDATE_START,
	UPDATE_N
};

#define MEMORY_LEAST (UINT64_C(6) << 20) /* the engine's */
#define SHARES_USUAL "1024"
#define SHARES_LEAST 2
#define SHARES_MOST  262144
#define WEIGHT_LEAST 10
#define WEIGHT_MOST  1000

/* In the order of enum tare_restart. */
static const char *const policies[] = {"no", "on-failure", "always", "unless-stopped", NULL};

static const struct form_field fields[UPDATE_N] = {
        [UPDATE_MEMORY] = {.label = "Memory", .kind = FIELD_TEXT},
        [UPDATE_RESERVATION] = {.label = "  reserved", .kind = FIELD_TEXT},
        [UPDATE_SWAP] = {.label = "  with swap", .kind = FIELD_TEXT},
        [UPDATE_CPUS] = {.label = "CPUs", .kind = FIELD_TEXT},
        [UPDATE_SHARES] = {.label = "  shares", .kind = FIELD_TEXT},
        [UPDATE_CPUSET] = {.label = "  cpuset", .kind = FIELD_TEXT},
        [UPDATE_PIDS] = {.label = "Processes", .kind = FIELD_TEXT},
        [UPDATE_WEIGHT] = {.label = "Disk weight", .kind = FIELD_TEXT},
        [UPDATE_RESTART] = {.label = "Restart", .kind = FIELD_CHOICE, .choices = policies},
        [UPDATE_TIMES] = {.label = "  at most", .kind = FIELD_TEXT},
        [UPDATE_HEALTH] = {.label = "Health", .kind = FIELD_TEXT},
        [UPDATE_INTERVAL] = {.label = "  interval", .kind = FIELD_TEXT},
        [UPDATE_TIMEOUT] = {.label = "  timeout", .kind = FIELD_TEXT},
        [UPDATE_RETRIES] = {.label = "  retries", .kind = FIELD_TEXT},
        [UPDATE_START] = {.label = "  start", .kind = FIELD_TEXT},
};

/* What a field is to the command, and the word for "as if it had never been asked for"; NULL: there is none.
 */
static const struct {
	const char *flag, *none, *placeholder;
} limits[UPDATE_N] = {
        [UPDATE_MEMORY] = {"--memory", "-1", "no limit; 256m, 1.5g"},
        [UPDATE_RESERVATION] = {"--memory-reservation", "-1", "nothing; left to it when the host runs short"},
        [UPDATE_SWAP] = {"--memory-swap", NULL, "as much again as memory; both together, -1: no limit"},
        [UPDATE_CPUS] = {"--cpus", "0", "no limit; 0.5, 2"},
        [UPDATE_SHARES] = {"--cpu-shares", SHARES_USUAL, "1024, as all have"},
        [UPDATE_CPUSET] = {"--cpuset-cpus", NULL, "all CPUs; 0-2,4"},
        [UPDATE_PIDS] = {"--pids-limit", "-1", "no limit; 100"},
        [UPDATE_WEIGHT] = {"--blkio-weight", NULL, "as all have; 10 to 1000"},
        [UPDATE_TIMES] = {NULL, NULL, "without end; a number of times, 5"},
        [UPDATE_HEALTH] = {"--health-cmd", NULL, "not asked; wget -qO- localhost/health"},
        [UPDATE_INTERVAL] = {"--health-interval", NULL, "30s between two probes"},
        [UPDATE_TIMEOUT] = {"--health-timeout", NULL, "30s for each"},
        [UPDATE_RETRIES] = {"--health-retries", NULL, "3 failures in a row make it unhealthy"},
        [UPDATE_START] = {"--health-start-period", "0s", "none; failures at first that do not count"},
};

struct update_form {
	struct form form; /* first */
	char *container;
	char title[80];
	bool auto_remove;
	char *before[UPDATE_N]; /* the texts as they were */
	int policy;
};

/* ------------------------------------------------------------------ what holds now */

/* As one would type it: "300m" rather than 314572800. */
static char *size_text(int64_t bytes)
{
	static const char units[] = "bkmg";
	int unit = 0;

	while (bytes && bytes % 1024 == 0 && units[unit + 1]) {
		bytes /= 1024;
		unit++;
	}
	return str_printf("%lld%c", (long long)bytes, units[unit]);
}

static char *cpus_text(json *host_config)
{
	int64_t nano = json_int(host_config, "NanoCpus", 0), quota = json_int(host_config, "CpuQuota", 0);
	int64_t period = json_int(host_config, "CpuPeriod", 0);

	if (nano <= 0 && quota > 0)
		nano = (int64_t)((double)quota / (double)(period > 0 ? period : 100000) * 1e9);
	return nano > 0 ? str_printf("%g", (double)nano / 1e9) : strdup("");
}

static void keep(struct update_form *u, size_t field, char *text)
{
	u->before[field] = text;
	if (text && *text)
		form_set_text(&u->form, field, text);
}

static char *size_of(json *o, const char *key)
{
	int64_t bytes = json_int(o, key, 0);

	return bytes > 0 ? size_text(bytes) : strdup(bytes < 0 && !strcmp(key, "MemorySwap") ? "-1" : "");
}

static char *number_of(json *o, const char *key)
{
	int64_t n = json_int(o, key, 0);

	return n > 0 ? str_printf("%lld", (long long)n) : strdup("");
}

static char *time_of(json *o, const char *key)
{
	int64_t ns = json_int(o, key, 0);
	char text[32];

	return strdup(ns > 0 ? care_duration(ns, text, sizeof text) : "");
}

/* As --health-cmd takes it: a text for the shell, or an array. */
static char *test_of(json *check)
{
	cleanup_strv char **test = json_strv(check, "Test");

	if (!test || !test[0] || !strcmp(test[0], "NONE"))
		return strdup("");
	if (!strcmp(test[0], "CMD-SHELL"))
		return strdup(test[1] ? test[1] : "");
	return strdup(json_object_to_json_string_ext(json_get(check, "Test"), JSON_C_TO_STRING_PLAIN));
}

static void fill_in_health(struct update_form *u, json *check)
{
	keep(u, UPDATE_HEALTH, test_of(check));
	keep(u, UPDATE_INTERVAL, time_of(check, "Interval"));
	keep(u, UPDATE_TIMEOUT, time_of(check, "Timeout"));
	keep(u, UPDATE_RETRIES, number_of(check, "Retries"));
	keep(u, UPDATE_START, time_of(check, "StartPeriod"));
}

static void fill_in(struct update_form *u, json *host_config)
{
	json *restart = json_get(host_config, "RestartPolicy");
	const char *policy = json_str(restart, "Name", "no");

	keep(u, UPDATE_MEMORY, size_of(host_config, "Memory"));
	keep(u, UPDATE_RESERVATION, size_of(host_config, "MemoryReservation"));
	keep(u, UPDATE_SWAP, size_of(host_config, "MemorySwap"));
	keep(u, UPDATE_CPUS, cpus_text(host_config));
	keep(u, UPDATE_SHARES, number_of(host_config, "CpuShares"));
	keep(u, UPDATE_CPUSET, strdup(json_str(host_config, "CpusetCpus", "")));
	keep(u, UPDATE_PIDS, number_of(host_config, "PidsLimit"));
	keep(u, UPDATE_WEIGHT, number_of(host_config, "BlkioWeight"));
	keep(u, UPDATE_TIMES, number_of(restart, "MaximumRetryCount"));
	for (int i = 0; policies[i]; i++)
		if (!strcmp(policies[i], policy))
			u->policy = u->form.fields[UPDATE_RESTART].value = i;
	u->form.fields[UPDATE_TIMES].is_hidden = u->policy != TARE_RESTART_ON_FAILURE;
}

/* ------------------------------------------------------------------ the command */

static bool is_other(const struct update_form *u, size_t field)
{
	return u->before[field] && strcmp(form_text(&u->form, field), u->before[field]) != 0;
}

static void add(char ***args, const char *flag, char *value)
{
	strv_add(args, flag);
	strv_take(args, value);
}

static void add_limit(char ***args, const struct update_form *u, size_t field)
{
	const char *text = form_text(&u->form, field);

	if (limits[field].flag && is_other(u, field) && (*text || limits[field].none))
		add(args, limits[field].flag, strdup(*text ? text : limits[field].none));
}

static bool is_other_policy(const struct update_form *u)
{
	int policy = u->form.fields[UPDATE_RESTART].value;

	return policy != u->policy || (policy == TARE_RESTART_ON_FAILURE && is_other(u, UPDATE_TIMES));
}

/* tare's words; only what is another than before. */
static char **command_of(const struct update_form *u)
{
	const char *times = form_text(&u->form, UPDATE_TIMES);
	int policy = u->form.fields[UPDATE_RESTART].value;
	char **args = NULL;

	strv_add(&args, "update");
	for (size_t i = 0; i < UPDATE_N; i++)
		add_limit(&args, u, i);
	if (is_other(u, UPDATE_HEALTH) && !*form_text(&u->form, UPDATE_HEALTH)) {
		strv_free_ptr(&args);
		strv_add(&args, "update");
		for (size_t i = 0; i < UPDATE_HEALTH; i++)
			add_limit(&args, u, i);
		strv_add(&args, "--no-healthcheck");
	}
	if (is_other_policy(u) && policy == TARE_RESTART_ON_FAILURE && *times)
		add(&args, "--restart", str_printf("%s:%s", policies[policy], times));
	else if (is_other_policy(u))
		add(&args, "--restart", strdup(policies[policy]));
	if (strv_len(args) > 1)
		strv_add(&args, u->container);
	return args;
}

static void show_command(struct update_form *u)
{
	cleanup_strv char **args = command_of(u);
	char *text = strv_len(args) > 1 ? job_command_text(u->form.v.app, args)
	                                : strdup("nothing is another than before");

	form_set_summary(&u->form, text);
}

/* ------------------------------------------------------------------ what is right */

static int check_size(const char *text, struct err *e)
{
	uint64_t bytes;

	if (size_parse(text, &bytes, e) < 0)
		return -1;
	if (bytes < MEMORY_LEAST)
		return err_set(e, ERR_USAGE, "at least 6m");
	return 0;
}

/* 0 where none is given. */
static uint64_t size_given(const struct update_form *u, size_t field)
{
	uint64_t bytes;

	return size_parse(form_text(&u->form, field), &bytes, NULL) == 0 ? bytes : 0;
}

static int check_reservation(const struct update_form *u, const char *text, struct err *e)
{
	uint64_t memory = size_given(u, UPDATE_MEMORY);

	if (check_size(text, e) < 0)
		return -1;
	if (memory && size_given(u, UPDATE_RESERVATION) > memory)
		return err_set(e, ERR_USAGE, "more than the limit on memory");
	return 0;
}

/* Memory and swap together. */
static int check_swap(const struct update_form *u, const char *text, struct err *e)
{
	uint64_t memory = size_given(u, UPDATE_MEMORY);

	if (strcmp(text, "-1") != 0 && check_size(text, e) < 0)
		return -1;
	if (!memory)
		return err_set(e, ERR_USAGE, "needs a limit on memory, too");
	if (strcmp(text, "-1") != 0 && size_given(u, UPDATE_SWAP) < memory)
		return err_set(e, ERR_USAGE, "memory and swap together: at least as much as memory");
	return 0;
}

static int check_cpuset(const char *text, struct err *e)
{
	return strspn(text, "0123456789,-") == strlen(text) && text[strlen(text) - 1] != '-' &&
	                       text[strlen(text) - 1] != ',' && *text != '-' && *text != ','
	               ? 0
	               : err_set(e, ERR_USAGE, "numbers of CPUs, as in 0-2,4");
}

static int check_policy(const struct update_form *u, struct err *e)
{
	return u->auto_remove && u->form.fields[UPDATE_RESTART].value != TARE_RESTART_NO
	               ? err_set(e, ERR_USAGE, "it is removed when it ends, and cannot start again")
	               : 0;
}

static int check_empty(size_t field, struct err *e)
{
	switch (field) {
	case UPDATE_CPUSET:
		return err_set(e, ERR_USAGE, "name the CPUs: all of this machine are 0-%ld",
		        sysconf(_SC_NPROCESSORS_ONLN) - 1);
	case UPDATE_SWAP:
		return err_set(e, ERR_USAGE, "a size, or -1 for no limit");
	case UPDATE_WEIGHT:
		return err_set(e, ERR_USAGE, "a weight, 10 to 1000");
	case UPDATE_INTERVAL:
	case UPDATE_TIMEOUT:
		return err_set(e, ERR_USAGE, "a time, as in 30s");
	case UPDATE_RETRIES:
		return err_set(e, ERR_USAGE, "a number, as in 3");
	default:
		return 0;
	}
}

static int check(const struct update_form *u, size_t field, const char *text, struct err *e)
{
	struct resources r = {0};
	int64_t n;

	if (fields[field].kind == FIELD_TEXT && !*text)
		return check_empty(field, e);
	switch (field) {
	case UPDATE_MEMORY:
		return check_size(text, e);
	case UPDATE_RESERVATION:
		return check_reservation(u, text, e);
	case UPDATE_SWAP:
		return check_swap(u, text, e);
	case UPDATE_CPUS:
		return tare_parse_cpus(&r, text, e);
	case UPDATE_SHARES:
		return int_parse(text, SHARES_LEAST, SHARES_MOST, "weight", &n, e);
	case UPDATE_CPUSET:
		return check_cpuset(text, e);
	case UPDATE_PIDS:
		return int_parse(text, 1, INT32_MAX, "number of processes", &n, e);
	case UPDATE_WEIGHT:
		return int_parse(text, WEIGHT_LEAST, WEIGHT_MOST, "weight", &n, e);
	case UPDATE_TIMES:
		return int_parse(text, 1, 1000000, "number of starts", &n, e);
	case UPDATE_HEALTH:
		return 0;
	case UPDATE_INTERVAL:
	case UPDATE_TIMEOUT:
	case UPDATE_START:
		return duration_parse(text, &n, e);
	case UPDATE_RETRIES:
		return int_parse(text, 1, 1000000, "number of failures", &n, e);
	default:
		return check_policy(u, e);
	}
}

static void check_field(struct update_form *u, size_t field)
{
	struct form_field *f = &u->form.fields[field];
	const char *text = form_text(&u->form, field);
	struct err e = ERR_INIT;
	bool is_right = f->kind == FIELD_TEXT && !is_other(u, field);

	/* what is left as it was is wrong only beside a memory that is another */
	if ((field == UPDATE_SWAP || field == UPDATE_RESERVATION) && is_other(u, UPDATE_MEMORY))
		is_right = !*text;
	if (field == UPDATE_SWAP && !*form_text(&u->form, UPDATE_MEMORY) && !is_other(u, field))
		is_right = true; /* it goes with the limit on memory */
	snprintf(f->error, FORM_ERROR_SIZE, "%.*s", FORM_ERROR_SIZE - 1,
	        is_right || check(u, field, text, &e) == 0 ? "" : e.msg);
}

static void changed(struct form *f, size_t field)
{
	struct update_form *u = (struct update_form *)f;

	check_field(u, field);
	if (field == UPDATE_MEMORY) {
		check_field(u, UPDATE_RESERVATION);
		check_field(u, UPDATE_SWAP);
	}
	f->fields[UPDATE_TIMES].is_hidden = f->fields[UPDATE_RESTART].value != TARE_RESTART_ON_FAILURE;
	show_command(u);
}

/* ------------------------------------------------------------------ the form */

static unsigned submit(struct form *f)
{
	const struct update_form *u = (struct update_form *)f;
	cleanup_strv char **args = command_of(u);
	struct request *r;

	if (strv_len(args) < 2) {
		app_toast(f->v.app, TOAST_INFO, "%s stays as it is", u->container);
		return VIEW_DONE | VIEW_CLOSE;
	}
	r = request_new("");
	strv_foreach (s, args)
		request_word(r, *s);
	request_title(r, "update %s", u->container);
	request_said(r, "updated %s", u->container);
	if (r)
		r->refresh = MODEL_CONTAINERS;
	request_start(f->v.app, r);
	return VIEW_DONE | VIEW_CLOSE;
}

static void update_form_free(struct form *f)
{
	struct update_form *u = (struct update_form *)f;

	free(u->container);
	for (size_t i = 0; i < UPDATE_N; i++)
		free(u->before[i]);
}

static const struct form_ops ops = {changed, NULL, submit, update_form_free};

struct view *update_form_new(struct app *a, const struct model_container *c)
{
	struct tare_engine *engine = app_engine(a);
	struct update_form *u;
	cleanup_json json *document = NULL;

	if (engine->inspect(engine, c->row.id, false, &document, NULL) < 0)
		return NULL;
	u = calloc(1, sizeof *u);
	if (!u || form_init(&u->form, a, &ops, "Limits", "Change", fields, UPDATE_N) < 0)
		return NULL;
	u->container = strdup(container_ref(c));
	u->auto_remove = c->row.auto_remove;
	snprintf(u->title, sizeof u->title, "Limits of %.64s", container_ref(c));
	u->form.title = u->title;
	for (size_t i = 0; i < UPDATE_N; i++)
		if (limits[i].placeholder)
			form_set_placeholder(&u->form, i, strdup(limits[i].placeholder));
	form_set_note(&u->form, UPDATE_RESTART, strdup("when it ends, and after a boot of this machine"));
	fill_in(u, json_get(document, "HostConfig"));
	fill_in_health(u, json_path(document, "Config.Healthcheck"));
	show_command(u);
	if (u->container)
		return &u->form.v;
	u->form.v.ops->free(&u->form.v);
	return NULL;
}
