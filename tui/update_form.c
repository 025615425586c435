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
#include "tui/form.h"
#include "tui/job.h"
#include "tui/model.h"
#include "tui/request.h"

enum { UPDATE_MEMORY, UPDATE_CPUS, UPDATE_PIDS, UPDATE_RESTART, UPDATE_TIMES, UPDATE_N };

#define MEMORY_LEAST (UINT64_C(6) << 20) /* the engine's */

/* In the order of enum tare_restart. */
static const char *const policies[] = {"no", "on-failure", "always", "unless-stopped", NULL};

static const struct form_field fields[UPDATE_N] = {
        [UPDATE_MEMORY] = {.label = "Memory", .kind = FIELD_TEXT},
        [UPDATE_CPUS] = {.label = "CPUs", .kind = FIELD_TEXT},
        [UPDATE_PIDS] = {.label = "Processes", .kind = FIELD_TEXT},
        [UPDATE_RESTART] = {.label = "Start again", .kind = FIELD_CHOICE, .choices = policies},
        [UPDATE_TIMES] = {.label = "At most", .kind = FIELD_TEXT},
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

static void fill_in(struct update_form *u, json *host_config)
{
	json *restart = json_get(host_config, "RestartPolicy");
	const char *policy = json_str(restart, "Name", "no");
	int64_t memory = json_int(host_config, "Memory", 0), pids = json_int(host_config, "PidsLimit", 0);
	int64_t times = json_int(restart, "MaximumRetryCount", 0);

	keep(u, UPDATE_MEMORY, memory > 0 ? size_text(memory) : strdup(""));
	keep(u, UPDATE_CPUS, cpus_text(host_config));
	keep(u, UPDATE_PIDS, pids > 0 ? str_printf("%lld", (long long)pids) : strdup(""));
	keep(u, UPDATE_TIMES, times > 0 ? str_printf("%lld", (long long)times) : strdup(""));
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

static void add_limit(char ***args, const struct update_form *u, size_t field, const char *flag)
{
	const char *text = form_text(&u->form, field);

	if (is_other(u, field))
		add(args, flag, strdup(*text ? text : "-1"));
}

/* A limit of all the CPUs that there are is none. */
static char *cpus_asked(const char *text)
{
	return *text ? strdup(text) : str_printf("%ld", sysconf(_SC_NPROCESSORS_ONLN));
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
	add_limit(&args, u, UPDATE_MEMORY, "--memory");
	if (is_other(u, UPDATE_CPUS))
		add(&args, "--cpus", cpus_asked(form_text(&u->form, UPDATE_CPUS)));
	add_limit(&args, u, UPDATE_PIDS, "--pids-limit");
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

static int check_memory(const char *text, struct err *e)
{
	uint64_t bytes;

	if (size_parse(text, &bytes, e) < 0)
		return -1;
	if (bytes < MEMORY_LEAST)
		return err_set(e, ERR_USAGE, "at least 6m; empty for no limit");
	return 0;
}

static int check(const struct update_form *u, size_t field, const char *text, struct err *e)
{
	struct resources r = {0};
	int64_t n;

	switch (field) {
	case UPDATE_MEMORY:
		return check_memory(text, e);
	case UPDATE_CPUS:
		return tare_parse_cpus(&r, text, e);
	case UPDATE_PIDS:
		return int_parse(text, 1, INT32_MAX, "number of processes", &n, e);
	case UPDATE_TIMES:
		return int_parse(text, 1, 1000000, "number of starts", &n, e);
	default:
		return u->auto_remove && u->form.fields[field].value != TARE_RESTART_NO
		               ? err_set(e, ERR_USAGE, "it is removed when it ends, and cannot start again")
		               : 0;
	}
}

static void changed(struct form *f, size_t field)
{
	struct update_form *u = (struct update_form *)f;
	const char *text = f->fields[field].kind == FIELD_TEXT ? form_text(f, field) : "policy";
	bool is_same = f->fields[field].kind == FIELD_TEXT && !is_other(u, field);
	struct err e = ERR_INIT;

	snprintf(f->fields[field].error, FORM_ERROR_SIZE, "%.*s", FORM_ERROR_SIZE - 1,
	        !*text || is_same || check(u, field, text, &e) == 0 ? "" : e.msg);
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
	form_set_placeholder(&u->form, UPDATE_MEMORY, strdup("no limit; 256m, 1.5g"));
	form_set_placeholder(&u->form, UPDATE_CPUS, strdup("no limit; 0.5, 2"));
	form_set_placeholder(&u->form, UPDATE_PIDS, strdup("no limit; 100"));
	form_set_placeholder(&u->form, UPDATE_TIMES, strdup("without end; a number of times, 5"));
	form_set_note(&u->form, UPDATE_RESTART, strdup("when it ends, and after a boot of this machine"));
	fill_in(u, json_get(document, "HostConfig"));
	show_command(u);
	if (u->container)
		return &u->form.v;
	u->form.v.ops->free(&u->form.v);
	return NULL;
}
